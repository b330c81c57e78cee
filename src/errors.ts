/**
 * Every error class, and the one table DOMException → error → SQLite result code.
 *
 * A message says what happened, to which database, and what the reader can do.
 */
import * as rc from './result-codes.js';

/** What a {@link CorruptionError} points at. */
export interface RecordLocation {
  /** Name of the IndexedDB database. */
  readonly volume: string;
  /** Object store of the damaged or missing record. */
  readonly store: 'files' | 'segments' | 'commits' | 'maps';
  /** The record's key. */
  readonly key: IDBValidKey;
  /** Version of the block or commit concerned, where there is one. */
  readonly version?: number;
}

/** Base class: a stable `code`, the SQLite result code it becomes, and the cause. */
export class BlockStoreError extends Error {
  /** Name of the class. */
  override readonly name: string = 'BlockStoreError';
  /** Stable, for programs. */
  readonly code: string;
  /** The (extended) SQLite result code a VFS method answers with. */
  readonly sqliteCode: number;
  constructor(code: string, sqliteCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.sqliteCode = sqliteCode;
  }
}

/** A record is damaged, missing, stale or misplaced. Nothing of it was served. */
export class CorruptionError extends BlockStoreError {
  override readonly name = 'CorruptionError';
  /** Which record. */
  readonly location: RecordLocation;
  /** The checksum that was stored; undefined if something else is wrong. */
  readonly expectedChecksum: number | undefined;
  /** The checksum of what was read; undefined if something else is wrong. */
  readonly actualChecksum: number | undefined;
  constructor(
    location: RecordLocation,
    what: string,
    checksums?: { readonly expected: number; readonly actual: number },
  ) {
    const at = `store "${location.store}", key ${JSON.stringify(location.key)}`;
    const of = location.version === undefined ? '' : `, version ${location.version}`;
    const sums = checksums
      ? ` (checksum ${hex(checksums.actual)}, expected ${hex(checksums.expected)})`
      : '';
    super(
      'CORRUPTION',
      rc.SQLITE_IOERR_DATA,
      `Damaged data in volume "${location.volume}": ${what} at ${at}${of}${sums}. ` +
        'It was not changed; verify(path) tells what is wrong, salvage(path) saves the rest elsewhere.',
    );
    this.location = location;
    this.expectedChecksum = checksums?.expected;
    this.actualChecksum = checksums?.actual;
  }
}

/** The origin's quota or the disk is full. The database is as before the commit. */
export class QuotaError extends BlockStoreError {
  override readonly name = 'QuotaError';
  constructor(volume: string, options?: ErrorOptions) {
    super(
      'QUOTA',
      rc.SQLITE_FULL,
      `No room left for volume "${volume}": the browser's quota or the disk is full. ` +
        'The database is unchanged; delete data or ask for persistent storage, then try again.',
      options,
    );
  }
}

/** A file, or what is written to it, does not fit the memory that a mirror may use. */
export class MemoryLimitError extends BlockStoreError {
  override readonly name = 'MemoryLimitError';
  /** Bytes it would take. */
  readonly wantedBytes: number;
  /** The option `memoryBytesMax`. */
  readonly limitBytes: number;
  constructor(
    path: string,
    bytes: { readonly wanted: number; readonly limit: number },
    doing: 'open' | 'write',
  ) {
    const what =
      doing === 'open'
        ? `"${path}" would take ${bytes.wanted} bytes of memory`
        : `Writing to "${path}" would take the mirror to ${bytes.wanted} bytes of memory`;
    super(
      'MEMORY_LIMIT',
      doing === 'open' ? rc.SQLITE_CANTOPEN : rc.SQLITE_FULL,
      `${what}; memoryBytesMax is ${bytes.limit}. Raise it, or use IDBBlockVFS, which reads ` +
        'databases of any size on demand.',
    );
    this.wantedBytes = bytes.wanted;
    this.limitBytes = bytes.limit;
  }
}

