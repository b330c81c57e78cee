/**
 * Workers for the shared engine that tests have in common, for starting them takes longer than a test.
 *
 * A seat is a page's worker with a storage worker of its own; each context of a volume that is open has a
 * seat for itself, as two pages have.
 */

import type { VFSOptions } from '../../../src/index.js';
import { type ServeOptions, serveStorage } from '../../../src/vfs/shared/serve.js';
import { storagePort } from '../../../src/vfs/shared/storage-port.js';
import type { SharedOptions, SharedSqlBuild } from './calls.ts';
import { SharedContext, SharedPage } from './context.ts';

interface Seat {
  readonly page: SharedPage;
  readonly storage: Worker;
  readonly volumes: Set<string>;
}

const seats: Seat[] = [];

/** A storage worker, and a port to it for a client's option `worker`. */
export function startStorage(): { readonly worker: Worker; readonly port: MessagePort } {
  const url = new URL('../../../src/vfs/shared/storage-worker.ts', import.meta.url);
  const worker = new Worker(url, { type: 'module' });
  return { worker, port: storagePort(worker) };
}

/** `Atomics.wait` for a page, which has none: it looks again and again. */
function spin(words: Int32Array, index: number, value: number, timeoutMs: number) {
  const until = performance.now() + timeoutMs;
  while (Atomics.load(words, index) === value) if (performance.now() >= until) return 'timed-out';
  return 'ok';
}

/** A storage that runs here, where a test sees and hurts its IndexedDB and its locks. */
function serveHere(options: ServeOptions): MessagePort {
  // As in a worker, it holds an idbTx open while the client goes on.
  Object.assign(Atomics, { wait: spin });
  const { port1, port2 } = new MessageChannel();
  serveStorage({ ...options, port: port1 });
  return port2;
}

/**
 * A context on a free seat, and how to give the seat back. With an IndexedDB or locks that are not the
 * context's own its storage runs here.
 */
export async function seatedContext(
  build: SharedSqlBuild,
  { indexedDB, locks, ...options }: VFSOptions & SharedOptions,
): Promise<{ readonly context: SharedContext; readonly leave: () => void }> {
  const { idbName } = options;
  let seat = seats.find(({ volumes }) => !volumes.has(idbName));
  if (!seat) {
    const { worker } = startStorage();
    seat = { page: new SharedPage(), storage: worker, volumes: new Set() };
    seats.push(seat);
  }
  const { page, storage, volumes } = seat;
  volumes.add(idbName);
  const leave = () => void volumes.delete(idbName);
  try {
    const here = indexedDB !== undefined || locks !== undefined;
    const port = here
      ? serveHere({ ...(indexedDB && { indexedDB }), ...(locks !== undefined && { locks }) })
      : storagePort(storage);
    const sendable = locks === null ? { ...options, locks } : options;
    const context = await SharedContext.create(page, build, sendable, port);
    return { context, leave };
  } catch (cause) {
    leave();
    throw cause;
  }
}

/** Tells a storage worker of `odd-storage.ts` a word. Resolves when it has heard: what is asked then comes later. */
export async function tellOdd(
  storage: Worker | BroadcastChannel,
  word: string | number,
): Promise<void> {
  const heard = new Promise((resolve) => {
    storage.addEventListener('message', resolve, { once: true });
  });
  storage.postMessage(word);
  await heard;
}

/** A storage worker as `odd-storage.ts` makes it, ready for clients. */
export async function startOddStorage(
  options: { readonly without?: string } = {},
): Promise<Worker> {
  const url = new URL('./odd-storage.ts', import.meta.url);
  const worker = new Worker(url, { type: 'module', name: options.without ?? '' });
  await new Promise((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = reject;
  });
  return worker;
}
