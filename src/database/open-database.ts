/** `openDatabase`: one call to a database. */
import { OptionError, UnsupportedError } from '../errors.js';
import { hostTimer } from '../timer.js';
import type { BlockVFS } from '../vfs/block-vfs.js';
import { IDBBlockMirrorVFS } from '../vfs/idb-block-mirror-vfs.js';
import { IDBBlockVFS } from '../vfs/idb-block-vfs.js';
import { recogniseBuild } from '../vfs/module.js';
import type { MirrorVFSOptions } from '../vfs/options.js';
import { normalisePath } from '../vfs/paths.js';
import { assertCanBlock } from '../vfs/shared/capabilities.js';
import { IDBBlockSharedVFS } from '../vfs/shared/idb-block-shared-vfs.js';
import type { SharedVFSOptions } from '../vfs/shared/options.js';
import { Connection } from './connection.js';
import { Database } from './database.js';
import {
  type BundledBuild,
  type Capabilities,
  chooseEngine,
  type EngineChoice,
} from './engine-choice.js';
import { type LocateFile, loadApi, loadBuild } from './load-build.js';
import { persistenceNow } from './persistence.js';
import { Queue } from './queue.js';
import { SqlError } from './sql-error.js';
import type { ConnectionModule, SqliteApi } from './sqlite-api.js';

/** What `openDatabase` takes, beside the options of the engines. */
export interface OpenOptions extends MirrorVFSOptions, Omit<SharedVFSOptions, 'locks'> {
  /**
   * `'async'` is IDBBlockVFS, `'shared'` IDBBlockSharedVFS, `'mirror'` IDBBlockMirrorVFS;
   * `'memory'` stores nothing. Default `'auto'`: the shared engine where it can be had, else the
   * asynchronous one.
   */
  readonly engine?: 'auto' | 'async' | 'shared' | 'mirror' | 'memory';
  /** The wa-sqlite build. Default: what the engine takes, JSPI before Asyncify. */
  readonly build?: BundledBuild;
  /** `'memory'`: what to take where there is no IndexedDB. Default: an error. */
  readonly fallback?: 'memory';
  /** Make the database if there is none. Default true. */
  readonly create?: boolean;
  /** Where a .wasm file is, by name. Default: beside its module. */
  readonly locateFile?: LocateFile;
  /**
   * What a wa-sqlite factory of the current line resolved to, in place of a build of our choice.
   */
  readonly module?: object;
  /**
   * wa-sqlite's API over `module`: what its `Factory(module)` made. With both given nothing is
   * imported, which a service worker must not do.
   */
  readonly sqlite3?: object;
  /** Gives up opening. */
  readonly signal?: AbortSignal;
}

const VOLUME = 'idb-block-vfs';
/** A VFS's name is its own in SQLite. */
let vfsCount = 0;
const MEMORY = ':memory:';
const OPEN_READWRITE = 0x2;
const OPEN_CREATE = 0x4;

/**
 * Opens a database, and makes it if there is none: picks the engine and wa-sqlite build by what the
 * context can do, or as told, and loads them. Durability is `'strict'` unless told otherwise.
 *
 * @param path the database's path in the volume, which is the IndexedDB database `idbName`, by
 *   default `idb-block-vfs`.
 * @throws UnsupportedError where nothing durable can be had; OptionError; what `create` of the
 *   engine throws; SqlError if there is no such database and `create` is false, or it is none of
 *   SQLite's.
 */
export async function openDatabase(path: string, options: OpenOptions = {}): Promise<Database> {
  const { signal } = options;
  signal?.throwIfAborted();
  const opening = open(path, options);
  if (!signal) return await opening;
  return await new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      // Nobody waits for it any more.
      opening.then((database) => database.close()).catch(() => undefined);
    };
    signal.addEventListener('abort', abort, { once: true });
    opening.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}

async function open(path: string, options: OpenOptions): Promise<Database> {
  const name = normalisePath(path);
  if (name === '') throw new OptionError('path', 'must not be empty');
  if (options.sqlite3 && !options.module) {
    throw new OptionError('sqlite3', 'pass the module it was made from as well');
  }
  try {
    return await openAs(name, options, options.engine ?? 'auto');
  } catch (error) {
    // A sandboxed frame has IndexedDB, and may not use it.
    if (options.fallback !== 'memory' || !isForbidden(error)) throw error;
    return await openAs(name, options, 'memory');
  }
}

function isForbidden(error: unknown): boolean {
  const { cause } = error as { cause?: { name?: unknown } };
  return cause?.name === 'SecurityError';
}

