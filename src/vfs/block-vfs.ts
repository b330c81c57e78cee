/**
 * What the engines have in common: the volume, the options, and every method beside SQLite's own.
 *
 * Every connection that a module opens through one instance shares its cache and its IndexedDB
 * connection. Register it with `sqlite3.vfs_register(vfs, true)`.
 */
import { Volume } from '../blockstore/volume.js';
import { hostTimer } from '../blockstore/watchdog.js';
import { BusyError } from '../errors.js';
import type { Nonce } from '../format/commit.js';
import { PATH_BYTES_MAX } from '../format/layout.js';
import { apply, findLost, recover } from '../recovery/recover.js';
import { type SalvageReport, salvage } from '../recovery/salvage.js';
import { recordsOnly, type VerifyReport, verifyBlocks, verifyRecords } from '../recovery/verify.js';
import { flushBeforePageEnds, whenDue, whenIdle } from './auto-sync.js';
import { type Core, type CoreDeps, normalisePath } from './core.js';
import { Emitter, type EngineInfo, type VFSEventType, type VFSListener } from './events.js';
import { type CommitFiles, CommitGroups } from './group.js';
import { currentMethods } from './methods-current.js';
import { type LegacyHost, legacyMethods } from './methods-legacy.js';
import type { Build, SqliteModule } from './module.js';
import type { ResolvedOptions } from './options.js';
import { writeSalvaged } from './salvage.js';
import { statsOf, type VFSStats } from './stats.js';
import { BroadcastRoleChannel, WriterRole } from './writer-role.js';

/** A method as wa-sqlite's C side calls it. */
type VFSMethod = (...args: never[]) => number | Promise<number>;

/** Names of locks and channels begin with it. */
const PREFIX = 'idb-block-vfs';
const SALVAGE_SPILL_BYTES = 4 * 1024 * 1024;

/** What `openVolume` has made of the arguments of `create`. */
export interface EngineParts {
  readonly build: Build;
  readonly module: SqliteModule;
  readonly options: ResolvedOptions;
  readonly emitter: Emitter;
  readonly volume: Volume;
  readonly count: { readonly commits: number };
  readonly commitFiles: CommitFiles;
}

/** Opens the volume of an engine, creating it if it does not exist. */
export async function openVolume(
  options: ResolvedOptions,
  resident?: { readonly bytesMax: number },
): Promise<Pick<EngineParts, 'emitter' | 'volume' | 'count'>> {
  const emitter = new Emitter();
  const count = { commits: 0 };
  const volume = await Volume.open({
    name: options.idbName,
    factory: options.indexedDB,
    cacheBytes: options.cacheBytes,
    onDamage: options.onDamage,
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    requestTimeoutMs: options.requestTimeoutMs,
    timer: hostTimer,
    limits: options,
    idleTimer: options.autoSync ? whenIdle : whenDue,
    recover,
    findLost,
    resident: resident && {
      ...resident,
      onProgress: (progress) => emitter.emit('progress', () => progress),
    },
    onLost: (why) => emitter.emit('connectionlost', () => ({ why })),
    onHealed: (reopens) => emitter.emit('connectionhealed', () => ({ reopens })),
    onLoss: (error, paths) => emitter.emit('loss', () => ({ error, paths })),
    onFlush: (flush) => emitter.emit('flush', () => flush),
    onPressure: (waits) =>
      emitter.emit('backpressure', () => {
        const { deferredBytes: bytes, deferredCommits: commits } = volume.committer;
        return { waits, bytes, commits };
      }),
    onCommit: ({ file, record }, durationMs) => {
      count.commits++;
      emitter.emit('commit', () => ({
        path: file.path,
        version: record.version,
        blocks: record.entryCount,
        durationMs,
      }));
    },
  });
  return { emitter, volume, count };
}

export abstract class BlockVFS {
  readonly name: string;
  readonly mxPathname: number = PATH_BYTES_MAX;
  /** The wa-sqlite build this instance was made for. */
  readonly build: Build;
  readonly #options: ResolvedOptions;
  readonly #emitter: Emitter;
  readonly #volume: Volume;
  readonly #channel: BroadcastRoleChannel;
  readonly #stopAutoSync: (() => void) | undefined;
  protected readonly core: Core;
  readonly #count: { readonly commits: number };

