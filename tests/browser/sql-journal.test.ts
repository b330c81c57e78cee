import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rawFile, storedHeaders } from '../support/sql-spies.js';
import { Site, SQL_ENGINES, Twins } from '../support/sqlite.js';

const MODES = ['delete', 'truncate', 'persist', 'memory', 'off'] as const;

describe.each(SQL_ENGINES)('journal modes, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { spillBytes: 65536 });
  });
  afterEach(() => site.remove());

  // Goal: every mode commits and rolls back, in memory and spilled. Method: the same statements on
  // SQLite's own memory database, which keeps its journal in memory.
  test.each(MODES)('mode %s commits and rolls back as SQLite does', async (mode) => {
    const twins = await Twins.create(site);
    const { db } = twins;
    expect(await db.value(`PRAGMA journal_mode=${mode}`)).toBe(mode);
    await db.run('PRAGMA cache_size=10');
    await twins.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b)');
    await twins.run('BEGIN; INSERT INTO t VALUES (1, 1); COMMIT');
    await twins.run('BEGIN; INSERT INTO t VALUES (2, 2); ROLLBACK');
    await twins.expectSame();
    await twins.run(`BEGIN; ${insertMany(10, 400)}; COMMIT`);
    await twins.run(`BEGIN; UPDATE t SET b = b || 'x'; ${insertMany(1000, 300)}; ROLLBACK`);
    await twins.expectSame();
    await twins.run("UPDATE t SET b = 'y' || b WHERE a % 7 = 0");
    await twins.run(`BEGIN; DELETE FROM t WHERE a > 20; ${insertMany(2000, 200)}; COMMIT`);
    const expected = await twins.expectSame();
    expect((await rawFile(site.idbName)).orphans).toEqual([]);
    await site.expectKept(expected);
  });

  // Goal: changing modes in between leaves nothing behind that another mode trips over.
  // Method: every ordered pair of modes, with a spilled rollback and a commit in each.
  test('every change from one mode to another keeps the contents', async () => {
    const twins = await Twins.create(site);
    await twins.db.run('PRAGMA cache_size=10');
    await twins.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    await twins.run(insertMany(0, 60));
    for (const from of MODES) {
      for (const to of MODES) {
        expect(await twins.db.value(`PRAGMA journal_mode=${from}`)).toBe(from);
        await twins.run(`BEGIN; UPDATE t SET b = '${from}' || substr(b, 9); ROLLBACK`);
        await twins.run(`UPDATE t SET b = '${to}' || substr(b, 9) WHERE a = 3`);
        expect(await twins.db.value(`PRAGMA journal_mode=${to}`)).toBe(to);
        await twins.run(`BEGIN; UPDATE t SET b = '${to}' || substr(b, 9); ROLLBACK`);
        await twins.run(`UPDATE t SET b = '${to}' || substr(b, 9) WHERE a > 55`);
      }
    }
    await site.expectKept(await twins.expectSame());
  });

  // Goal: WAL is answered with the mode in force and the header keeps saying "rollback journal".
  // Method: all ways to ask for it; then the stored bytes 18 and 19.
  test.each(['delete', 'truncate', 'persist', 'memory', 'off'])(
    'journal_mode=wal is answered with %s, the mode in force',
    async (mode) => {
      const db = await site.open();
      await db.run(`CREATE TABLE t(a); PRAGMA journal_mode=${mode}`);
      for (const asked of ['wal', 'WAL', "'wal'", '"Wal"', 'wa', 'w']) {
        expect(await db.rows(`PRAGMA journal_mode=${asked}`), asked).toEqual([[mode]]);
        expect(await db.rows(`PRAGMA main.journal_mode=${asked}`), asked).toEqual([[mode]]);
      }
      await expectRollbackHeaders(site);
      await db.run('INSERT INTO t VALUES (1)');
      await site.expectKept(await db.dump());
    },
  );

  // Goal: exclusive locking, with which SQLite could do without shared memory, gets no WAL either.
  // Method: as above, before and after the first write.
  test('journal_mode=wal is refused under locking_mode=exclusive', async () => {
    const db = await site.open();
    await db.run('PRAGMA locking_mode=exclusive');
    expect(await db.rows('PRAGMA journal_mode=wal')).toEqual([['delete']]);
    await db.run('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    expect(await db.rows('PRAGMA journal_mode=wal')).toEqual([['delete']]);
    await db.run('INSERT INTO t VALUES (2)');
    await expectRollbackHeaders(site);
    await site.expectKept(await db.dump());
  });

  // Goal: an attached database gets no WAL, though the pragma may reach only the main one's file.
  // Method: main in SQLite's memory, ours attached, exclusive locking, with and without a schema.
  test.each(['PRAGMA journal_mode=wal', 'PRAGMA aux.journal_mode=wal'])(
    'an attached database beside a memory database keeps its header: %s',
    async (pragma) => {
      const db = await site.open(':memory:');
      await db.run("ATTACH 'test.db' AS aux; PRAGMA locking_mode=exclusive");
      await db.run('CREATE TABLE aux.t(a); INSERT INTO aux.t VALUES (1)');
      await db.rows(pragma).catch(() => []);
      const again = await site.leave().then(() => site.open());
      await expectRollbackHeaders(site);
      await again.run('INSERT INTO t VALUES (2)');
      expect(await again.rows('SELECT a FROM t')).toEqual([[1], [2]]);
      await again.expectIntact();
    },
  );

  // Goal: locking_mode=exclusive commits, rolls back, and lets go. Method: against the oracle, then
  // a second connection of the same page.
  test('locking_mode=exclusive works and can be given up', async () => {
    const twins = await Twins.create(site);
    await twins.db.run('PRAGMA locking_mode=exclusive; PRAGMA cache_size=10');
    await twins.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    await twins.run(`BEGIN; ${insertMany(0, 300)}; COMMIT`);
    await twins.run(`BEGIN; UPDATE t SET b = a; ${insertMany(900, 100)}; ROLLBACK`);
    await twins.run('DELETE FROM t WHERE a % 2');
    await twins.db.run('PRAGMA locking_mode=normal; SELECT 1 FROM t LIMIT 1');
    const other = await site.open();
    await other.run('INSERT INTO t VALUES (-1, 0)');
    await twins.oracle.run('INSERT INTO t VALUES (-1, 0)');
    await site.expectKept(await twins.expectSame());
  });
});

/** `count` rows of about 900 bytes from `first` on; the same ones each time. */
function insertMany(first: number, count: number): string {
  return `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${count})
    SELECT ${first} + i, printf('%0900d', ${first} + i) FROM s`;
}

/** File format versions 1 in each header that was ever stored: a rollback journal, not WAL. */
async function expectRollbackHeaders(site: Site): Promise<void> {
  const headers = await storedHeaders(site.idbName);
  expect(headers.length).toBeGreaterThan(0);
  for (const header of headers) expect([...header.subarray(18, 20)]).toEqual([1, 1]);
}
