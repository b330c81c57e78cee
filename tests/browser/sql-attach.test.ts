import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failCommits, rawFile, spyIdbTxs } from '../support/sql-spies.js';
import { type Database, Site, SQL_ENGINES, spills } from '../support/sqlite.js';

const FILES = ['a.db', 'b.db', 'c.db'];

describe.each(SQL_ENGINES)('attached databases, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { indexedDB, spillBytes: 65536 });
  });
  afterEach(() => site.remove());

  /** a.db as main, b.db as b, c.db as c, one table and row in each. */
  async function openThree(): Promise<Database> {
    const db = await site.open('a.db');
    await db.run("ATTACH 'b.db' AS b; ATTACH 'c.db' AS c");
    for (const schema of ['main', 'b', 'c']) {
      await db.run(`CREATE TABLE ${schema}.t(a INTEGER PRIMARY KEY, v)`);
      await db.run(`INSERT INTO ${schema}.t VALUES (1, '${schema}')`);
    }
    return db;
  }

  /** Keys of t in each file, read by a new page. */
  async function keysAfterReopening(): Promise<unknown[]> {
    await site.leave();
    const keys: unknown[] = [];
    for (const file of FILES) {
      const db = await site.open(file);
      await db.expectIntact();
      keys.push((await db.rows('SELECT a FROM t ORDER BY a')).flat());
    }
    return keys;
  }

  // Goal: a sqliteTx over several files is one idbTx. Method: count the idbTxs that touch `commits`,
  // for two files and for three; each file has moved on by one version.
  test('a sqliteTx over two and three files commits in one idbTx', async () => {
    const db = await openThree();
    const spy = spyIdbTxs(site.idbName);
    await db.run('BEGIN; INSERT INTO main.t VALUES (2, 0); INSERT INTO b.t VALUES (2, 0); COMMIT');
    expect(spy.commits()).toHaveLength(1);
    spy.clear();
    await db.run('BEGIN; INSERT INTO main.t VALUES (3, 0); INSERT INTO b.t VALUES (3, 0)');
    await db.run('INSERT INTO c.t VALUES (3, 0); COMMIT');
    expect(spy.commits()).toHaveLength(1);
    expect(spy.commits()[0]?.durability).toBe('strict');
    spy.restore();
    expect(await keysAfterReopening()).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 3],
    ]);
  });

  // Goal: both or neither, spilled or not. Method: both files spill; one idbTx makes the commit.
  test('a spilled sqliteTx over two files commits in one idbTx', async () => {
    const db = await openThree();
    await db.run('PRAGMA main.cache_size=10; PRAGMA b.cache_size=10');
    const spy = spyIdbTxs(site.idbName);
    await db.run(`BEGIN; ${insert('main', 400)}; ${insert('b', 400)}; COMMIT`);
    expect(spy.commits()).toHaveLength(1);
    const ahead = spy.seen.filter(
      ({ mode, stores }) => mode === 'readwrite' && !stores.includes('commits'),
    );
    expect(ahead.length > 1).toBe(spills(build));
    spy.restore();
    const keys = Array.from({ length: 401 }, (_, i) => (i === 0 ? 1 : i + 99));
    expect(await keysAfterReopening()).toEqual([keys, keys, [1]]);
  });

  // Goal: ROLLBACK undoes all files. Method: spilled changes in all three, then a small commit.
  test('a rollback undoes every file', async () => {
    const db = await openThree();
    await db.run('PRAGMA main.cache_size=10; PRAGMA b.cache_size=10; PRAGMA c.cache_size=10');
    await db.run(`BEGIN; ${['main', 'b', 'c'].map((s) => insert(s, 400)).join(';')}; ROLLBACK`);
    await db.run('BEGIN; INSERT INTO main.t VALUES (2, 0); INSERT INTO b.t VALUES (2, 0)');
    await db.run('INSERT INTO c.t VALUES (2, 0); COMMIT');
    for (const id of [1, 2, 3]) expect((await rawFile(site.idbName, id)).orphans).toEqual([]);
    expect(await keysAfterReopening()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  // Goal: a constraint that fails in the second file undoes the statement, not the sqliteTx; a
  // deferred one that fails at COMMIT leaves both files open for a rollback. Method: both kinds.
  test('a constraint failing in the second file leaves both files right', async () => {
    const db = await openThree();
    await db.run('BEGIN; INSERT INTO main.t VALUES (2, 0)');
    expect(await db.failure('INSERT INTO b.t VALUES (5, 0), (1, 0)')).toBe(19);
    await db.run('COMMIT');
    await db.run('PRAGMA foreign_keys=1; CREATE TABLE b.p(x PRIMARY KEY)');
    await db.run('CREATE TABLE b.d(x REFERENCES p DEFERRABLE INITIALLY DEFERRED)');
    await db.run('BEGIN; INSERT INTO main.t VALUES (3, 0); INSERT INTO b.d VALUES (7)');
    expect(await db.failure('COMMIT')).toBe(19);
    await db.run('ROLLBACK');
    expect(await keysAfterReopening()).toEqual([[1, 2], [1], [1]]);
  });

  // Goal: a commit over two files that fails changes neither. Method: abort its idbTx, try again.
  test('a commit over two files that fails changes neither, and can be repeated', async () => {
    const db = await openThree();
    const sql = 'BEGIN; INSERT INTO main.t VALUES (2, 0); INSERT INTO b.t VALUES (2, 0)';
    await db.run(sql);
    const failing = failCommits(site.idbName);
    await db.failure('COMMIT');
    failing.restore();
    if (await db.inTransaction()) await db.run('ROLLBACK');
    expect(await db.rows('SELECT (SELECT max(a) FROM main.t), (SELECT max(a) FROM b.t)')).toEqual([
      [1, 1],
    ]);
    await db.run(`${sql}; COMMIT`);
    expect(await keysAfterReopening()).toEqual([[1, 2], [1, 2], [1]]);
  });

  // Goal: the strongest durability of the files counts. Method: NORMAL and FULL together.
  test('a sqliteTx over files of different durability commits with the strongest', async () => {
    const db = await openThree();
    await db.run('PRAGMA main.synchronous=NORMAL; PRAGMA b.synchronous=FULL');
    const spy = spyIdbTxs(site.idbName);
    await db.run('BEGIN; INSERT INTO main.t VALUES (2, 0); INSERT INTO b.t VALUES (2, 0); COMMIT');
    spy.restore();
    expect(spy.commits().map(({ durability }) => durability)).toEqual(['strict']);
  });

  // Goal: files that never existed and files only read may take part. Method: create b's first table
  // in the sqliteTx that also writes main and reads c.
  test('a new file and a file only read take part in a sqliteTx', async () => {
    const db = await site.open('a.db');
    await db.run("CREATE TABLE t(a); ATTACH 'b.db' AS b; ATTACH 'c.db' AS c; CREATE TABLE c.t(a)");
    const spy = spyIdbTxs(site.idbName);
    await db.run('BEGIN; INSERT INTO main.t SELECT count(*) FROM c.t; CREATE TABLE b.t(a); COMMIT');
    spy.restore();
    expect(spy.commits()).toHaveLength(1);
    expect(await keysAfterReopening()).toEqual([[0], [], []]);
  });

  // Goal: attaching the file that is open already is SQLite's to refuse or share, not ours to break.
  // Method: attach a.db to itself, read; a write to one while the other writes is SQLITE_BUSY.
  test('a file attached twice is never written by both', async () => {
    const db = await openThree();
    await db.run("ATTACH 'a.db' AS again");
    expect(await db.value('SELECT v FROM again.t')).toBe('main');
    await db.run('PRAGMA busy_timeout=0; BEGIN; INSERT INTO main.t VALUES (2, 0)');
    expect(await db.failure('INSERT INTO again.t VALUES (3, 0)')).toBe(5);
    await db.run('COMMIT; INSERT INTO again.t VALUES (4, 0)');
    expect(await keysAfterReopening()).toEqual([[1, 2, 4], [1], [1]]);
  });
});

/** `count` rows of 900 bytes into a schema's t, from key 100 on. */
function insert(schema: string, count: number): string {
  return `INSERT INTO ${schema}.t WITH RECURSIVE s(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM s
    WHERE i < ${99 + count}) SELECT i, printf('%0900d', i) FROM s`;
}
