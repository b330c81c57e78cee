/** How one storage worker is shared by several threads. */
import type { Connect } from './worker-protocol.js';

/**
 * A port to a storage worker for one more thread, which passes it to `IDBBlockSharedVFS.create` as the
 * option `worker`. Transfer it: `thread.postMessage({ storage }, [storage])`.
 *
 * @param worker a worker that calls `serveStorage()`, as `idb-block-vfs/storage-worker` does.
 */
export function storagePort(worker: Worker): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const connect: Connect = { type: 'idb-block-vfs:connect' };
  worker.postMessage(connect, [port1]);
  return port2;
}