/** The IndexedDB connection went away and could not be had again. */
export class ConnectionLostError extends BlockStoreError {
  override readonly name = 'ConnectionLostError';
  constructor(volume: string, why: string, options?: ErrorOptions) {
    super(
      'CONNECTION_LOST',
      rc.SQLITE_IOERR,
      `The IndexedDB connection of volume "${volume}" was lost (${why}). ` +
        'Nothing that was complete is lost; the next statement opens a new connection. If that fails ' +
        'as well, load the page again: WebKit up to 2.50 and Safari of its time give it no other.',
      options,
    );
  }
}

/** A commit was sent and its outcome could not be looked up. */
export class CommitUnknownError extends BlockStoreError {
  override readonly name = 'CommitUnknownError';
  constructor(volume: string, path: string, options?: ErrorOptions) {
    super(
      'COMMIT_UNKNOWN',
      rc.SQLITE_IOERR,
      `Whether the last commit of "${path}" in volume "${volume}" landed could not be looked up: ` +
        'IndexedDB did not answer, or no new connection could be had. If it was sent, it may still ' +
        'land: query the database before you repeat it.',
      options,
    );
  }
}

/** Another connection holds what was asked for, or committed first. */
export class BusyError extends BlockStoreError {
  override readonly name = 'BusyError';
  constructor(path: string, why: string, options?: ErrorOptions & { readonly snapshot?: boolean }) {
    super(
      options?.snapshot ? 'BUSY_SNAPSHOT' : 'BUSY',
      options?.snapshot ? rc.SQLITE_BUSY_SNAPSHOT : rc.SQLITE_BUSY,
      `"${path}" is busy: ${why}. Roll back and try again.`,
      options,
    );
  }
}

/** This context or this wa-sqlite build cannot do what was asked. */
export class UnsupportedError extends BlockStoreError {
  override readonly name = 'UnsupportedError';
  /** The missing capability, e.g. `indexedDB`. */
  readonly capability: string;
  constructor(capability: string, advice: string, options?: ErrorOptions) {
    super(
      'UNSUPPORTED',
      rc.SQLITE_CANTOPEN,
      `Missing capability "${capability}": ${advice}`,
      options,
    );
    this.capability = capability;
  }
}

/** The volume was written by a newer release. It was not touched. */
export class FormatVersionError extends BlockStoreError {
  override readonly name = 'FormatVersionError';
  /** The format version of the volume. */
  readonly found: number;
  /** The newest that this release knows. */
  readonly supported: number;
  constructor(volume: string, versions: { readonly found: number; readonly supported: number }) {
    const { found, supported } = versions;
    super(
      'FORMAT_VERSION',
      rc.SQLITE_CANTOPEN,
      `Volume "${volume}" has format ${found}; this release reads up to ${supported}. ` +
        'It was not touched. Update idb-block-vfs to open it.',
    );
    this.found = found;
    this.supported = supported;
  }
}

/** The IndexedDB database of that name is not one of ours. It was not touched. */
export class NotAVolumeError extends BlockStoreError {
  override readonly name = 'NotAVolumeError';
  constructor(volume: string, why: string) {
    super(
      'NOT_A_VOLUME',
      rc.SQLITE_NOTADB,
      `IndexedDB database "${volume}" is not an idb-block-vfs volume (${why}). ` +
        'It was not touched. Choose another idbName.',
    );
  }
}

/** What was to be taken in is not a whole SQLite database. Nothing was changed. */
export class NotADatabaseError extends BlockStoreError {
  override readonly name = 'NotADatabaseError';
  constructor(path: string, why: string) {
    super(
      'NOT_A_DATABASE',
      rc.SQLITE_NOTADB,
      `What was to become "${path}" is not a whole SQLite database: ${why}. Nothing was changed.`,
    );
  }
}

const CHANGES_ADVICE = {
  base: 'Nothing was changed. Apply them to the copy they were asked for, or make a whole copy anew.',
  damaged: 'Nothing was changed. Ask for the changes once more.',
  version: 'Make a whole copy with exportFile.',
} as const;

/**
 * Changes cannot be told or applied. `base`: the copy is not the one they were asked for; `damaged`: they
 * did not arrive as they were sent; `version`: the version is not one of this database.
 */
