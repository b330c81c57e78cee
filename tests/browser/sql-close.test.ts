import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EVERY_ENGINE, engineOf, Site } from '../support/sqlite.js';

describe.each(EVERY_ENGINE)('closing the VFS, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { spillBytes: 65536 });
  });
  afterEach(() => site.remove());

  // Goal: engine says what runs. Method: without an option, and with each durability.
  test('engine names the VFS and its durability', async () => {
    const context = await site.context();
    expect(await context.vfs.engine).toEqual({ engine: engineOf(build), durability: 'pragma' });
    for (const durability of ['strict', 'relaxed', 'deferred'] as const) {
      const other = await site.another({ durability });
      expect(await other.vfs.engine).toEqual({ engine: engineOf(build), durability });
      await other.close();
    }
  });

  // Goal: close() waits for what was acknowledged. Method: deferred commits, close() with the
  // connection open; a new page has them all.
  test('close() with a connection open keeps every acknowledged commit', async () => {
    const context = await site.another({ durability: 'deferred' });
    const db = await context.open();
    await db.run('CREATE TABLE t(a)');
    for (let i = 0; i < 20; i++) await db.run(`INSERT INTO t VALUES (${i})`);
    const expected = await db.dump();
    await context.vfs.close();
    await expect(db.run('INSERT INTO t VALUES (99)')).rejects.toThrow();
    await db.close();
    await site.expectKept(expected);
  });

  // Goal: close() in mid-sqliteTx is a rollback, also of what was spilled. Method: close with BEGIN
  // open; the statement after it fails, the connection can be closed, the next page goes on.
  test('close() inside a sqliteTx rolls it back', async () => {
    const context = await site.another();
    const db = await context.open();
    await db.run('PRAGMA cache_size=10; CREATE TABLE t(a)');
    const expected = await db.dump();
    await db.run('BEGIN');
    for (let i = 0; i < 60; i++) await db.run('INSERT INTO t VALUES (randomblob(3000))');
    await context.vfs.close();
    await db.failure('COMMIT');
    await db.close();
    await site.expectKept(expected);
    await (await site.open()).run('INSERT INTO t VALUES (1)');
  });
});
