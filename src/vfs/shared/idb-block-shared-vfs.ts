/**
 * `IDBBlockSharedVFS`: SQLite databases in IndexedDB for the synchronous wa-sqlite build, in a dedicated
 * worker of a cross-origin isolated page. A storage worker waits for IndexedDB; this thread blocks.
 *
 *   open ──close──▶ closed
 *     └──storage worker gone or silent──▶ poisoned: every method fails at once, `create` works again
 */
import { type BlockStoreError, StorageWorkerError } from '../../errors.js';
import { BlockVFS } from '../block-vfs.js';
import { callByAddress } from '../dispatch.js';
import { Emitter, type VFSEventType, type VFSListener } from '../events.js';
import { methodsOf } from '../methods.js';
import { syncMethods } from '../methods-sync.js';
import { type Build, recogniseSynchronous, type SqliteModule } from '../module.js';
import type { ResolvedOptions } from '../options.js';
import { assertCanBlock } from './capabilities.js';
import { ChannelClient } from './client.js';
import { ClientCore } from './client-core.js';
import { createShared } from './layout.js';
import {
  type ResolvedSharedOptions,
  resolveSharedOptions,
  type SharedVFSOptions,
} from './options.js';
import { Pulse } from './pulse.js';
import { RemoteStorage, type StorageTarget } from './remote.js';
import { RemoteVolume } from './remote-volume.js';
import type { Attach } from './worker-protocol.js';

interface Parts {
  readonly build: Build;
  readonly module: SqliteModule;
  readonly core: ClientCore;
  readonly emitter: Emitter;
  readonly volume: RemoteVolume;
  readonly options: ResolvedOptions;
}

/**
 * SQLite databases in IndexedDB, read on demand, on wa-sqlite's synchronous builds: in a dedicated
 * worker of a cross-origin isolated page, beside a storage worker.
 */
export class IDBBlockSharedVFS extends BlockVFS {
  readonly #core: ClientCore;

  /**
   * Starts a storage worker, which opens the volume, and makes a VFS for `module`.
   *
   * @param name the VFS's name in SQLite; also the IndexedDB database's, unless `idbName` is given.
   * @param module what the factory of wa-sqlite's synchronous build resolved to.
   * @throws OptionError, UnsupportedError, StorageWorkerError, FormatVersionError, NotAVolumeError,
   *   CorruptionError, ConnectionLostError
   */
  static async create(
    name: string,
    module: object,
    options: SharedVFSOptions = {},
  ): Promise<IDBBlockSharedVFS> {
    assertCanBlock(globalThis, { hasWorker: options.worker !== undefined });
    const build = recogniseSynchronous(module, 'IDBBlockSharedVFS');
    const resolved = resolveSharedOptions(name, options);
    const shared = createShared(resolved.channelBytes);
    const emitter = new Emitter();
    const alive = await holdAlive(resolved);
    let storage: StorageStart | undefined;
    const release = () => {
      alive.release();
      storage?.stop();
    };
    try {
      storage = startStorage(options.worker, resolved.idbName);
      const { idbName, workerTimeoutMs } = resolved;
      const remote = await RemoteStorage.attach(
        storage.target,
        attachOf(resolved, shared.buffer, alive.name),
        {
          emitter,
          pulse: new Pulse(shared.words, workerTimeoutMs),
          timeoutMs: resolved.requestTimeoutMs,
          failed: storage.failed,
        },
      );
      const ring = () => remote.doorbell();
      const onPoison = (error: BlockStoreError) => remote.lose(error);
      const channel = new ChannelClient(shared, {
        volume: idbName,
        workerTimeoutMs,
        trustMs: Math.min(workerTimeoutMs, resolved.stealAfterMs / 2),
        ring,
        onPoison,
      });
      storage.failed.catch(onPoison);
      remote.onlost = (error) => {
        channel.poisonWith(error);
        // One that only hangs would keep its locks.
        release();
      };
      const sqlite = module as SqliteModule;
      const core = new ClientCore({
        ...resolved,
        volume: idbName,
        channel,
        emitter,
        heap: () => sqlite.HEAPU8,
      });
      const volume = new RemoteVolume({ core, remote, volume: idbName, release });
      const parts = { build, module: sqlite, core, emitter, volume, options: resolved };
      return new IDBBlockSharedVFS(name, parts);
    } catch (cause) {
      release();
      throw cause;
    }
  }

