/** What whole databases take of memory while they come in and go out. */
import { afterEach, describe, expect, test } from 'vitest';
import { readAll } from '../support/bytes.ts';
import { nativeMade } from '../support/native-browser.ts';
import { ONE_OF_EACH, Site } from '../support/sqlite.js';

const PAGES = 2500;
const PAGE_BYTES = 4096;
const CHUNK_BYTES = 65536;

/** A database of one blob, which is as long as it is. */
const BIG_SQL = `CREATE TABLE big(blob); INSERT INTO big VALUES (zeroblob(${PAGES * PAGE_BYTES}))`;

describe.each(ONE_OF_EACH)('%s', (build) => {
  let site: Site;
  afterEach(() => site.remove());

  // Goal: a source is taken as it can be written, not ahead of it. Method: count the chunks that were asked
  // for at each word of progress.
  test('an import asks for no more than it can write', async () => {
    site = new Site(build);
    const file = await nativeMade(BIG_SQL);
    let given = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const chunk = file.subarray(given, given + CHUNK_BYTES);
          given += chunk.length;
          if (chunk.length > 0) controller.enqueue(chunk);
          else controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const ahead: number[] = [];
    const { vfs } = await site.context();
    await vfs.importFile('big.db', source, {
      onProgress: ({ doneBytes }) => ahead.push(given - doneBytes),
    });
    expect(ahead.length).toBeGreaterThan(8);
    // The word of a storage worker comes while the next chunks are on their way.
    expect(Math.max(...ahead)).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  test('an export reads as it is asked, and past the cache', async () => {
    const cacheBytes = build === 'mirror' ? undefined : 1024 * 1024;
    site = new Site(build, cacheBytes === undefined ? {} : { cacheBytes });
    const file = await nativeMade(BIG_SQL);
    const { vfs } = await site.context();
    await vfs.importFile('big.db', file);
    const reader = vfs.exportFile('big.db').getReader();
    for (let i = 0; i < 3; i++) await reader.read();
    const { cacheBytes: held } = await vfs.stats();
    if (cacheBytes !== undefined) expect(held).toBeLessThanOrEqual(cacheBytes);
    await reader.cancel();
    expect((await readAll(vfs.exportFile('big.db'))).length).toBe(file.length);
  });
});

describe('mirror', () => {
  let site: Site;
  afterEach(() => site.remove());

  // Goal: memoryBytesMax holds for an import too, and the old content stays.
  test('what does not fit beside the old content is refused', async () => {
    site = new Site('mirror', { memoryBytesMax: 6 * 1024 * 1024 });
    const db = await site.open();
    await db.run("CREATE TABLE t(a); INSERT INTO t VALUES ('old')");
    const before = await db.dump();
    const file = await nativeMade(BIG_SQL);
    const { vfs } = await site.context();
    const refused = vfs.importFile('test.db', file);
    await expect(refused).rejects.toMatchObject({ code: 'MEMORY_LIMIT' });
    expect(vfs.stats().cacheBytes).toBeLessThan(1024 * 1024);
    expect(await db.dump()).toEqual(before);
    await db.run("UPDATE t SET a = 'new'");
    await site.expectKept(await db.dump());
  });
});
