import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import createAsyncify from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { expect, test } from 'vitest';
import { IDBBlockSharedVFS } from '../../src/index.js';
import { has } from '../support/browsers/capabilities.ts';
import type { Refusal } from '../support/pages/refusal-worker.js';
import { freshVolume } from '../support/sqlite.js';
import { askDedicatedWorker, askServiceWorker, askSharedWorker } from '../support/worker-kinds.js';

// Goal: a context that cannot run the shared engine is told what is missing and how to get it, and no
// other engine is taken in its place; nothing is left in IndexedDB.
// Method: the engine is asked for in each kind of context.

const WORKER = new URL('../support/pages/refusal-worker.ts', import.meta.url);

async function expectNothingLeft(idbName: string): Promise<void> {
  const names = (await indexedDB.databases()).map(({ name }) => name);
  expect(names).not.toContain(idbName);
}

test('a window is refused', async () => {
  const idbName = freshVolume('refused');
  await expect(IDBBlockSharedVFS.create(idbName, await createModule())).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    capability: 'dedicated worker',
    message: expect.stringContaining('IDBBlockMirrorVFS'),
  });
  await expectNothingLeft(idbName);
});

test.each([
  ['SharedWorkerGlobalScope', askSharedWorker],
  ['ServiceWorkerGlobalScope', askServiceWorker],
] as const)('a %s is refused', async (scope, ask) => {
  const idbName = freshVolume('refused');
  const refusal = await ask<Refusal>(WORKER, { idbName });
  expect(refusal).toMatchObject({ scope, capability: 'dedicated worker' });
  await expectNothingLeft(idbName);
});

// Only in Chromium can a page have a frame that is not isolated.
if (has('isolation by policy')) {
  test('a worker of a page that is not cross-origin isolated is refused, and told the headers', async () => {
    const idbName = freshVolume('refused');
    const frame = document.createElement('iframe');
    frame.allow = "cross-origin-isolated 'none'";
    frame.srcdoc = '<!doctype html>';
    const loaded = new Promise((resolve) => {
      frame.onload = resolve;
    });
    document.body.append(frame);
    await loaded;
    const inside = frame.contentWindow as unknown as typeof globalThis;
    expect(inside.crossOriginIsolated).toBe(false);
    const refusal = await askDedicatedWorker<Refusal>(WORKER, { idbName }, inside.Worker);
    frame.remove();
    expect(refusal).toMatchObject({
      scope: 'DedicatedWorkerGlobalScope',
      capability: 'crossOriginIsolated',
    });
    expect(refusal.message).toContain('Cross-Origin-Opener-Policy: same-origin');
    expect(refusal.message).toContain('Cross-Origin-Embedder-Policy: require-corp');
    await expectNothingLeft(idbName);
  });
}

test('a worker without SharedArrayBuffer is refused for that, not told headers it has', async () => {
  const idbName = freshVolume('refused');
  const job = { idbName, without: 'SharedArrayBuffer' };
  const refusal = await askDedicatedWorker<Refusal>(WORKER, job);
  expect(refusal).toMatchObject({ capability: 'SharedArrayBuffer' });
  expect(refusal.message).not.toContain('Cross-Origin');
  await expectNothingLeft(idbName);
});

if (has('SharedArrayBuffer')) {
  test('a worker that cannot start workers is refused, and told to pass one', async () => {
    const idbName = freshVolume('refused');
    const refusal = await askDedicatedWorker<Refusal>(WORKER, { idbName, without: 'Worker' });
    expect(refusal).toMatchObject({ capability: 'nested workers' });
    expect(refusal.message).toContain('serveStorage()');
    await expectNothingLeft(idbName);
  });
}

test('an asynchronous build in a window is refused for the window, not for the build', async () => {
  await expect(IDBBlockSharedVFS.create('x', await createAsyncify())).rejects.toMatchObject({
    capability: 'dedicated worker',
  });
});
