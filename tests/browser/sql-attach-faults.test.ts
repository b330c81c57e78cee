import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Fault, FaultInjector, type Point } from '../../src/testing/index.js';
import { isCommit } from '../support/fault-points.js';
import { rawFile } from '../support/sql-spies.js';
import { type Database, Site, SQL_ENGINES, spills } from '../support/sqlite.js';

const FULL = 13;
/** What makes SQLite do without a super-journal, for both files. */
const WITHOUT_SUPER_JOURNAL = [
  'PRAGMA journal_mode=memory; PRAGMA b.journal_mode=memory',
  'PRAGMA journal_mode=off; PRAGMA b.journal_mode=off',
  'PRAGMA synchronous=OFF; PRAGMA b.synchronous=OFF',
];
/** An abort that nobody asked for is a lost connection's: such a commit is sent once more. */
const ABORT: Fault = { tag: 'abort-at-commit' };
const FAILING: readonly (readonly [what: string, times: number, fault: Fault])[] = [
  ['QuotaExceededError', 1, { tag: 'abort-at-commit', name: 'QuotaExceededError' }],
  ['DataError', 1, { tag: 'abort-at-commit', name: 'DataError' }],
  ['abort', 2, ABORT],
];
const SURVIVED: readonly Fault[] = [ABORT, { tag: 'close' }, { tag: 'close-after-landing' }];
const SIZES = [
  ['small', 3],
  ['spilled', 400],
] as const;

