import { afterEach, describe, expect, test } from 'vitest';
import { IDBBlockSharedVFS } from '../../src/vfs/shared/idb-block-shared-vfs.js';
import { SharedContext, SharedPage } from '../support/shared/context.js';
import { startStorage } from '../support/shared/pool.js';
import { deleteVolume, freshVolume } from '../support/sqlite.js';

// Goal: a storage worker that dies, at any moment, is one clear error within the limit, never a hang and
// never wrong data; a new VFS then has everything that was acknowledged. Contexts that cannot run the
// engine are told what is missing.
// Method: the test starts the storage worker and hands a port to the SQLite worker, so that it can end
// it while that one is blocked.

const LIMIT_MS = 1000;
const TEST_MS = 60_000;
const SQLITE_IOERR = 10;

const opened: Worker[] = [];
afterEach(() => {
  for (const worker of opened.splice(0)) worker.terminate();
});

async function start(idbName: string) {
  const { worker: storage, port } = startStorage();
  const page = new SharedPage();
  opened.push(page.worker, storage);
  const options = { idbName, workerTimeoutMs: LIMIT_MS };
  const context = await SharedContext.create(page, 'shared', options, port);
  return { storage, page, context, db: await context.open() };
}

/** Ends the storage worker so long after commits began. */
async function endAfter(delayMs: number): Promise<void> {
  const idbName = freshVolume('loss');
  const { storage, page, db } = await start(idbName);
  await db.run('PRAGMA synchronous=NORMAL; CREATE TABLE t(v)');
  let acknowledged = 0;
  const writing = (async () => {
    for (;;) {
      await db.run(`INSERT INTO t VALUES (${acknowledged + 1})`);
      acknowledged++;
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  storage.terminate();
  const started = performance.now();
  await expect(writing).rejects.toMatchObject({ code: SQLITE_IOERR });
  expect(performance.now() - started).toBeLessThan(3 * LIMIT_MS);
  page.worker.terminate();
  const next = await start(idbName);
  const found = (await next.db.value('SELECT count(*) FROM t')) as number;
  expect([acknowledged, acknowledged + 1], `after ${delayMs} ms`).toContain(found);
  await next.db.expectIntact();
  await next.context.close();
  next.storage.terminate();
  await deleteVolume(idbName);
}

describe('a storage worker that is ended', () => {
  test(
    'between statements: the next one fails in time, and so does each that follows, at once',
    async () => {
      const idbName = freshVolume('loss');
      const { storage, page, context, db } = await start(idbName);
      await db.run('PRAGMA synchronous=NORMAL; CREATE TABLE t(v); INSERT INTO t VALUES (1)');
      storage.terminate();
      const started = performance.now();
      expect(await db.failure('INSERT INTO t VALUES (2)')).toBe(SQLITE_IOERR);
      expect(performance.now() - started).toBeLessThan(3 * LIMIT_MS);
      expect(context.errors[0]).toMatchObject({ code: 'STORAGE_WORKER' });
      const again = performance.now();
      expect(await db.failure('INSERT INTO t VALUES (3)')).toBe(SQLITE_IOERR);
      expect(performance.now() - again).toBeLessThan(LIMIT_MS / 2);
      page.worker.terminate();
      const next = await start(idbName);
      expect(await next.db.rows('SELECT v FROM t')).toEqual([[1]]);
      await next.db.run('INSERT INTO t VALUES (4)');
      await next.db.expectIntact();
      await next.context.close();
      next.storage.terminate();
      await deleteVolume(idbName);
    },
    TEST_MS,
  );

  test(
    'at any moment of many commits: an error in time, and every acknowledged row is there',
    async () => {
      await Promise.all([0, 3, 13, 55].map(endAfter));
    },
    TEST_MS,
  );
});

describe('a context that cannot block', () => {
  test('is told so: a window', async () => {
    await expect(IDBBlockSharedVFS.create('x', {})).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      capability: 'dedicated worker',
    });
  });
});
