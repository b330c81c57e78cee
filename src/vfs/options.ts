/** Options of every engine, with their defaults and limits. */
import type { OnDamage } from '../blockstore/recovered.js';
import { OptionError, UnsupportedError } from '../errors.js';
import type { ChecksumAlgorithm, Durability } from '../types.js';
import type { WriterPolicy } from './writer-role.js';

/** What `create` of every engine takes. */
export interface VFSOptions {
  /** Name of the IndexedDB database that is the volume. Default: the VFS's name. */
  readonly idbName?: string;
  /**
   * When commits are acknowledged. `'pragma'`, the default, follows each connection's
   * `PRAGMA synchronous`: FULL and EXTRA strict, NORMAL relaxed, OFF deferred.
   */
  readonly durability?: Durability | 'pragma';
  /**
   * Bytes of segments kept in memory, for all files of the VFS. An eighth of it, from 128 KiB on, may be
   * inner pages of B-trees whose segments had to go. Default 32 MiB, at least 64 KiB.
   */
  readonly cacheBytes?: number;
  /**
   * Staged bytes of one sqliteTx above which full segments are sent ahead. As much again may be on
   * its way. Default 4 MiB, at least 64 KiB.
   */
  readonly spillBytes?: number;
  /**
   * Bytes of segments that acknowledged commits of deferred durability may hold before they are
   * complete; a commit beyond that waits until they are. Default 16 MiB, at least 64 KiB.
   */
  readonly maxDirtyBytes?: number;
  /** The same, as a number of commits. Default 2,048, at least 1. */
  readonly maxDirtyCommits?: number;
  /**
   * How long a deferred commit may wait for others to share its idbTx before it is sent, in
   * milliseconds. It goes sooner when half of a limit is used, before a stronger commit, with
   * `durable()` and `close()`, and with `autoSync`. Default 100; 0 sends at once.
   */
  readonly maxDelayMs?: number;
  /**
   * Send deferred commits when the context is idle, and when the page is hidden, frozen or left.
   * Default true.
   */
  readonly autoSync?: boolean;
  /**
   * How long a write waits for another context that writes, in milliseconds; `PRAGMA busy_timeout`
   * comes before it. With 0 it waits only until an idle holder has handed the writer lock over, 250 ms
   * at most. Default 2,000.
   */
  readonly busyTimeoutMs?: number;
  /**
   * How long this context keeps the writer lock of a database once it has it. `'until-asked'`, the
   * default: until another context wants to write. `'keep'`: until its last connection to the database
   * is closed, while others get SQLITE_BUSY. `'each-commit'`: until the sqliteTx has ended and, if it was
   * deferred, landed.
   */
  readonly writerRole?: WriterPolicy;
  /**
   * How long the holder of a writer lock may leave another context's asking unanswered, in
   * milliseconds, before the lock is taken from it: it is frozen, suspended or hung. One that lives
   * answers, however long it writes. All contexts of a volume are to agree on it. Default 5,000, at
   * least 1,000.
   */
  readonly stealAfterMs?: number;
  /**
   * How long IndexedDB may give no sign of life in an opening or an idbTx, in milliseconds, before
   * the connection is taken for dead: it is opened anew, and what was asked is asked once more or
   * fails. Time in which the context was frozen does not count. Default 30,000, at least 1,000.
   */
  readonly requestTimeoutMs?: number;
  /** Block checksum of files created from now on. Default `'xxhash32'`. */
  readonly checksum?: ChecksumAlgorithm;
  /**
   * What opening does when the newest commit records of a database are damaged or lost and all below
   * is whole. `'fall-back'`, the default: the newest version that verifies opens, with a `recovery`
   * event whose `fellBack` says so and an `error` event for each defect; the next commit makes the
   * loss final. `'refuse'`: it does not open.
   */
  readonly onDamage?: OnDamage;
  /**
   * Write entries into the performance timeline, so that a browser's profiler shows openings, commits, checkpoints
   * and reloads: `idb-block-vfs: commit app.db`. With the shared engine they are in the storage worker's.
   * At most 1,000 are kept there, and none after `close()`. Default false.
   */
  readonly measure?: boolean;
  /**
   * Share of the origin's quota from which on a `quota` event warns. The browser is asked for it only while somebody
   * listens for the event, once in ten seconds at most. Default 0.8; above 0, at most 1.
   */
  readonly quotaWarningRatio?: number;
  /** The IDBFactory to use. Default: the context's own. */
  readonly indexedDB?: IDBFactory;
  /**
   * The LockManager to use; null for none: then every commit is checked against its base inside its
   * idbTx, and a writer that lost the race gets SQLITE_BUSY_SNAPSHOT. Default: the context's own.
   */
  readonly locks?: LockManager | null;
}

/** What `IDBBlockMirrorVFS.create` takes. */
export interface MirrorVFSOptions extends VFSOptions {
  /**
   * Bytes that `IDBBlockMirrorVFS` may hold in memory, for all files of the VFS: their segments, and
   * what sqliteTxs under way have written. `cacheBytes` and `spillBytes` mean nothing to it. Default
   * 512 MiB, at least 64 KiB.
   */
  readonly memoryBytesMax?: number;
}

