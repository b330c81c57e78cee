import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rawFile } from '../support/sql-spies.js';
import { type Database, Site, SQL_ENGINES, Twins } from '../support/sqlite.js';

describe.each(SQL_ENGINES)('shrinking, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { spillBytes: 65536 });
  });
  afterEach(() => site.remove());

  async function filled(autoVacuum: string): Promise<Twins> {
    const twins = await Twins.create(site);
    await twins.db.run(`PRAGMA auto_vacuum=${autoVacuum}; PRAGMA cache_size=10`);
    await twins.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b)');
    await twins.run(`INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s
      WHERE i < 400) SELECT i, printf('%01500d', i) FROM s`);
    return twins;
  }

  const pages = (db: Database) => db.value('PRAGMA page_count') as Promise<number>;

  // Goal: auto_vacuum=FULL gives pages back at COMMIT. Method: delete most rows; pages fall to
  // fewer than half, the contents are the oracle's, here and after reopening.
  test('auto_vacuum=FULL shrinks the file at each commit', async () => {
    const twins = await filled('full');
    const before = await pages(twins.db);
    await twins.run('DELETE FROM t WHERE a > 80');
    expect(await pages(twins.db)).toBeLessThan(before / 2);
    expect(await twins.db.value('PRAGMA freelist_count')).toBe(0);
    await twins.run("BEGIN; DELETE FROM t WHERE a > 9; UPDATE t SET b = 'x'; ROLLBACK");
    await site.expectKept(await twins.expectSame());
    expect(await (await site.open()).value('PRAGMA auto_vacuum')).toBe(1);
  });

  // Goal: incremental_vacuum gives back as many pages as asked. Method: free pages, ask for some,
  // roll one request back, ask for the rest.
  test('incremental_vacuum shrinks the file by the pages asked for', async () => {
    const twins = await filled('incremental');
    await twins.run('DELETE FROM t WHERE a > 80');
    const before = await pages(twins.db);
    const free = (await twins.db.value('PRAGMA freelist_count')) as number;
    expect(free).toBeGreaterThan(50);
    await twins.db.run('PRAGMA incremental_vacuum(20)');
    expect(await pages(twins.db)).toBe(before - 20);
    await twins.db.run('BEGIN; PRAGMA incremental_vacuum(20); ROLLBACK');
    expect(await pages(twins.db)).toBe(before - 20);
    await twins.db.run('PRAGMA incremental_vacuum');
    expect(await twins.db.value('PRAGMA freelist_count')).toBe(0);
    await site.expectKept(await twins.expectSame());
    // Growing again must not find what was there before.
    const again = await site.open();
    await again.run('INSERT INTO t SELECT a + 1000, zeroblob(3000) FROM t');
    await again.expectIntact();
    expect(await again.value('SELECT count(*) FROM t WHERE a > 1000 AND b = zeroblob(3000)')).toBe(
      80,
    );
  });

  // Goal: VACUUM shrinks the file, and what it freed is reclaimed. Method: VACUUM after a delete, then
  // enough commits for two checkpoints; the store holds few segments.
  test('VACUUM shrinks the file and its segments are reclaimed later', async () => {
    const twins = await filled('none');
    await twins.run('DELETE FROM t WHERE a > 80');
    const before = await pages(twins.db);
    expect(await twins.db.value('PRAGMA freelist_count')).toBeGreaterThan(50);
    await twins.db.run('VACUUM');
    expect(await pages(twins.db)).toBeLessThan(before / 2);
    await twins.expectSame();
    const segments = (await rawFile(site.idbName)).segments;
    for (let i = 0; i < 140; i++) await twins.run(`UPDATE t SET b = ${i} WHERE a = 1`);
    expect((await rawFile(site.idbName)).segments).toBeLessThan(segments + 140);
    expect((await rawFile(site.idbName)).commits.length).toBeLessThanOrEqual(128);
    await site.expectKept(await twins.expectSame());
  });

  // Goal: VACUUM INTO makes an equal, smaller file of the same volume. Method: a path, then one that
  // exists; the copy is compared with the oracle by a new page.
  test('VACUUM INTO writes an equal database of the same volume', async () => {
    const twins = await filled('none');
    await twins.run('DELETE FROM t WHERE a % 2');
    await twins.db.run("VACUUM INTO 'copy.db'");
    await twins.db.failure("VACUUM INTO 'copy.db'");
    const expected = await twins.expectSame();
    expect(await (await site.context()).vfs.listFiles()).toEqual(['copy.db', 'test.db']);
    await site.expectKept(expected, 'copy.db');
    await site.expectKept(expected);
    const [copy, original] = [await site.open('copy.db'), await site.open()];
    expect(await pages(copy)).toBeLessThan(await pages(original));
  });

  // Goal: a file cut to nothing and filled again has only the new contents. Method: drop all,
  // VACUUM, create anew, several times.
  test('a database emptied by VACUUM and filled again holds only what is new', async () => {
    const twins = await filled('none');
    for (let round = 0; round < 3; round++) {
      await twins.run('DROP TABLE t');
      await twins.db.run('VACUUM');
      expect(await pages(twins.db)).toBe(1);
      await twins.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
      await twins.run(`INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s
        WHERE i < 100) SELECT i, printf('%0*d', 1000, i + ${round}) FROM s`);
      await twins.expectSame();
    }
    await site.expectKept(await twins.expectSame());
  });
});
