/**
 * A volume in the context that owns it: the page's own, or the storage worker of a shared engine.
 *
 * It opens the volume, keeps the files that connections have open, and does everything that is asked of a
 * VFS beside SQLite's own methods.
 */
import { Volume } from '../blockstore/volume.js';
import type { LossesSeen } from '../blockstore/write-behind.js';
import { assert, BusyError } from '../errors.js';
import type { Nonce } from '../format/commit.js';
import { apply, findLost, recover } from '../recovery/recover.js';
import { type SalvageReport, salvage } from '../recovery/salvage.js';
import { recordsOnly, type VerifyReport, verifyBlocks, verifyRecords } from '../recovery/verify.js';
import { hostTimer } from '../timer.js';
import { flushBeforePageEnds, whenDue, whenIdle, whenPageRests } from './auto-sync.js';
import { CommitNews, type NewsWord } from './commit-news.js';
import { commitEvent, Emitter } from './events.js';
import { type FileLayout, layoutOf } from './file-layout.js';
import { isInnerPage } from './inner-page.js';
import { Observation } from './observation.js';
import { OpenFiles } from './open-files.js';
import type { ResolvedOptions } from './options.js';
import { normalisePath } from './paths.js';
import { BroadcastRoleChannel } from './role-channel.js';
import { writeSalvaged } from './salvage.js';
import type { FileEnv } from './shared-file.js';
import { type PinDeps, unpinned } from './snapshot-pins.js';
import { type Held, statsOf, type VFSStats } from './stats.js';
import { Syncs } from './syncs.js';
import type { TargetDeps } from './transfer/target.js';
import { type TransferServices, VolumeTransfer } from './transfer/volume-transfer.js';
import { WriterRole, type WriterState } from './writer-role.js';

/** Names of locks and channels begin with it. */
const PREFIX = 'idb-block-vfs';
const SALVAGE_SPILL_BYTES = 4 * 1024 * 1024;

/** What may be asked of a volume, whichever thread owns it. */
export interface VolumeServices {
  durable(path?: string): Promise<void>;
  listFiles(): Promise<string[]>;
  deleteFile(path: string): Promise<boolean>;
  verify(path: string, options?: VerifyOptions): Promise<VerifyReport>;
  salvage(path: string, options?: SalvageOptions): Promise<SalvageReport>;
  layout(path: string): Promise<FileLayout>;
  writer(path: string): WriterState;
  stats(): VFSStats;
  /** Whole databases into the volume and out of it. */
  readonly transfer: TransferServices;
  close(): Promise<void>;
}

export interface VerifyOptions {
  readonly repair?: boolean;
}

export interface SalvageOptions {
  readonly to?: string;
}

/** Who opens files of the volume for SQLite. */
export interface FileUser {
  held(): Held;
  /** The volume is being closed. */
  dispose(): void;
}

export class VolumeHost implements VolumeServices {
  readonly emitter: Emitter;
  readonly volume: Volume;
  readonly options: ResolvedOptions;
  readonly #observation: Observation;
  readonly #channel: BroadcastRoleChannel;
  readonly #news: CommitNews;
  readonly #stopAutoSync: (() => void) | undefined;
  readonly #stopResting: () => void;
  readonly #seen: LossesSeen = { losses: 0 };
  #user: FileUser | undefined;
  #files: OpenFiles | undefined;
  /** Of a mirror. */
  readonly #memoryBytesMax: number | undefined;

  /** Opens the volume, creating it if it does not exist. `resident`: files are loaded whole. */
  static async open(
    options: ResolvedOptions,
    resident?: { readonly bytesMax: number },
  ): Promise<VolumeHost> {
    const emitter = new Emitter();
    const observation = new Observation(emitter, options);
    const syncs: Syncs = new Syncs({
      emitter,
      volume: options.idbName,
      monotonicMs: () => performance.now(),
      pendingCommits: () => volume.committer.deferredCommits,
    });
    let committed = () => {};
    const volume = await Volume.open({
      name: options.idbName,
      factory: options.indexedDB,
      cacheBytes: options.cacheBytes,
      isInner: isInnerPage,
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
      onSync: (commits, durability) => syncs.begin(commits, durability),
      onPressure: (waits) =>
        emitter.emit('backpressure', () => {
          const { deferredBytes: bytes, deferredCommits: commits } = volume.committer;
          return { waits, bytes, commits };
        }),
      onCommit: (commit, durationMs, endedMs, durability) => {
        observation.committed(commit, durationMs, endedMs, durability);
        committed();
      },
      onReload: (path) => observation.reloading(path),
      onNews: (file, news) => emitter.emit('commit', () => commitEvent(file.path, news)),
    });
    const bytesMax = resident?.bytesMax;
    const host = new VolumeHost(options, { emitter, volume, observation, bytesMax });
    committed = () => host.#news.committed();
    return host;
  }

