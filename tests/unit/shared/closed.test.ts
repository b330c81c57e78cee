/**
 * Who has no storage worker is told at once: after the VFS was closed, and when none could be started.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { SimulatedLocks } from '../../../src/testing/index.js';
import { ChannelClient } from '../../../src/vfs/shared/client.js';
import { IDBBlockSharedVFS } from '../../../src/vfs/shared/idb-block-shared-vfs.js';
import { createShared } from '../../../src/vfs/shared/layout.js';
import { ChannelServer } from '../../../src/vfs/shared/server.js';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('a request after the channel was closed fails at once', () => {
  const parts = createShared(256 * 1024);
  const onPoison = vi.fn();
  const client = new ChannelClient(parts, {
    volume: 'v',
    workerTimeoutMs: 5000,
    trustMs: 2500,
    ring: () => undefined,
    onPoison,
  });
  const idle = { holdsIdbTx: false, serve: () => undefined, paused: () => undefined };
  new ChannelServer(parts, idle).close();
  const wait = vi.spyOn(Atomics, 'wait');
  for (const op of ['stats', 'stats'] as const) {
    expect(() => client.call({ op })).toThrow(expect.objectContaining({ code: 'STORAGE_WORKER' }));
  }
  expect(wait).not.toHaveBeenCalled();
  expect(onPoison).toHaveBeenCalledOnce();
});

test('create tells why no storage worker could be started, and keeps no lock', async () => {
  const locks = new SimulatedLocks();
  const cause = new Error('blocked by a policy');
  vi.stubGlobal('navigator', { locks });
  vi.stubGlobal('indexedDB', {});
  vi.stubGlobal('crossOriginIsolated', true);
  vi.stubGlobal('DedicatedWorkerGlobalScope', Object);
  const worker = () => {
    throw cause;
  };
  // What recogniseBuild takes for a synchronous build.
  const module = { HEAPU8: new Uint8Array(8), registerVFS: () => undefined };
  await expect(IDBBlockSharedVFS.create('v', module, { worker })).rejects.toMatchObject({
    code: 'STORAGE_WORKER',
    cause,
  });
  expect((await locks.query()).held).toEqual([]);
});
