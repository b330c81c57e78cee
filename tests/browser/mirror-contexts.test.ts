import { afterEach, expect, test } from 'vitest';
import type { Job, Report } from '../support/pages/mirror-worker.js';
import { deleteVolume, freshVolume, Site } from '../support/sqlite.js';
import { askDedicatedWorker, askServiceWorker, askSharedWorker } from '../support/worker-kinds.js';

const WORKER = new URL('../support/pages/mirror-worker.ts', import.meta.url);
const CREATE = 'CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)';
const ADD = 'INSERT INTO t VALUES (3); SELECT a FROM t ORDER BY a';

const idbName = freshVolume('contexts');
afterEach(() => deleteVolume(idbName));

/** Creates the database in this window, lets the context add to it, and reads it in the window again. */
async function expectServed(scope: string, run: (job: Job) => Promise<Report>): Promise<void> {
  const site = new Site('mirror', { idbName });
  await (await site.open()).run(CREATE);
  await site.leave();
  expect(await run({ idbName, sql: ADD })).toEqual({ scope, rows: [[1], [2], [3]] });
  expect((await (await site.open()).rows('SELECT a FROM t')).flat()).toEqual([1, 2, 3]);
  await site.leave();
}

// Goal: the mirror runs in every context that has IndexedDB. Method: the same job in each kind of
// worker, on a database that this window has created and reads afterwards.
test('a dedicated worker reads and writes through the mirror', async () => {
  await expectServed('DedicatedWorkerGlobalScope', (job) => askDedicatedWorker(WORKER, job));
});

test('a SharedWorker reads and writes through the mirror', async () => {
  await expectServed('SharedWorkerGlobalScope', (job) => askSharedWorker(WORKER, job));
});

test('a service worker reads and writes through the mirror', async () => {
  await expectServed('ServiceWorkerGlobalScope', (job) => askServiceWorker(WORKER, job));
});
