import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rawFile } from '../support/sql-spies.js';
import { Site, SQL_ENGINES } from '../support/sqlite.js';

describe.each(SQL_ENGINES)('files, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { spillBytes: 65536 });
  });
  afterEach(() => site.remove());

  // Goal: a committed database is all that a page leaves behind.
  // Method: write, leave, come back with a new module and VFS.
  test('a database outlives the page that wrote it', async () => {
    const db = await site.open();
    await db.run("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, x'00ff')");
    const expected = await db.dump();
    await site.expectKept(expected);
    expect(await (await site.context()).vfs.listFiles()).toEqual(['test.db']);
  });

  // Goal: null-named files work and leave nothing. Method: a temporary database on file, grown past
  // its cache, with an index and a rollback; then the volume's list of files.
  test('temporary tables spill to files of their own and vanish with the connection', async () => {
    const db = await site.open();
    await db.run('PRAGMA temp_store=1; CREATE TABLE t(a); CREATE TEMP TABLE u(k PRIMARY KEY, v)');
    await db.run('PRAGMA temp.cache_size=5');
    await db.run(`INSERT INTO u ${series(2000, 'i, randomblob(300)')}`);
    await db.run('BEGIN; DELETE FROM u WHERE k % 3 = 0; ROLLBACK');
    expect(await db.value('SELECT count(*) FROM u')).toBe(2000);
    expect(await db.value('PRAGMA temp.integrity_check')).toBe('ok');
    expect(await (await site.context()).vfs.listFiles()).toEqual(['test.db']);
    await site.expectKept({ schema: [['t', 'table', 't', 'CREATE TABLE t(a)']], t: [] });
  });

  // Goal: a sorter's transient files hold what was put there. Method: sort more than the cache
  // holds, by a key that reverses the order, and compare with the order known beforehand.
  test('a sort larger than its cache gives the right order', async () => {
    const db = await site.open();
    await db.run(
      'PRAGMA temp_store=1; PRAGMA cache_size=5; CREATE TABLE t(a INTEGER PRIMARY KEY, b, c)',
    );
    await db.run(`INSERT INTO t ${series(6000, "i, (i * 7919) % 6007, printf('%0900d', i)")}`);
    const sorted = await db.rows('SELECT b, c FROM t ORDER BY b DESC');
    const keys = sorted.map(([b]) => b as number);
    expect(keys).toEqual([...keys].sort((x, y) => y - x));
    expect(new Set(sorted.map(([, c]) => c)).size).toBe(6000);
    await db.expectIntact();
  });

  // Goal: ATTACH '' is a database that only its connection has. Method: two of them, grown past
  // their caches, must not see each other's tables.
  test("databases attached with '' are private and apart", async () => {
    const db = await site.open();
    await db.run('CREATE TABLE t(a)');
    await db.run("PRAGMA temp_store=1; ATTACH '' AS x; ATTACH '' AS y; PRAGMA x.cache_size=5");
    await db.run('CREATE TABLE x.t(a, b); CREATE TABLE y.t(a, b)');
    await db.run(`INSERT INTO x.t ${series(1000, 'i, randomblob(500)')}`);
    await db.run(`INSERT INTO y.t ${series(10, 'i, 0')}`);
    expect(await db.rows('SELECT (SELECT count(*) FROM x.t), (SELECT count(*) FROM y.t)')).toEqual([
      [1000, 10],
    ]);
    await db.run('DETACH x; DETACH y');
    await db.run("ATTACH '' AS z");
    expect(await db.value('SELECT count(*) FROM z.sqlite_schema')).toBe(0);
    expect(await (await site.context()).vfs.listFiles()).toEqual(['test.db']);
  });

  // Goal: journals stay out of IndexedDB in every mode that has a file. Method: commits and
  // rollbacks that spill; the list of files, and nothing above the marker after the next commit.
  test.each(['delete', 'truncate', 'persist'])(
    'a journal in mode %s is no stored file',
    async (mode) => {
      const db = await site.open();
      await db.run(`PRAGMA journal_mode=${mode}; PRAGMA cache_size=10; CREATE TABLE t(a, b)`);
      await db.run(`INSERT INTO t ${series(500, 'i, randomblob(900)')}`);
      await db.run('BEGIN; UPDATE t SET b = randomblob(901); ROLLBACK');
      await db.run('INSERT INTO t VALUES (0, 0)');
      expect(await (await site.context()).vfs.listFiles()).toEqual(['test.db']);
      expect((await rawFile(site.idbName)).orphans).toEqual([]);
      await site.expectKept(await db.dump());
    },
  );

  // Goal: an absent file reads as an empty one, not as damage. Method: open one that nobody wrote.
  test('a database nobody wrote to is empty and is not listed', async () => {
    const db = await site.open('empty.db');
    expect(await db.rows('SELECT * FROM sqlite_schema')).toEqual([]);
    expect(await db.value('PRAGMA page_count')).toBe(0);
    expect(await (await site.context()).vfs.listFiles()).toEqual([]);
  });

  // Goal: paths are compared as SQLite's callers write them. Method: the same file by three names.
  test('a path with a leading slash, a dot or a doubled slash names the same file', async () => {
    const db = await site.open('dir/a.db');
    await db.run('CREATE TABLE t(a); INSERT INTO t VALUES (42)');
    for (const path of ['/dir/a.db', './dir//a.db', 'dir/x/../a.db']) {
      const same = await site.open(path);
      expect(await same.value('SELECT a FROM t'), path).toBe(42);
      await same.close();
    }
    expect(await (await site.context()).vfs.listFiles()).toEqual(['dir/a.db']);
  });

  // Goal: opening without CREATE makes nothing. Method: SQLITE_OPEN_READWRITE alone.
  test('opening without CREATE fails for an absent file and leaves none', async () => {
    const context = await site.context();
    const db = await context.open('absent.db', 2).catch((cause: { code: number }) => cause.code);
    expect(db).toBe(14);
    expect(await context.vfs.listFiles()).toEqual([]);
  });
});

/** `count` rows i = 1 … count of the given columns. */
function series(count: number, columns: string): string {
  return `WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${count})
    SELECT ${columns} FROM s`;
}