export interface ResolvedOptions {
  readonly idbName: string;
  readonly durability: Durability | 'pragma';
  readonly cacheBytes: number;
  readonly spillBytes: number;
  readonly maxDirtyBytes: number;
  readonly maxDirtyCommits: number;
  readonly maxDelayMs: number;
  readonly autoSync: boolean;
  readonly busyTimeoutMs: number;
  readonly writerRole: WriterPolicy;
  readonly stealAfterMs: number;
  readonly requestTimeoutMs: number;
  readonly checksum: ChecksumAlgorithm;
  readonly onDamage: OnDamage;
  readonly measure: boolean;
  readonly quotaWarningRatio: number;
  readonly indexedDB: IDBFactory;
  readonly locks: LockManager | null;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const DURABILITIES: readonly string[] = ['pragma', 'strict', 'relaxed', 'deferred'];
const ON_DAMAGE: readonly string[] = ['fall-back', 'refuse'];
const CHECKSUMS: readonly string[] = ['xxhash32', 'crc32c'];
const WRITER_ROLES: readonly string[] = ['until-asked', 'keep', 'each-commit'];

/** @throws OptionError, UnsupportedError */
export function resolveOptions(name: string, options: VFSOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    idbName: options.idbName ?? name,
    durability: options.durability ?? 'pragma',
    cacheBytes: options.cacheBytes ?? 32 * MIB,
    spillBytes: options.spillBytes ?? 4 * MIB,
    maxDirtyBytes: options.maxDirtyBytes ?? 16 * MIB,
    maxDirtyCommits: options.maxDirtyCommits ?? 2048,
    maxDelayMs: options.maxDelayMs ?? 100,
    autoSync: options.autoSync ?? true,
    busyTimeoutMs: options.busyTimeoutMs ?? 2000,
    writerRole: options.writerRole ?? 'until-asked',
    stealAfterMs: options.stealAfterMs ?? 5000,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    checksum: options.checksum ?? 'xxhash32',
    onDamage: options.onDamage ?? 'fall-back',
    measure: options.measure ?? false,
    quotaWarningRatio: options.quotaWarningRatio ?? 0.8,
    indexedDB: options.indexedDB ?? contextIndexedDB(),
    locks: options.locks === undefined ? (globalThis.navigator?.locks ?? null) : options.locks,
  };
  if (resolved.idbName === '') throw new OptionError('idbName', 'must not be empty');
  if (!DURABILITIES.includes(resolved.durability)) {
    throw new OptionError(
      'durability',
      `one of ${DURABILITIES.join(', ')}, not ${resolved.durability}`,
    );
  }
  if (!CHECKSUMS.includes(resolved.checksum)) {
    throw new OptionError('checksum', `one of ${CHECKSUMS.join(', ')}, not ${resolved.checksum}`);
  }
  if (!ON_DAMAGE.includes(resolved.onDamage)) {
    throw new OptionError('onDamage', `one of ${ON_DAMAGE.join(', ')}, not ${resolved.onDamage}`);
  }
  if (!WRITER_ROLES.includes(resolved.writerRole)) {
    throw new OptionError(
      'writerRole',
      `one of ${WRITER_ROLES.join(', ')}, not ${resolved.writerRole}`,
    );
  }
  for (const name of ['autoSync', 'measure'] as const) {
    if (typeof resolved[name] === 'boolean') continue;
    throw new OptionError(name, `true or false, not ${resolved[name]}`);
  }
  const { quotaWarningRatio } = resolved;
  if (!(quotaWarningRatio > 0 && quotaWarningRatio <= 1)) {
    throw new OptionError('quotaWarningRatio', `above 0, at most 1, not ${quotaWarningRatio}`);
  }
  atLeast('cacheBytes', resolved.cacheBytes, 64 * KIB);
  atLeast('spillBytes', resolved.spillBytes, 64 * KIB);
  atLeast('maxDirtyBytes', resolved.maxDirtyBytes, 64 * KIB);
  atLeast('maxDirtyCommits', resolved.maxDirtyCommits, 1);
  atLeast('maxDelayMs', resolved.maxDelayMs, 0);
  atLeast('busyTimeoutMs', resolved.busyTimeoutMs, 0);
  atLeast('stealAfterMs', resolved.stealAfterMs, 1000);
  atLeast('requestTimeoutMs', resolved.requestTimeoutMs, 1000);
  return resolved;
}

/** @throws OptionError */
export function resolveMemoryBytesMax(options: MirrorVFSOptions): number {
  const { memoryBytesMax = 512 * MIB } = options;
  atLeast('memoryBytesMax', memoryBytesMax, 64 * KIB);
  return memoryBytesMax;
}

/** @throws OptionError */
export function atLeast(option: string, value: number, least: number): void {
  if (!Number.isFinite(value) || value < least) {
    throw new OptionError(option, `a number of at least ${least}, not ${value}`);
  }
}

function contextIndexedDB(): IDBFactory {
  const factory = globalThis.indexedDB;
  if (!factory) {
    throw new UnsupportedError('indexedDB', 'this context has none; pass the option indexedDB.');
  }
  return factory;
}
