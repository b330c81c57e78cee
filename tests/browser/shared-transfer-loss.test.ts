/**
 * Streams through a storage worker end when it does, and end what they hold when their client does.
 *
 * Method: the worker at one end is terminated in the middle of a stream; the other end is watched.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { storagePort } from '../../src/vfs/shared/storage-port.js';
import { readAll, streamOf } from '../support/bytes.ts';
import { SharedContext, SharedPage } from '../support/shared/context.js';
import { startStorage } from '../support/shared/pool.js';
import { soon } from '../support/soon.ts';
import { deleteVolume, freshVolume } from '../support/sqlite.js';

const ROWS = `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 3000)
  SELECT printf('%0900d', i) FROM s`;

const opened: Worker[] = [];
let idbName: string;
beforeEach(() => {
  idbName = freshVolume('transfer-loss');
});
afterEach(async () => {
  for (const worker of opened.splice(0)) worker.terminate();
  await deleteVolume(idbName);
});

async function client(port: MessagePort): Promise<SharedContext> {
  const page = new SharedPage();
  opened.push(page.worker);
  const options = { idbName, workerTimeoutMs: 3000, busyTimeoutMs: 2000 };
  return await SharedContext.create(page, 'shared', options, port);
}

/** A source that stands still after it has given something. */
function standing(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(bytes) });
}

test('a storage worker that ends is the error of an export and of an import', async () => {
  const { worker, port } = startStorage();
  opened.push(worker);
  const context = await client(port);
  const { vfs } = context;
  const db = await context.open('test.db');
  await db.run('CREATE TABLE t(a)');
  await db.run(ROWS);
  const file = await readAll(vfs.exportFile('test.db'));
  const reader = vfs.exportFile('test.db').getReader();
  await reader.read();
  const importing = vfs.importFile('other.db', standing(file.subarray(0, 1_500_000)));
  const failed = importing.catch((error: unknown) => error);
  worker.terminate();
  const rest = async () => {
    for (;;) if ((await reader.read()).done) return;
  };
  await expect(rest()).rejects.toMatchObject({ code: 'STORAGE_WORKER' });
  expect(await failed).toMatchObject({ code: 'STORAGE_WORKER' });
});

// Goal: a client that dies in the middle of an import does not keep the writer lock from others.
test('a client that ends in the middle of its import leaves the database to others', async () => {
  const { worker, port } = startStorage();
  opened.push(worker);
  const dying = await client(port);
  const db = await dying.open('test.db');
  await db.run('CREATE TABLE t(a)');
  await db.run(ROWS);
  const file = await readAll(dying.vfs.exportFile('test.db'));
  const source = standing(file.subarray(0, 1_500_000));
  await new Promise<void>((begun) => {
    const options = { onProgress: () => begun() };
    dying.vfs.importFile('test.db', source, options).catch(() => undefined);
  });
  const other = await client(storagePort(worker));
  const mine = await other.open('test.db');
  const refused = other.vfs.importFile('test.db', file);
  await expect(refused).rejects.toMatchObject({ code: 'BUSY' });
  dying.page.worker.terminate();
  const report = await soon(() => other.vfs.importFile('test.db', streamOf(file)));
  expect(report).toMatchObject({ path: 'test.db' });
  expect(await mine.value('SELECT count(*) FROM t')).toBe(3000);
  await mine.expectIntact();
  await other.close();
});
