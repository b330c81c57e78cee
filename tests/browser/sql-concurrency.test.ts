import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { soon } from '../support/soon.ts';
import { type Context, type Database, Site, SQL_ENGINES } from '../support/sqlite.js';

const BUSY = 5;
/** For who is to be refused; by default all are patient. */
const BRIEF_MS = 600;
const BRIEF = `PRAGMA busy_timeout=${BRIEF_MS}`;
const PATIENT = 'PRAGMA busy_timeout=60000';

describe.each(SQL_ENGINES)('two connections, %s', (build) => {
  let site: Site;
  let other: Context | undefined;
  beforeEach(() => {
    other = undefined;
  });
  afterEach(async () => {
    await other?.close();
    await site.remove();
  });

  /** Two connections with table t: of one page, or of two pages with a module each. */
  async function openTwo(pages: number, options = {}): Promise<[Database, Database]> {
    site = new Site(build, { spillBytes: 65536, ...options });
    const first = await site.open();
    await first.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 1)');
    if (pages === 1) return [first, await site.open()];
    other = await site.another();
    return [first, await other.open()];
  }

  /** Codes of the errors that VFS methods answered, of both pages. */
  async function codes(): Promise<string[]> {
    const contexts = [await site.context(), ...(other ? [other] : [])];
    return contexts.flatMap(({ errors }) => errors.map(({ code }) => code));
  }

  describe.each([1, 2])('in %i page(s)', (pages) => {
    // Goal: snapshot isolation. Method: a reader inside a sqliteTx while the other commits, spilled
    // and often enough for a checkpoint; its next sqliteTx sees the last commit.
    test('a reader keeps its snapshot while the other commits, and sees the commit next', async () => {
      const [writer, reader] = await openTwo(pages);
      await writer.run('PRAGMA cache_size=10');
      await writer.run(rows(2, 200));
      await reader.run('PRAGMA cache_size=10; BEGIN');
      expect(await reader.value('SELECT count(*) FROM t')).toBe(200);
      const before = await reader.dump();
      await writer.run("UPDATE t SET b = 'new' || b");
      for (let i = 0; i < 20; i++) await writer.run(`INSERT INTO t VALUES (${1000 + i}, 0)`);
      await writer.run('DELETE FROM t WHERE a < 50');
      expect(await reader.dump()).toEqual(before);
      await reader.run('COMMIT');
      expect(await reader.dump()).toEqual(await writer.dump());
      await site.expectKept(await writer.dump());
    });

    // Goal: one writer at a time. Method: the second one's BEGIN IMMEDIATE while the first one writes
    // is SQLITE_BUSY, and goes through when the first one ended.
    test('a second writer gets SQLITE_BUSY until the first one ends', async () => {
      const [first, second] = await openTwo(pages, { busyTimeoutMs: BRIEF_MS });
      await first.run('BEGIN IMMEDIATE; INSERT INTO t VALUES (2, 2)');
      expect(await second.failure('BEGIN IMMEDIATE')).toBe(BUSY);
      expect(await codes()).toEqual(['BUSY']);
      expect(await second.rows('SELECT a FROM t')).toEqual([[1]]);
      await first.run('COMMIT');
      await second.run(PATIENT);
      await second.run('BEGIN IMMEDIATE; INSERT INTO t VALUES (3, 3); COMMIT');
      expect(await first.rows('SELECT a FROM t')).toEqual([[1], [2], [3]]);
      await site.expectKept(await second.dump());
    });

    // Goal: a stale writer is told before it writes. Method: it read, the other committed, it writes:
    // SQLITE_BUSY, in the error event BUSY_SNAPSHOT; after a rollback it writes on the new version.
    test('a writer whose snapshot is stale gets SQLITE_BUSY_SNAPSHOT', async () => {
      const [first, second] = await openTwo(pages);
      await second.run('BEGIN; SELECT * FROM t');
      await first.run('UPDATE t SET b = b + 10');
      expect(await second.failure('UPDATE t SET b = b + 1')).toBe(BUSY);
      expect(await codes()).toEqual(['BUSY_SNAPSHOT']);
      expect(await second.value('SELECT b FROM t')).toBe(1);
      await second.run('ROLLBACK; UPDATE t SET b = b + 1');
      expect(await first.value('SELECT b FROM t')).toBe(12);
      await site.expectKept(await first.dump());
    });

    // Goal: the writer role changes hands without loss. Method: both add to one counter in turns.
    test('writers that take turns lose no update', async () => {
      const [first, second] = await openTwo(pages);
      for (let i = 0; i < 10; i++) {
        await first.run('UPDATE t SET b = b + 1');
        await second.run('UPDATE t SET b = b + 100');
      }
      expect(await first.value('SELECT b FROM t')).toBe(1 + 10 * 101);
      expect(await codes()).toEqual([]);
      await site.expectKept(await first.dump());
    });

    // Goal: a spilled rollback of one connection is nothing to the other. Method: spill in one, read
    // and then write in the other.
    test('a spilled sqliteTx rolled back leaves the other connection undisturbed', async () => {
      const [first, second] = await openTwo(pages);
      await first.run('PRAGMA cache_size=10');
      await first.run(`BEGIN; ${rows(100, 400)}`);
      expect(await second.rows('SELECT a FROM t')).toEqual([[1]]);
      await first.run('ROLLBACK');
      await second.run(rows(2, 3));
      expect(await first.value('SELECT count(*) FROM t')).toBe(3);
      await site.expectKept(await second.dump());
    });

    // Goal: the second connection sees schema changes. Method: CREATE, ALTER, DROP in one; use in both.
    test('schema changes of one connection reach the other', async () => {
      const [first, second] = await openTwo(pages);
      await second.rows('SELECT * FROM t');
      await first.run("ALTER TABLE t ADD COLUMN c DEFAULT 'c'; CREATE TABLE u(x)");
      expect(await second.rows('SELECT c FROM t')).toEqual([['c']]);
      await second.run('INSERT INTO u VALUES (1); DROP TABLE t');
      await first.failure('SELECT * FROM t');
      expect(await first.rows('SELECT x FROM u')).toEqual([[1]]);
      await site.expectKept(await second.dump());
    });

    // Goal: VACUUM with another page size beside an open reader. Method: the reader keeps the old
    // pages, then takes the new ones.
    test('VACUUM to another page size does not disturb a reader', async () => {
      const [first, second] = await openTwo(pages);
      await first.run(rows(2, 300));
      await second.run('BEGIN; PRAGMA cache_size=5');
      const before = await second.dump();
      await first.run('PRAGMA page_size=16384; VACUUM; UPDATE t SET b = 0');
      expect(await second.dump()).toEqual(before);
      await second.run('COMMIT');
      expect(await second.value('SELECT max(b) FROM t')).toBe(0);
      await second.run('INSERT INTO t VALUES (5000, 1)');
      await second.expectIntact();
      await site.expectKept(await first.dump());
    });
  });

  // Goal: two pages that write at the same time lose nothing and see nothing torn. Method: both move
  // amounts between rows, at once, some sqliteTxs spilled or rolled back; busy ones are tried again.
  // The sum stays, and each page's count of its own commits is what it counted.
  test('two pages that write at the same time keep the sum and every commit', async () => {
    const [first, second] = await openTwo(2);
    await first.run(
      'CREATE TABLE m(id INTEGER PRIMARY KEY, n, pad); CREATE TABLE c(who PRIMARY KEY, n)',
    );
    await first.run(`INSERT INTO m WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s
      WHERE i < 60) SELECT i, 100, zeroblob(2000) FROM s; INSERT INTO c VALUES ('a', 0), ('b', 0)`);
    const [a, b] = await Promise.all([moveAmounts(first, 'a', 20), moveAmounts(second, 'b', 20)]);
    const counts = await second.rows('SELECT who, n FROM c ORDER BY who');
    expect(counts).toEqual([
      ['a', a],
      ['b', b],
    ]);
    expect(await first.value('SELECT sum(n) FROM m')).toBe(6000);
    expect(await first.value('SELECT count(DISTINCT pad) FROM m')).toBe(
      await second.value('SELECT count(DISTINCT pad) FROM m'),
    );
    await site.expectKept(await second.dump());
  });

  // Goal: an idle writer gives the role up when asked. Method: the first page wrote and is idle; the
  // second one writes at once; the first hears of it in events, and was not robbed.
  test('the writer role passes to the page that asks for it', async () => {
    const [first, second] = await openTwo(2);
    const changes: string[] = [];
    (await site.context()).vfs.addEventListener('writerchange', ({ detail }) => {
      changes.push(detail.why);
    });
    await second.run('INSERT INTO t VALUES (2, 2)');
    await first.run('INSERT INTO t VALUES (3, 3)');
    await soon(() => expect(changes).toEqual(['released', 'acquired']));
    expect(await second.value('SELECT count(*) FROM t')).toBe(3);
  });

  // Goal: SQLite does not look for others' commits under exclusive locking, so there must be none.
  // Method: one page reads only, or switches inside a read; the other one's write is refused until
  // the first one is back in normal mode.
  test.each([
    'PRAGMA locking_mode=exclusive; SELECT * FROM t',
    'BEGIN; SELECT * FROM t; PRAGMA locking_mode=exclusive; COMMIT',
  ])(
    'a page that read under locking_mode=exclusive keeps others from committing: %s',
    async (sql) => {
      const [first, second] = await openTwo(2);
      await second.run('INSERT INTO t VALUES (2, 2)');
      await first.run(sql);
      await second.run(BRIEF);
      expect(await second.failure('INSERT INTO t VALUES (9, 9)')).toBe(BUSY);
      await first.run('INSERT INTO t VALUES (3, 3)');
      expect(await second.failure('INSERT INTO t VALUES (9, 9)')).toBe(BUSY);
      await first.run('PRAGMA locking_mode=normal; SELECT * FROM t');
      await second.run(PATIENT);
      await second.run('INSERT INTO t VALUES (4, 4)');
      expect((await first.rows('SELECT a FROM t')).flat()).toEqual([1, 2, 3, 4]);
      await site.expectKept(await first.dump());
    },
  );

  // Goal: exclusive locking cannot be had on a snapshot that is stale, or beside a writer.
  // Method: read, let the other commit, switch; and switch while the other writes.
  test('locking_mode=exclusive is SQLITE_BUSY for a stale reader and beside a writer', async () => {
    const [first, second] = await openTwo(2, { busyTimeoutMs: BRIEF_MS });
    await second.run(PATIENT);
    await first.run('BEGIN; SELECT * FROM t');
    await second.run('INSERT INTO t VALUES (2, 2)');
    await expect(first.run('PRAGMA locking_mode=exclusive')).rejects.toThrow();
    await first.run('ROLLBACK');
    await second.run('BEGIN IMMEDIATE');
    await first.run('PRAGMA locking_mode=exclusive');
    expect(await first.failure('SELECT * FROM t')).toBe(BUSY);
    await second.run('COMMIT');
    await first.run(PATIENT);
    await first.run('INSERT INTO t VALUES (3, 3)');
    expect(await codes()).toEqual(['BUSY_SNAPSHOT', 'BUSY']);
    await site.expectKept(await first.dump());
  });
});