async function openAs(
  name: string,
  options: OpenOptions,
  wished: NonNullable<OpenOptions['engine']>,
): Promise<Database> {
  const engine = chooseEngine(
    {
      engine: wished,
      given: options.module && recogniseCurrentLine(options.module),
      build: options.build,
      orMemory: options.fallback === 'memory',
    },
    capabilities(options),
  );
  const build = engine.build as BundledBuild;
  const module = options.module ?? (await loadBuild(build, options.locateFile));
  const { queue, sqlite3 } = await sharedOf(module, options.sqlite3 as SqliteApi | undefined);
  const vfs = await createVFS(engine, module, options);
  let connection: Connection | undefined;
  try {
    connection = await queue.run(() => connect({ sqlite3, module, vfs, path: name }, options));
    const durability = vfs?.engine.durability ?? 'none';
    const persistence = vfs ? await persistenceNow() : 'none';
    const host = { timer: hostTimer, random: Math.random };
    const database = new Database({ connection, engine, durability, persistence, queue, host });
    // Whatever is wrong with the file is told now.
    await database.query('SELECT 1 FROM sqlite_schema LIMIT 1');
    return database;
  } catch (cause) {
    const opened = connection;
    // It may hold locks.
    if (opened) await queue.run(() => opened.close());
    await vfs?.close();
    throw cause;
  }
}

interface Shared {
  readonly queue: Queue;
  readonly sqlite3: SqliteApi;
}

/**
 * A module runs one call at a time, whatever connection it is for; and making its API anew resets
 * it.
 */
const shared = new WeakMap<object, Promise<Shared>>();

function sharedOf(module: object, given: SqliteApi | undefined): Promise<Shared> {
  const made = shared.get(module) ?? make(module, given);
  shared.set(module, made);
  return made;
}

async function make(module: object, given: SqliteApi | undefined): Promise<Shared> {
  return { queue: new Queue(), sqlite3: given ?? (await loadApi(module)) };
}

/** @throws UnsupportedError for the old line, whose API is another */
function recogniseCurrentLine(module: object) {
  const build = recogniseBuild(module);
  if (build === 'sync' || build === 'asyncify' || build === 'jspi') return build;
  throw new UnsupportedError(
    'wa-sqlite',
    'openDatabase takes modules of the current line (@journeyapps/wa-sqlite); with wa-sqlite ' +
      '1.0.0 of npm use the VFS classes.',
  );
}

async function createVFS(
  { name }: EngineChoice,
  module: object,
  options: OpenOptions,
): Promise<BlockVFS | undefined> {
  const all = { idbName: VOLUME, durability: 'strict', ...options } as const;
  const vfsName = `${VOLUME}-${++vfsCount}`;
  switch (name) {
    case 'IDBBlockVFS':
      return await IDBBlockVFS.create(vfsName, module, all);
    case 'IDBBlockMirrorVFS':
      return await IDBBlockMirrorVFS.create(vfsName, module, all);
    case 'IDBBlockSharedVFS':
      return await IDBBlockSharedVFS.create(vfsName, module, forStorageWorker(all));
    case 'memory':
      return undefined;
  }
}

/** @throws OptionError for what cannot be handed to another thread */
function forStorageWorker({ indexedDB, locks, ...options }: OpenOptions): SharedVFSOptions {
  if (indexedDB || locks) {
    const which = indexedDB ? 'indexedDB' : 'locks';
    throw new OptionError(which, 'IDBBlockSharedVFS takes those of its storage worker');
  }
  return locks === null ? { ...options, locks } : options;
}

interface Target {
  readonly sqlite3: SqliteApi;
  readonly module: object;
  readonly vfs: BlockVFS | undefined;
  readonly path: string;
}

async function connect(
  { sqlite3, module, vfs, path }: Target,
  { create = true }: OpenOptions,
): Promise<Connection> {
  const flags = OPEN_READWRITE | (create || !vfs ? OPEN_CREATE : 0);
  let cause: Error | undefined;
  const onError = ({ detail }: { detail: { error: Error } }) => {
    cause = detail.error;
  };
  vfs?.addEventListener('error', onError);
  try {
    if (vfs) sqlite3.vfs_register(vfs, false);
    const handle = await sqlite3.open_v2(vfs ? path : MEMORY, flags, vfs?.name);
    return new Connection({
      sqlite3,
      module: module as ConnectionModule,
      handle,
      vfs,
      path: vfs ? path : MEMORY,
    });
  } catch (error) {
    const { message, code } = error as Error & { code: number };
    throw cause ?? new SqlError(message, { sql: '', sqliteCode: code });
  } finally {
    vfs?.removeEventListener('error', onError);
  }
}

function capabilities(options: OpenOptions): Capabilities {
  return {
    indexedDB: (options.indexedDB ?? globalThis.indexedDB) !== undefined,
    jspi: 'Suspending' in WebAssembly && 'promising' in WebAssembly,
    sharedRefusal: sharedRefusal(options),
  };
}

function sharedRefusal({ indexedDB, locks, worker }: OpenOptions): string | undefined {
  if (indexedDB || locks) return 'the shared engine takes no indexedDB and no locks';
  try {
    assertCanBlock(globalThis, { hasWorker: worker !== undefined });
    return undefined;
  } catch (error) {
    const missing = error instanceof UnsupportedError ? error.capability : String(error);
    return `the shared engine misses "${missing}" here`;
  }
}