  // SQLite's methods, bound to the build in the constructor.
  declare readonly hasAsyncMethod: (methodName: string) => boolean;
  declare readonly xOpen: VFSMethod;
  declare readonly xDelete: VFSMethod;
  declare readonly xAccess: VFSMethod;
  declare readonly xFullPathname: VFSMethod;
  declare readonly xGetLastError: VFSMethod;
  declare readonly xClose: VFSMethod;
  declare readonly xRead: VFSMethod;
  declare readonly xWrite: VFSMethod;
  declare readonly xTruncate: VFSMethod;
  declare readonly xSync: VFSMethod;
  declare readonly xFileSize: VFSMethod;
  declare readonly xLock: VFSMethod;
  declare readonly xUnlock: VFSMethod;
  declare readonly xCheckReservedLock: VFSMethod;
  declare readonly xFileControl: VFSMethod;
  declare readonly xSectorSize: VFSMethod;
  declare readonly xDeviceCharacteristics: VFSMethod;

  protected constructor(name: string, parts: EngineParts, coreOf: (deps: CoreDeps) => Core) {
    const { build, module, options, volume, emitter } = parts;
    this.name = name;
    this.build = build;
    this.#options = options;
    this.#emitter = emitter;
    this.#volume = volume;
    this.#count = parts.count;
    this.#stopAutoSync = options.autoSync ? flushBeforePageEnds(volume.committer) : undefined;
    this.#channel = new BroadcastRoleChannel(`${PREFIX}:${options.idbName}`);
    this.core = coreOf({
      volume,
      emitter,
      roleOf: (path) => this.#roleOf(path),
      monotonicMs: () => performance.now(),
      env: {
        options: { ...options, nonce: randomNonce },
        committer: volume.committer,
        group: new CommitGroups(parts.commitFiles),
        heap: () => module.HEAPU8,
        deleteOrphans: ({ connection, file, state }) => apply(connection, file, state.map.version),
      },
    });
    Object.assign(this, this.methods(this.core, module));
  }

  /** SQLite's methods as the build calls them. */
  protected methods(core: Core, module: SqliteModule): object {
    return this.build.startsWith('legacy')
      ? legacyMethods(core, module, this as LegacyHost)
      : currentMethods(core, module, this.build);
  }

  /** Name of the engine's class. */
  protected abstract get engineName(): EngineInfo['engine'];

