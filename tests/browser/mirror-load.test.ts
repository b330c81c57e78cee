import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { IDBBlockMirrorVFS, VFSEventMap } from '../../src/index.js';
import { edit } from '../support/raw.js';
import { openRaw } from '../support/sql-spies.js';
import { type Database, Site } from '../support/sqlite.js';

const FULL = 13;
const CANTOPEN = 14;
const IOERR = 10;
const MIB = 2 ** 20;

describe('what a mirror holds in memory', () => {
  let site: Site;
  beforeEach(() => {
    site = new Site('mirror');
  });
  afterEach(() => site.remove());

  /** A database of `count` rows of 8,000 bytes, some three pages each, written in two commits. */
  async function fill(count: number): Promise<Database> {
    const db = await site.open();
    const rows = (from: number, to: number) => `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT ${from}
      UNION ALL SELECT i + 1 FROM s WHERE i < ${to}) SELECT i, zeroblob(8000) FROM s`;
    await db.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    await db.run(`${rows(1, count / 2)}; ${rows(count / 2 + 1, count)}`);
    return db;
  }

  // Goal: loading tells how far it is, and takes few requests. Method: open a file of 6 MiB; the events
  // rise to their total, which is the file; about eight segments come by one request.
  test('opening loads the file with progress events and few requests', async () => {
    const db = await fill(600);
    const fileBytes = Number(await db.value('PRAGMA page_count')) * 4096;
    await site.leave();
    const { vfs } = await site.context();
    const seen: VFSEventMap['progress'][] = [];
    vfs.addEventListener('progress', ({ detail }) => seen.push(detail));
    const before = vfs.stats();
    const again = await site.open();
    const { segmentsRead, requests, cacheBytes } = vfs.stats();
    expect(seen.length).toBe(segmentsRead);
    expect(seen.every(({ path }) => path === 'test.db')).toBe(true);
    const loaded = seen.map(({ loadedBytes }) => loadedBytes);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
    const last = seen.at(-1);
    expect(last?.loadedBytes).toBe(last?.totalBytes);
    expect(last?.loadedBytes).toBeGreaterThanOrEqual(fileBytes);
    expect(cacheBytes).toBe(last?.loadedBytes);
    expect(segmentsRead).toBeGreaterThan(70);
    expect(requests - before.requests).toBeLessThan(10 + segmentsRead / 4);
    const read = vfs.stats();
    await again.expectIntact();
    expect(vfs.stats().requests).toBe(read.requests);
  });

  // Goal: a file that would not fit is refused before it is fetched. Method: a limit below its size; the
  // error says both, nothing was read of it; with a greater limit it opens.
  test('a file larger than memoryBytesMax is refused before it is loaded', async () => {
    const expected = await (await fill(300)).dump();
    await site.leave();
    const small = await site.another({ memoryBytesMax: MIB });
    const code = await small.open().catch((cause: { code: number }) => cause.code);
    expect(code).toBe(CANTOPEN);
    expect(small.errors.map((error) => error.code)).toEqual(['MEMORY_LIMIT']);
    expect(small.errors[0]).toMatchObject({ limitBytes: MIB });
    expect(small.errors[0]?.message).toContain('IDBBlockVFS');
    expect(small.vfs.stats()).toMatchObject({ segmentsRead: 0, cacheBytes: 0 });
    await small.close();
    await site.expectKept(expected);
  });

  // Goal: a sqliteTx cannot take more either. Method: insert past the limit: SQLITE_FULL before it is
  // exceeded, and the database is as before and goes on.
  test('a sqliteTx that would exceed memoryBytesMax is SQLITE_FULL, and rolled back', async () => {
    await fill(100);
    await site.leave();
    const context = await site.another({ memoryBytesMax: 2 * MIB });
    const db = await context.open();
    const before = await db.dump();
    await db.run('PRAGMA cache_size=10; BEGIN');
    const insert = `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM s
      WHERE i < 1400) SELECT i, zeroblob(8000) FROM s`;
    expect(await db.failure(insert)).toBe(FULL);
    const { cacheBytes, stagedBytes } = context.vfs.stats();
    expect(cacheBytes + stagedBytes).toBeLessThan(2 * MIB + 65536);
    await db.run('ROLLBACK').catch(() => undefined);
    expect(context.errors[0]).toMatchObject({ code: 'MEMORY_LIMIT', limitBytes: 2 * MIB });
    expect(await db.dump()).toEqual(before);
    await db.run('INSERT INTO t VALUES (1000, 1)');
    const expected = await db.dump();
    await context.close();
    await site.expectKept(expected);
  });

  // Goal: what no snapshot needs leaves memory, and what one needs stays. Method: rewrite the table many
  // times beside an open reader, then end the reader.
  test('superseded segments leave memory when no snapshot needs them', async () => {
    const db = await fill(100);
    const { vfs } = await site.context();
    const whole = vfs.stats().cacheBytes;
    for (let i = 0; i < 5; i++) await db.run('UPDATE t SET b = zeroblob(8001)');
    expect(vfs.stats().cacheBytes).toBeLessThan(1.3 * whole);
    const reader = await site.open();
    await reader.run('BEGIN');
    const before = await reader.dump();
    for (let i = 0; i < 5; i++) await db.run('UPDATE t SET b = zeroblob(8002)');
    const both = vfs.stats().cacheBytes;
    expect(both).toBeGreaterThan(1.5 * whole);
    expect(both).toBeLessThan(2.6 * whole);
    expect(await reader.dump()).toEqual(before);
    await reader.run('COMMIT');
    expect(vfs.stats().cacheBytes).toBeLessThan(1.3 * whole);
    await site.expectKept(await db.dump());
  });

  // Goal: one copy is in memory, however many open the file. Method: two connections at once, in a page
  // that has it not loaded yet; then a third.
  test('a file opened twice at once is in memory once', async () => {
    await fill(100);
    const whole = (await site.context()).vfs.stats().cacheBytes;
    await site.leave();
    const vfs = (await site.context()).vfs as IDBBlockMirrorVFS;
    await Promise.all([vfs.load('test.db'), vfs.load('test.db')]);
    await site.open();
    await site.open();
    expect(vfs.stats().cacheBytes).toBe(whole);
  });

  // Goal: a load that fails holds nothing. Method: superseded blocks make the segments larger than the
  // file, so that the limit shows only while they come.
  test('a load that is given up leaves nothing in memory', async () => {
    const db = await fill(300);
    await db.run('DELETE FROM t WHERE a % 4 <> 0; VACUUM');
    for (let i = 0; i < 4; i++)
      await db.run(`UPDATE t SET b = zeroblob(7990) WHERE a % 16 = ${4 * i}`);
    const fileBytes = Number(await db.value('PRAGMA page_count')) * 4096;
    await site.leave();
    const small = await site.another({ memoryBytesMax: fileBytes + 65536 });
    const code = await small.open().catch((cause: { code: number }) => cause.code);
    expect(code).toBe(CANTOPEN);
    // It waits for all that was being read.
    await edit(site.idbName, () => undefined);
    expect(small.vfs.stats().segmentsRead).toBeGreaterThan(0);
    expect(small.vfs.stats().cacheBytes).toBe(0);
    await small.close();
  });

  // Goal: a lost record is an error at opening, never zeros. Method: delete one live segment.
  test('a file with a missing segment does not open', async () => {
    await fill(100);
    await site.leave();
    const raw = await openRaw(site.idbName);
    const tx = raw.transaction('segments', 'readwrite');
    tx.objectStore('segments').delete([1, 2, 3]);
    await new Promise((resolve) => {
      tx.oncomplete = resolve;
    });
    raw.close();
    const context = await site.context();
    const code = await context.open().catch((cause: { code: number }) => cause.code);
    expect(code).toBe(IOERR);
    expect(context.errors).toMatchObject([{ code: 'CORRUPTION', location: { key: [1, 2, 3] } }]);
  });
});