export class ChangesError extends BlockStoreError {
  override readonly name = 'ChangesError';
  constructor(path: string, what: 'base' | 'damaged' | 'version', why: string) {
    super(
      `CHANGES_${what.toUpperCase()}`,
      what === 'version' ? rc.SQLITE_MISUSE : rc.SQLITE_IOERR_DATA,
      `Changes of "${path}": ${why}. ${CHANGES_ADVICE[what]}`,
    );
  }
}

/** Another library's store cannot be read as it is. It was not touched. */
export class PeerStoreError extends BlockStoreError {
  override readonly name = 'PeerStoreError';
  /** @param database what it is, and where, for the message */
  constructor(database: string, why: string, options?: ErrorOptions) {
    super('PEER_STORE', rc.SQLITE_CANTOPEN, `${database}: ${why}. It was not touched.`, options);
  }
}

/** An option or argument is out of range. */
export class OptionError extends BlockStoreError {
  override readonly name = 'OptionError';
  constructor(option: string, why: string) {
    super('OPTION', rc.SQLITE_MISUSE, `Option "${option}": ${why}`);
  }
}

/** A request or idbTx failed for a reason of its own. */
export class StorageError extends BlockStoreError {
  override readonly name = 'StorageError';
  constructor(volume: string, what: string, options?: ErrorOptions) {
    super(
      'STORAGE',
      rc.SQLITE_IOERR,
      `IndexedDB failed in volume "${volume}" (${what}: ${describe(options?.cause)}). ` +
        'The database is as before; the next statement can try again.',
      options,
    );
  }
}

/** The storage worker of a shared engine is gone, or does not answer. */
export class StorageWorkerError extends BlockStoreError {
  override readonly name = 'StorageWorkerError';
  constructor(volume: string, why: string, options?: ErrorOptions) {
    super(
      'STORAGE_WORKER',
      rc.SQLITE_IOERR,
      `The storage worker of volume "${volume}" is lost (${why}). Strict and relaxed commits that ` +
        'were acknowledged are safe. Close this VFS and create a new one.',
      options,
    );
  }
}

/** A defect of this library: an invariant does not hold. */
export class InvariantError extends BlockStoreError {
  override readonly name = 'InvariantError';
  constructor(what: string) {
    super('INVARIANT', rc.SQLITE_INTERNAL, `Invariant broken: ${what}. Please report it.`);
  }
}

/** Throws unless the condition holds. Stays on in production. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new InvariantError(what);
}

/**
 * True for what a dead connection says: InvalidStateError when it is closing or closed, UnknownError
 * when the process behind it died ("Connection to Indexed Database server lost") or failed inside,
 * and for one that said nothing for too long.
 */
export function isConnectionLoss(cause: unknown): boolean {
  if (cause instanceof ConnectionLostError) return true;
  const { name } = asDomException(cause);
  return name === 'InvalidStateError' || name === 'UnknownError' || name === 'TimeoutError';
}

/** True if IndexedDB did not answer in time. */
export function isTimeout(cause: unknown): boolean {
  const told = cause instanceof ConnectionLostError ? cause.cause : cause;
  return asDomException(told).name === 'TimeoutError';
}

/** The table: what IndexedDB throws, as one of our errors. */
export function fromDomException(cause: unknown, volume: string, doing: string): BlockStoreError {
  if (cause instanceof BlockStoreError) return cause;
  const { name, message } = asDomException(cause);
  if (name === 'QuotaExceededError') return new QuotaError(volume, { cause });
  if (isConnectionLoss(cause)) return new ConnectionLostError(volume, message || name, { cause });
  return new StorageError(volume, doing, { cause });
}

function asDomException(cause: unknown): { name: string; message: string } {
  if (typeof cause !== 'object' || cause === null) return { name: '', message: String(cause) };
  const { name, message } = cause as { name?: unknown; message?: unknown };
  return {
    name: typeof name === 'string' ? name : '',
    message: typeof message === 'string' ? message : '',
  };
}

function describe(cause: unknown): string {
  if (cause === undefined || cause === null) return 'no reason given';
  const { name, message } = asDomException(cause);
  return name ? `${name}: ${message}` : message;
}

function hex(n: number): string {
  return `0x${n.toString(16).padStart(8, '0')}`;
}