  /** Which engine runs, and how durable its commits are. */
  get engine(): EngineInfo {
    return { engine: this.engineName, durability: this.#options.durability };
  }

  /** Part of wa-sqlite's VFS interface: `create` has done all there is to wait for. */
  isReady(): boolean {
    return true;
  }

  /**
   * Sends what waits, and resolves when every commit acknowledged so far, of all files or of `path`,
   * is complete in IndexedDB. Matters with deferred durability only: others are complete when acknowledged.
   *
   * @throws what made an acknowledged commit fail, also if that was before this call; once.
   */
  async durable(_path?: string): Promise<void> {
    // Commits of a volume land in one order: waiting for one file is waiting for what precedes it.
    await this.#volume.committer.durable();
  }

  /** Paths of all databases in the volume, in order. */
  listFiles(): Promise<string[]> {
    return this.#volume.list();
  }

  /**
   * Deletes a database.
   *
   * @returns false if there was none.
   * @throws BusyError if a connection of this instance, or a writer in another context, has it open.
   */
  async deleteFile(path: string): Promise<boolean> {
    const name = normalisePath(path);
    return await this.#alone(name, () => this.#volume.delete(name));
  }

  /**
   * Reads everything of a database's newest version and reports each defect. Writes go on meanwhile.
   *
   * @param options `repair`: do what is lossless: rebuild a lost or damaged file record, map chunk or
   *   directory, and delete segments that nothing names. Default false.
   * @throws OptionError if there is no such database; BusyError if `repair` is asked for while the
   *   database is open here or another context writes to it.
   */
  async verify(path: string, options: { readonly repair?: boolean } = {}): Promise<VerifyReport> {
    const name = normalisePath(path);
    const { repair = false } = options;
    await this.#volume.committer.drained();
    const { connection } = this.#volume;
    const look = () => verifyRecords(connection, name, { repair });
    const records = repair ? await this.#alone(name, look) : await look();
    if (records.defects.length > 0) return recordsOnly(name, records);
    const blocks = await this.core.withFile(name, { exclusive: repair }, (file) =>
      verifyBlocks(file, { repair }),
    );
    return { ...blocks, repaired: records.repaired };
  }

  /**
   * Saves what can be saved of a damaged database, as a new one; lossy, and the last resort. It reads
   * everything that is left, also of a database that does not open, and writes each page's newest
   * version that proves itself to `to`. The damaged database is not changed: delete it when all is well.
   *
   * @param options `to`: a path that does not exist. Default: `path` with `.salvaged` behind it.
   * @returns what was saved, and what could not be. `PRAGMA integrity_check` on `to` is SQLite's word.
   * @throws OptionError if there is no such database, or `to` exists; BusyError if the database is open
   *   here or another context writes to it; CorruptionError if nothing is left that proves itself.
   */
  async salvage(path: string, options: { readonly to?: string } = {}): Promise<SalvageReport> {
    const name = normalisePath(path);
    const to = normalisePath(options.to ?? `${path}.salvaged`);
    await this.#volume.committer.drained();
    return await this.#alone(name, async () => {
      const found = await salvage(this.#volume.connection, name);
      const { committer } = this.#volume;
      // It is written outside SQLite, where every engine can wait.
      const spillBytes = Math.min(this.#options.spillBytes, SALVAGE_SPILL_BYTES);
      const writing = { ...this.#options, spillBytes, nonce: randomNonce };
      await this.core.withFile(to, { exclusive: true, create: true }, (file) =>
        writeSalvaged(found, { file, committer, options: writing }),
      );
      return { ...found.report, to };
    });
  }

  /** Runs `work` with the writer lock of a database that is not open here. */
  async #alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    await this.core.quiet();
    if (this.#volume.openFiles().some((file) => file.path === name)) {
      throw new BusyError(name, 'it is open in this context; close its connections first');
    }
    const role = this.#roleOf(name);
    try {
      if (role && !(await role.acquire(this.#options.busyTimeoutMs))) {
        throw new BusyError(name, 'another context is writing to it');
      }
      return await work();
    } finally {
      role?.close();
    }
  }

  /** Counters since `create`, and what is held now. */
  stats(): VFSStats {
    const recoveries = this.core.recoveries();
    return statsOf(this.#volume, { ...this.#count, ...this.core.held(), recoveries });
  }

  addEventListener<K extends VFSEventType>(
    type: K,
    listener: VFSListener<K>,
    options?: AddEventListenerOptions,
  ): void {
    this.#emitter.addEventListener(type, listener, options);
  }

  removeEventListener<K extends VFSEventType>(type: K, listener: VFSListener<K>): void {
    this.#emitter.removeEventListener(type, listener);
  }

  /**
   * Waits for acknowledged commits, then lets go of IndexedDB. Close the connections first.
   *
   * @throws what made an acknowledged commit fail.
   */
  async close(): Promise<void> {
    await this.core.quiet();
    this.core.dispose();
    try {
      await this.#volume.close();
    } finally {
      this.#stopAutoSync?.();
      this.#channel.close();
    }
  }

  #roleOf(path: string): WriterRole | undefined {
    const { locks, idbName } = this.#options;
    if (!locks) return undefined;
    return new WriterRole({
      locks,
      name: `${PREFIX}:${idbName}:${path}:writer`,
      unlanded: () => {
        const { committer } = this.#volume;
        return committer.deferredCommits > 0 ? committer.settled() : undefined;
      },
      channel: this.#channel,
      onChange: (held) => {
        for (const file of this.#volume.openFiles()) {
          if (file.path === path && !held) file.exclusive = false;
        }
        this.#emitter.emit('writerchange', () => ({ path, held }));
      },
    });
  }
}

function randomNonce(): Nonce {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return [high, low];
}
