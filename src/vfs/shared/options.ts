/** Options of the shared engine, with their defaults and limits. */
import { OptionError } from '../../errors.js';
import { atLeast, type ResolvedOptions, resolveOptions, type VFSOptions } from '../options.js';
import { RING_BYTES_DEFAULT } from './layout.js';

/** What `IDBBlockSharedVFS.create` takes. */
export interface SharedVFSOptions extends Omit<VFSOptions, 'indexedDB' | 'locks'> {
  /**
   * null: use no Web Locks. A storage worker that is passed and outlives this thread then does not
   * notice when it ends without `close()`, and keeps what it has locked. Default: the storage
   * worker's own.
   */
  readonly locks?: null;
  /**
   * The storage worker: a worker that calls `serveStorage()`, a function that starts one, or a port to
   * one (`storagePort`). A worker that is passed is shared and outlives the VFS; all who have a volume open
   * through it pass the same options, but for `durability`. Default: one of its own.
   */
  readonly worker?: Worker | MessagePort | (() => Worker);
  /** Bytes of requests on their way to the storage worker, a power of two. Default 4 MiB. */
  readonly channelBytes?: number;
  /**
   * Milliseconds without a sign of life after which the storage worker is given up. It gives one every
   * 100 ms. Default 5,000, at least 1,000.
   */
  readonly workerTimeoutMs?: number;
}

export interface ResolvedSharedOptions extends ResolvedOptions {
  readonly channelBytes: number;
  readonly workerTimeoutMs: number;
}

/** @throws OptionError, UnsupportedError */
export function resolveSharedOptions(
  name: string,
  options: SharedVFSOptions,
): ResolvedSharedOptions {
  const { channelBytes = RING_BYTES_DEFAULT, workerTimeoutMs = 5000 } = options;
  atLeast('workerTimeoutMs', workerTimeoutMs, 1000);
  const unsendable = (['indexedDB', 'locks'] as const).find(
    (name) => (options as VFSOptions)[name],
  );
  if (unsendable) {
    throw new OptionError(unsendable, 'left out: the storage worker uses its own context’s');
  }
  return { ...resolveOptions(name, options), channelBytes, workerTimeoutMs };
}