describe.each(SQL_ENGINES)('commits over two files, %s', (build) => {
  let site: Site;
  let faults: FaultInjector;
  beforeEach(() => {
    faults = new FaultInjector();
    site = new Site(build, { spillBytes: 65536, indexedDB: faults.factory });
  });
  afterEach(() => site.remove());

  /** a.db as main and b.db as b, with one row each and a page cache that holds little. */
  async function openTwo(): Promise<Database> {
    const db = await site.open('a.db');
    await db.run("ATTACH 'b.db' AS b; PRAGMA cache_size=10; PRAGMA b.cache_size=10");
    await db.run(
      'CREATE TABLE t(k INTEGER PRIMARY KEY, v); CREATE TABLE b.t(k INTEGER PRIMARY KEY, v)',
    );
    await db.run("INSERT INTO t VALUES (1, 'a'); INSERT INTO b.t VALUES (1, 'b')");
    return db;
  }

  /** Both files are intact for a new page, have nothing above the marker, and hold what was seen. */
  async function expectKept(db: Database): Promise<void> {
    for (const t of ['main.t', 'b.t']) {
      const other = `SELECT count(*) FROM ${t} WHERE k >= 100 AND v IS NOT printf('%0900d', k)`;
      expect(await db.value(other)).toBe(0);
    }
    const expected = [await db.dump('main'), await db.dump('b')];
    await site.expectKept(expected[0] ?? {}, 'a.db');
    await site.expectKept(expected[1] ?? {}, 'b.db');
    for (const id of [1, 2]) expect((await rawFile(site.idbName, id)).orphans).toEqual([]);
  }

  const counts = (db: Database) =>
    db.rows('SELECT (SELECT count(*) FROM main.t), (SELECT count(*) FROM b.t)');

  // Goal: without a super-journal each file commits by itself, as SQLite documents, and loses
  // nothing. Method: count the commits of a sqliteTx, small and spilled, and their idbTxs where they do not
  // wait for each other; then both contents.
  test.each(WITHOUT_SUPER_JOURNAL)('each file commits by itself under %s', async (pragmas) => {
    const db = await openTwo();
    await db.run(pragmas);
    const { vfs } = await site.context();
    const landed: string[] = [];
    vfs.addEventListener('commit', ({ detail }) => landed.push(detail.path));
    for (const [first, count] of [
      [100, 3],
      [1000, 200],
    ] as const) {
      await vfs.durable();
      faults.reset();
      landed.length = 0;
      await db.run(`BEGIN; ${insert('main', first, count)}; ${insert('b', first, count)}; COMMIT`);
      await vfs.durable();
      expect(landed.sort()).toEqual(['a.db', 'b.db']);
      if (!pragmas.includes('OFF')) expect(faults.count(isCommit)).toBe(2);
    }
    expect(await counts(db)).toEqual([[204, 204]]);
    await expectKept(db);
  });

  // Goal: ROLLBACK needs no super-journal. Method: a spilled sqliteTx over both; journal_mode=off is
  // left out, for SQLite cannot promise a rollback without a journal.
  test.each(WITHOUT_SUPER_JOURNAL.filter((pragmas) => !pragmas.includes('=off')))(
    'a rollback undoes both files under %s',
    async (pragmas) => {
      const db = await openTwo();
      await db.run(pragmas);
      await db.run(`BEGIN; ${insert('main', 100, 200)}; ${insert('b', 100, 200)}`);
      await db.run("UPDATE t SET v = 'gone'; UPDATE b.t SET v = 'gone'; ROLLBACK");
      expect(await counts(db)).toEqual([[1, 1]]);
      await db.run('INSERT INTO t VALUES (2, 0); INSERT INTO b.t VALUES (2, 0)');
      await expectKept(db);
    },
  );

  describe.each(SIZES)('%s', (size, count) => {
    // Goal: a group's idbTx that fails at its commit leaves both files as before, and the next
    // statement works. Method: a fault at its last step, after every request was answered.
    test.each(FAILING)('%s, %i time(s), changes neither file', async (what, times, fault) => {
      const db = await openTwo();
      faults.reset();
      await db.run(`BEGIN; ${insert('main', 100, count)}; ${insert('b', 100, count)}`);
      // Asked behind all that was sent ahead.
      await (await site.context()).vfs.stats();
      expect(faults.count(isSpill) > 0).toBe(size === 'spilled' && spills(build));
      faults.plan(fault, { at: isCommit, times });
      const code = await db.failure('COMMIT');
      if (what === 'QuotaExceededError') expect(code).toBe(FULL);
      expect(faults.struck).toHaveLength(times);
      if (await db.inTransaction()) await db.run('ROLLBACK');
      expect(await counts(db)).toEqual([[1, 1]]);
      await db.run(`BEGIN; ${insert('main', 1000, count)}; ${insert('b', 1000, count)}; COMMIT`);
      expect(await counts(db)).toEqual([[count + 1, count + 1]]);
      await expectKept(db);
    });

    // Goal: a connection lost at the commit is not a commit lost: it is looked up, and sent again if
    // it did not land. Method: the browser closes the connection before and after it landed.
    test.each(SURVIVED)('$tag at the commit loses neither file', async (fault) => {
      const db = await openTwo();
      faults.reset();
      await db.run(`BEGIN; ${insert('main', 100, count)}; ${insert('b', 100, count)}`);
      // Asked behind all that was sent ahead.
      await (await site.context()).vfs.stats();
      expect(faults.count(isSpill) > 0).toBe(size === 'spilled' && spills(build));
      faults.plan(fault, { at: isCommit });
      await db.run('COMMIT');
      expect(faults.struck).toHaveLength(1);
      expect(await counts(db)).toEqual([[count + 1, count + 1]]);
      await db.run('UPDATE t SET v = 0 WHERE k = 1; UPDATE b.t SET v = 0 WHERE k = 1');
      await expectKept(db);
    });
  });
});

/** An idbTx that writes segments ahead of the commit. */
function isSpill({ kind, mode, stores }: Point): boolean {
  const writes = kind === 'transaction' && mode === 'readwrite' && stores.includes('segments');
  return writes && !stores.includes('commits');
}

/** `count` rows of 900 bytes into a schema's t, from key `first` on. */
function insert(schema: string, first: number, count: number): string {
  return `INSERT INTO ${schema}.t WITH RECURSIVE s(i) AS (SELECT ${first} UNION ALL
    SELECT i + 1 FROM s WHERE i < ${first + count - 1}) SELECT i, printf('%0900d', i) FROM s`;
}
