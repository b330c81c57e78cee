/** What the shared engine needs of its context, each with the way to get it. */
import { UnsupportedError } from '../../errors.js';

interface Context {
  readonly crossOriginIsolated?: boolean;
  readonly SharedArrayBuffer?: unknown;
  readonly DedicatedWorkerGlobalScope?: new () => unknown;
  readonly Worker?: unknown;
}

const OTHERS = 'IDBBlockVFS and IDBBlockMirrorVFS run in any context';

/** @throws UnsupportedError naming what is missing */
export function assertCanBlock(context: Context, options: { readonly hasWorker: boolean }): void {
  const { DedicatedWorkerGlobalScope: Dedicated } = context;
  if (Dedicated === undefined || !(context instanceof Dedicated)) {
    throw new UnsupportedError(
      'dedicated worker',
      'IDBBlockSharedVFS blocks its thread, which a window, a SharedWorker and a service worker ' +
        `must not. Create it in a dedicated worker; ${OTHERS}.`,
    );
  }
  if (!context.crossOriginIsolated) {
    throw new UnsupportedError(
      'crossOriginIsolated',
      'SharedArrayBuffer needs a cross-origin isolated page. Serve it with the headers ' +
        '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp" ' +
        `(or "credentialless"), its workers as well; ${OTHERS}.`,
    );
  }
  if (context.SharedArrayBuffer === undefined) {
    throw new UnsupportedError(
      'SharedArrayBuffer',
      'this page is cross-origin isolated, but the browser has no SharedArrayBuffer, or has it switched ' +
        `off as WebKitGTK has; ${OTHERS}.`,
    );
  }
  if (context.Worker === undefined && !options.hasWorker) {
    throw new UnsupportedError(
      'nested workers',
      'this browser starts no worker from a worker. Start one from the page that calls ' +
        'serveStorage(), and pass a port to it as the option worker.',
    );
  }
}

/** Whether `Atomics.wait` is allowed here: not in a page, nor in a SharedWorker or a service worker. */
export function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}