/** Runs `rounds` sqliteTxs, a third of them rolled back; how many committed. */
async function moveAmounts(db: Database, who: string, rounds: number): Promise<number> {
  let committed = 0;
  await db.run('PRAGMA cache_size=10');
  for (let round = 0; round < rounds; round++) {
    const [from, to] = [1 + ((round * 7) % 60), 1 + ((round * 11 + 3) % 60)];
    const keeps = round % 3 !== 2;
    const wide = round % 5 === 0 ? 'UPDATE m SET pad = randomblob(2000);' : '';
    const sql = `BEGIN; UPDATE m SET n = n - 5 WHERE id = ${from}; ${wide}
      UPDATE m SET n = n + 5 WHERE id = ${to}; UPDATE c SET n = n + 1 WHERE who = '${who}';
      ${keeps ? 'COMMIT' : 'ROLLBACK'}`;
    while (!(await tried(db, sql))) await new Promise((resolve) => setTimeout(resolve, 5));
    if (keeps) committed++;
    expect(await db.value('SELECT sum(n) FROM m')).toBe(6000);
  }
  return committed;
}

/** False if it was busy; it is rolled back then. */
async function tried(db: Database, sql: string): Promise<boolean> {
  try {
    await db.run(sql);
    return true;
  } catch (cause) {
    if ((cause as { code: number }).code !== BUSY) throw cause;
    await db.run('ROLLBACK').catch(() => undefined);
    return false;
  }
}

/** Rows of about 900 bytes with keys `first` to `last`. */
function rows(first: number, last: number): string {
  return `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM s
    WHERE i < ${last}) SELECT i, printf('%0900d', i) FROM s`;
}
