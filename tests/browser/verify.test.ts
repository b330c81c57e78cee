import { openDB } from 'idb';
import { beforeAll, describe, expect, test } from 'vitest';
import { type BuildName, Context, freshVolume, ONE_OF_EACH } from '../support/sqlite.js';

/** The engine under test. */
let build: BuildName;

describe.each(ONE_OF_EACH)('%s', (engine) => {
  beforeAll(() => {
    build = engine;
  });

  // Goal: verify reads everything and finds nothing wrong with a healthy database, whatever it went
  // through. Method: inserts, updates, deletes, VACUUM and a spilled rollback, then verify.
  test('verify is clean after churn, and again after reopening', async () => {
    const idbName = freshVolume('verify');
    const context = await Context.create(build, { idbName, spillBytes: 65536 });
    const db = await context.open();
    await db.run('PRAGMA cache_size=10; CREATE TABLE t(id INTEGER PRIMARY KEY, x)');
    for (let i = 0; i < 200; i++) await db.run('INSERT INTO t(x) VALUES (randomblob(500))');
    await db.run('BEGIN; UPDATE t SET x = randomblob(3000); ROLLBACK');
    await db.run('UPDATE t SET x = randomblob(2000)');
    await db.run('DELETE FROM t WHERE id % 2; VACUUM; INSERT INTO t(x) VALUES (1)');
    const report = await context.vfs.verify('test.db');
    expect(report).toMatchObject({ defects: [], pendingSegments: 0, unlistedSegments: 0 });
    expect(report.blocksChecked).toBeGreaterThan(50);
    await context.close();

    const again = await Context.create(build, { idbName });
    const reopened = await again.vfs.verify('test.db', { repair: true });
    expect(reopened).toEqual({ ...report, deletedSegments: 0 });
    await again.close();
  });

  test('verify of a database that does not exist says so', async () => {
    const context = await Context.create(build, { idbName: freshVolume('verify') });
    await expect(context.vfs.verify('nothing.db')).rejects.toMatchObject({ code: 'OPTION' });
    await context.close();
  });

  // Goal: verify({repair}) rebuilds each record it can without loss, and says what it rebuilt.
  // Method: lose one record of a database with several checkpoints, repair, and compare all rows.
  describe.each(['xxhash32', 'crc32c'] as const)('with %s', (checksum) => {
    test.each(['files', 'chunk', 'directory'])(
      'repair rebuilds a lost %s record without loss',
      async (which) => {
        const idbName = freshVolume('repair');
        const context = await Context.create(build, { idbName, checksum });
        const db = await context.open();
        await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, x)');
        for (let i = 0; i < 150; i++) await db.run('INSERT INTO t(x) VALUES (randomblob(3000))');
        await db.run('DELETE FROM t WHERE id % 3 = 0');
        const rows = await db.rows('SELECT id, hex(x) FROM t');
        await context.close();

        await loseRecord(idbName, which);
        const damaged = await Context.create(build, { idbName });
        await expect(damaged.open()).rejects.toThrow();
        const found = await damaged.vfs.verify('test.db');
        expect(found.defects).toHaveLength(1);
        const report = await damaged.vfs.verify('test.db', { repair: true });
        expect(report).toMatchObject({ defects: [], pendingSegments: 0, unlistedSegments: 0 });
        expect(report.repaired).toHaveLength(1);
        const again = await damaged.open();
        expect(await again.rows('SELECT id, hex(x) FROM t')).toEqual(rows);
        expect(await again.value('PRAGMA integrity_check')).toBe('ok');
        await again.run('INSERT INTO t(x) VALUES (1)');
        await damaged.close();
      },
    );
  });

  test('repair does not rebuild a map when a segment is missing as well', async () => {
    const idbName = freshVolume('repair');
    const context = await Context.create(build, { idbName });
    const db = await context.open();
    await db.run('CREATE TABLE t(x)');
    for (let i = 0; i < 80; i++) await db.run('INSERT INTO t(x) VALUES (randomblob(3000))');
    await context.close();
    await loseRecord(idbName, 'directory');
    await loseRecord(idbName, 'segment');
    const damaged = await Context.create(build, { idbName });
    const report = await damaged.vfs.verify('test.db', { repair: true });
    expect(report.repaired).toEqual([]);
    expect(report.defects.length).toBeGreaterThan(0);
    await damaged.close();
  });

  const VICTIMS: Readonly<Record<string, readonly [store: string, key: IDBValidKey]>> = {
    files: ['files', 'test.db'],
    chunk: ['maps', [1, 0]],
    directory: ['maps', [1, -1]],
    segment: ['segments', [1, 40, 0]],
  };

  async function loseRecord(idbName: string, which: string): Promise<void> {
    const [store, key] = VICTIMS[which] ?? ['', ''];
    const db = await openDB(idbName);
    expect(await db.getKey(store, key)).toBeDefined();
    await db.delete(store, key);
    db.close();
  }
});