  private constructor(name: string, { core, module, options, ...parts }: Parts) {
    super(name, { ...parts, durability: options.durability });
    this.#core = core;
    if (parts.build !== 'sync') {
      Object.assign(this, methodsOf(core, module, { build: parts.build, vfs: this }));
      return;
    }
    const methods = { ...syncMethods(core, module), xSleep };
    Object.assign(this, methods);
    callByAddress(module, this, methods);
  }

  protected override get engineName(): 'IDBBlockSharedVFS' {
    return 'IDBBlockSharedVFS';
  }

  override addEventListener<K extends VFSEventType>(
    type: K,
    listener: VFSListener<K>,
    options?: AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
    this.#core.listen(type);
  }
}

const MICROSECONDS_PER_MS = 1000;

/** A busy handler that sleeps: this thread may block. */
function xSleep(_vfs: number | undefined, microseconds: number | undefined): number {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nobody, 0, 0, (microseconds ?? 0) / MICROSECONDS_PER_MS);
  return microseconds ?? 0;
}

function attachOf(
  {
    indexedDB: _,
    locks,
    channelBytes: __,
    workerTimeoutMs: ___,
    ...options
  }: ResolvedSharedOptions,
  buffer: SharedArrayBuffer,
  aliveLock: string | undefined,
): Attach {
  return {
    type: 'idb-block-vfs:attach',
    buffer,
    options: { ...options, locks: locks !== null },
    aliveLock,
  };
}

/** Holds a Web Lock of a name nobody else has, so that the storage worker notices this thread's end. */
async function holdAlive({
  locks,
  idbName,
}: ResolvedOptions): Promise<{ readonly name: string | undefined; readonly release: () => void }> {
  if (!locks) return { name: undefined, release: () => undefined };
  const name = `idb-block-vfs:${idbName}:client:${crypto.randomUUID()}`;
  return await new Promise((resolve, reject) => {
    locks
      .request(name, () => new Promise<void>((release) => resolve({ name, release })))
      .catch(reject);
  });
}

interface StorageStart {
  readonly target: StorageTarget;
  /** Rejects when the storage worker could not be started. */
  readonly failed: Promise<never>;
  readonly stop: () => void;
}

/** @throws StorageWorkerError */
function startStorage(given: SharedVFSOptions['worker'], volume: string): StorageStart {
  const worker = storageOf(given, volume);
  const stopped = new AbortController();
  const failed = new Promise<never>((_, reject) => {
    const onError = (event: Event) => {
      const why = (event as ErrorEvent).message || 'it could not be started';
      reject(new StorageWorkerError(volume, why));
    };
    worker.addEventListener('error', onError, { signal: stopped.signal });
  });
  failed.catch(() => undefined);
  const isOurs = given === undefined || typeof given === 'function';
  const stop = () => {
    stopped.abort();
    if (isOurs) (worker as Worker).terminate();
  };
  return { target: worker, failed, stop };
}

/** @throws StorageWorkerError */
function storageOf(given: SharedVFSOptions['worker'], volume: string): Worker | MessagePort {
  try {
    if (given === undefined) return startWorker();
    return typeof given === 'function' ? given() : given;
  } catch (cause) {
    const why = (cause as Error | null)?.message || 'it could not be started';
    throw new StorageWorkerError(volume, why, { cause });
  }
}

// In this form bundlers find the worker's module.
function startWorker(): Worker {
  return new Worker(new URL('./storage-worker.js', import.meta.url), { type: 'module' });
}
