import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failCommits, rawFile } from '../support/sql-spies.js';
import { ONE_OF_EACH, Site, Twins } from '../support/sqlite.js';

const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
const CHANGES = [
  [4096, 512],
  [512, 4096],
  [4096, 65536],
  [65536, 512],
  [1024, 2048],
  [32768, 16384],
] as const;

describe.each(ONE_OF_EACH)('pages, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { indexedDB, spillBytes: 65536 });
  });
  afterEach(() => site.remove());

  /** A table and an index with rows below and above a page's size. */
  async function filled(pageSize: number): Promise<Twins> {
    const twins = await Twins.create(site);
    await twins.db.run(`PRAGMA page_size=${pageSize}; PRAGMA cache_size=10`);
    await twins.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX i ON t(c, b)');
    await twins.run(`INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s
      WHERE i < 200) SELECT i, printf('%0*d', i * 17 % 4000, i), i % 13 FROM s`);
    return twins;
  }

  // Goal: every page size SQLite knows. Method: create with it, spill, roll back, delete; compare
  // with the oracle, and ask the size after reopening.
  test.each(PAGE_SIZES)('a database with pages of %i bytes', async (pageSize) => {
    const twins = await filled(pageSize);
    await twins.run('BEGIN; UPDATE t SET b = b || b; ROLLBACK');
    await twins.run('BEGIN; DELETE FROM t WHERE a % 3 = 0; UPDATE t SET c = -c; COMMIT');
    await site.expectKept(await twins.expectSame());
    const again = await site.open();
    expect(await again.value('PRAGMA page_size')).toBe(pageSize);
  });

  // Goal: VACUUM changes the page size, up and down. Method: the oracle keeps the contents; work
  // goes on before and after reopening.
  test.each(CHANGES)('VACUUM from pages of %i to %i bytes keeps the contents', async (from, to) => {
    const twins = await filled(from);
    await twins.run('DELETE FROM t WHERE a % 5 = 0');
    await twins.db.run(`PRAGMA page_size=${to}; VACUUM`);
    expect(await twins.db.value('PRAGMA page_size')).toBe(to);
    await twins.expectSame();
    await twins.run("UPDATE t SET b = 'after' WHERE a < 50");
    await twins.run('BEGIN; UPDATE t SET b = b || b; ROLLBACK');
    await site.expectKept(await twins.expectSame());
    const again = await site.open();
    expect(await again.value('PRAGMA page_size')).toBe(to);
    await again.run('DELETE FROM t; VACUUM');
    await again.expectIntact();
    expect((await rawFile(site.idbName)).orphans).toEqual([]);
  });

  // Goal: a VACUUM that fails at its commit has changed nothing. Method: abort the idbTx; contents
  // and size as before, here and for a new page; then the same VACUUM goes through.
  test.each([...CHANGES, [4096, 4096]] as const)(
    'a VACUUM from %i to %i bytes whose commit fails changes nothing',
    async (from, to) => {
      const twins = await filled(from);
      await twins.run('DELETE FROM t WHERE a % 5 = 0');
      await twins.db.run(`PRAGMA page_size=${to}`);
      const failing = failCommits(site.idbName);
      await twins.db.failure('VACUUM');
      failing.restore();
      await twins.expectSame();
      await twins.run("UPDATE t SET b = 'after' WHERE a = 7");
      const expected = await twins.expectSame();
      await site.expectKept(expected);
      const again = await site.open();
      expect(await again.value('PRAGMA page_size')).toBe(from);
      await again.run(`PRAGMA page_size=${to}; VACUUM`);
      await site.expectKept(expected);
      expect(await (await site.open()).value('PRAGMA page_size')).toBe(to);
    },
  );

  // Goal: VACUUM refused inside a sqliteTx harms nothing. Method: as SQLite has it, with a rollback.
  test('a VACUUM inside a sqliteTx is refused and the ROLLBACK holds', async () => {
    const twins = await filled(1024);
    await twins.db.run('PRAGMA page_size=4096');
    await twins.run('BEGIN; DELETE FROM t WHERE a > 100');
    expect(await twins.db.failure('VACUUM')).toBe(1);
    await twins.run('ROLLBACK');
    await site.expectKept(await twins.expectSame());
  });

  // Goal: an empty database may take another page size before its first write, also after a
  // rollback of that write. Method: roll back the first table, change the size, create again.
  test('the page size can change after the first sqliteTx was rolled back', async () => {
    const db = await site.open();
    await db.run('PRAGMA page_size=8192; BEGIN; CREATE TABLE t(a); ROLLBACK');
    await db.run('PRAGMA page_size=1024; VACUUM; CREATE TABLE u(a); INSERT INTO u VALUES (1)');
    expect(await db.value('PRAGMA page_size')).toBe(1024);
    await site.expectKept(await db.dump());
  });
});