  private constructor(
    options: ResolvedOptions,
    parts: {
      readonly emitter: Emitter;
      readonly volume: Volume;
      readonly observation: Observation;
      readonly bytesMax: number | undefined;
    },
  ) {
    this.options = options;
    this.#memoryBytesMax = parts.bytesMax;
    this.emitter = parts.emitter;
    this.volume = parts.volume;
    this.#observation = parts.observation;
    this.#stopAutoSync = options.autoSync ? flushBeforePageEnds(this.volume.committer) : undefined;
    // Behind what sends deferred commits: the lock is let go of when they have landed.
    this.#stopResting = whenPageRests(() => this.#rest());
    this.#channel = new BroadcastRoleChannel(`${PREFIX}:${options.idbName}`);
    this.#news = this.#newsOver(this.#channel);
  }

  #newsOver(channel: BroadcastRoleChannel): CommitNews {
    const name = `${PREFIX}:${this.options.idbName}:news`;
    const news = new CommitNews({
      say: (word) => channel.say(name, word),
      catchUp: async () => await this.#files?.catchUp(),
      monotonicMs: () => performance.now(),
    });
    channel.listen<NewsWord>(name, (word) => news.hear(word));
    channel.onreopened = () => news.wasDeaf();
    this.emitter.onlisten = (type) => {
      if (type === 'commit') news.listen();
      this.#observation.listening(type);
    };
    return news;
  }

  /** Handing over sends what waits, which without auto-sync only the app does. */
  #rest(): void {
    if (this.options.autoSync || this.volume.committer.deferredCommits === 0) this.#files?.rest();
  }

  /** The volume's files for the one who opens them for SQLite. */
  filesFor(
    user: FileUser,
    env: Pick<FileEnv, 'group' | 'heap' | 'playedBack' | 'expireJournal'>,
  ): OpenFiles {
    const { volume, emitter, options } = this;
    this.#user = user;
    this.#files = new OpenFiles({
      volume,
      emitter,
      roleOf: (path) => this.#roleOf(path),
      pinsOf: (path) => this.#pinsOf(path),
      monotonicMs: () => performance.now(),
      onOpened: (report) => this.#observation.opened(report),
      env: {
        ...env,
        waited: (ms) => this.#observation.metrics.waited(ms),
        options: { ...options, nonce: randomNonce },
        committer: volume.committer,
        deleteOrphans: ({ connection, file, state }) => apply(connection, file, state.map.version),
      },
    });
    return this.#files;
  }

  get #open(): OpenFiles {
    assert(this.#files !== undefined, 'filesFor comes first');
    return this.#files;
  }

  async durable(): Promise<void> {
    // Commits of a volume land in one order: waiting for one file is waiting for what precedes it.
    await this.volume.committer.durable(this.#seen);
  }

  listFiles(): Promise<string[]> {
    return this.volume.list();
  }

  async deleteFile(path: string): Promise<boolean> {
    const name = normalisePath(path);
    return await this.#alone(name, async () => {
      await this.#unread(name);
      return await this.volume.delete(name);
    });
  }

  async verify(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
    const name = normalisePath(path);
    const { repair = false } = options;
    const { committer, connection } = this.volume;
    await committer.drained();
    const look = () => verifyRecords(connection, name, { repair });
    // What is deleted as named by nothing may be what an old snapshot needs.
    if (repair) await this.#unread(name);
    const records = repair ? await this.#alone(name, look) : await look();
    if (records.defects.length > 0) return recordsOnly(name, records);
    const blocks = await this.#open.withFile(name, { exclusive: repair }, (file) =>
      verifyBlocks(file, { repair }),
    );
    return { ...blocks, repaired: records.repaired };
  }

  async salvage(path: string, options: SalvageOptions = {}): Promise<SalvageReport> {
    const name = normalisePath(path);
    const to = normalisePath(options.to ?? `${path}.salvaged`);
    const { committer, connection } = this.volume;
    await committer.drained();
    return await this.#alone(name, async () => {
      const found = await salvage(connection, name);
      // It is written outside SQLite, where every engine can wait.
      const spillBytes = Math.min(this.options.spillBytes, SALVAGE_SPILL_BYTES);
      const writing = { ...this.options, spillBytes, nonce: randomNonce };
      await this.#open.withFile(to, { exclusive: true, create: true }, (file) =>
        writeSalvaged(found, { file, committer, options: writing }),
      );
      return { ...found.report, to };
    });
  }

  get transfer(): TransferServices {
    const { committer } = this.volume;
    const options = { ...this.options, nonce: randomNonce };
    return new VolumeTransfer({ files: this.#open, committer, options, memory: this.#memory });
  }

  get #memory(): TargetDeps['memory'] {
    const bytesMax = this.#memoryBytesMax;
    if (bytesMax === undefined) return undefined;
    const heldBytes = () => this.volume.cache.bytes + (this.#user?.held().stagedBytes ?? 0);
    return { bytesMax, heldBytes };
  }

  async layout(path: string): Promise<FileLayout> {
    return await this.#open.withFile(normalisePath(path), { exclusive: false }, layoutOf);
  }

  /** Runs `work` with the writer lock of a database that is not open here. */
  async #alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    await this.#open.quiet();
    if (this.volume.openFiles().some((file) => file.path === name)) {
      throw new BusyError(name, 'it is open in this context; close its connections first');
    }
    const role = this.#roleOf(name);
    try {
      if (role && !(await role.enter(this.options.busyTimeoutMs))) {
        throw new BusyError(name, 'another context is writing to it');
      }
      return await work();
    } finally {
      role?.close();
    }
  }

  /** @throws BusyError if another context reads an older version of it, and does not end in time. */
  async #unread(name: string): Promise<void> {
    const pins = this.#pinsOf(name);
    if (!pins || (await unpinned(pins, this.options.busyTimeoutMs))) return;
    throw new BusyError(name, 'another context is reading it');
  }

  writer(path: string): WriterState {
    return this.#open.get(normalisePath(path))?.role?.state ?? 'none';
  }

  stats(): VFSStats {
    return statsOf(this.volume, {
      held: this.#user?.held(),
      metrics: this.#observation.metrics,
      errors: this.emitter.errors,
      recoveries: this.#open.recoveries(),
      nowMs: performance.now(),
    });
  }

  async close(): Promise<void> {
    try {
      await this.durable();
    } finally {
      await this.#letGo();
    }
  }

  async #letGo(): Promise<void> {
    await this.#files?.quiet();
    this.#user?.dispose();
    try {
      await this.volume.close();
    } finally {
      this.#stopAutoSync?.();
      this.#stopResting();
      this.#observation.close();
      this.#news.close();
      this.#channel.close();
    }
  }

  #pinsOf(path: string): PinDeps | undefined {
    const { locks, idbName } = this.options;
    const prefix = `${PREFIX}:${idbName}:${path}:pin:`;
    return locks ? { locks, prefix, channel: this.#channel } : undefined;
  }

  #roleOf(path: string): WriterRole | undefined {
    const { locks, idbName, writerRole: policy, stealAfterMs } = this.options;
    if (!locks) return undefined;
    const { committer } = this.volume;
    return new WriterRole({
      locks,
      policy,
      stealAfterMs,
      timer: hostTimer,
      monotonicMs: () => performance.now(),
      name: `${PREFIX}:${idbName}:${path}:writer`,
      unlanded: () => (committer.deferredCommits > 0 ? committer.settled() : undefined),
      uncovered: () => this.#files?.get(path)?.pins?.uncovered(),
      onWaited: (ms) => this.#observation.metrics.waited(ms),
      channel: this.#channel,
      onChange: (why) => {
        const held = why === 'acquired' || why === 'seized';
        for (const file of this.volume.openFiles()) {
          if (file.path === path && !held) file.exclusive = false;
        }
        this.emitter.emit('writerchange', () => ({ path, held, why }));
      },
    });
  }
}

/** Drawn many at a time, for each call to the generator costs more than a small commit's record. */
const drawn = new Uint32Array(256);
let drawnLeft = 0;

function randomNonce(): Nonce {
  if (drawnLeft === 0) drawnLeft = crypto.getRandomValues(drawn).length;
  drawnLeft -= 2;
  const [high = 0, low = 0] = drawn.subarray(drawnLeft);
  return [high, low];
}
