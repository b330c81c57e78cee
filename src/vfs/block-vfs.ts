/**
 * What the engines have in common beside SQLite's own methods: their names, events, and services.
 *
 * Every connection that a module opens through one instance shares its cache and its IndexedDB
 * connection. Register it with `sqlite3.vfs_register(vfs, true)`.
 */
import { PATH_BYTES_MAX } from '../format/layout.js';
import type { SalvageReport } from '../recovery/salvage.js';
import type { VerifyReport } from '../recovery/verify.js';
import type { BackupMark } from '../transfer/mark.js';
import type { ByteSource } from '../transfer/source.js';
import type { Durability } from '../types.js';
import type { Emitter, EngineInfo, VFSEventType, VFSListener } from './events.js';
import type { FileLayout } from './file-layout.js';
import type { Build, SqliteModule } from './module.js';
import type { VFSStats } from './stats.js';
import type { ApplyOptions, ApplyReport } from './transfer/apply.js';
import type { ExportOptions } from './transfer/export.js';
import type { ImportOptions, ImportReport } from './transfer/import.js';
import type { VolumeHost, VolumeServices } from './volume-host.js';
import type { WriterState } from './writer-role.js';

/** A method as wa-sqlite's C side calls it. */
type VFSMethod = (...args: never[]) => number | Promise<number>;

export interface EngineParts {
  readonly build: Build;
  readonly durability: Durability | 'pragma';
  readonly emitter: Emitter;
  readonly volume: VolumeServices;
}

/** What an engine is made of that runs where its volume is. */
export interface LocalParts {
  readonly build: Build;
  readonly module: SqliteModule;
  readonly host: VolumeHost;
}

/**
 * A VFS of any engine, to be registered with `sqlite3.vfs_register(vfs, true)`. Every connection that
 * its module opens through it shares its cache and its IndexedDB connection.
 */
export abstract class BlockVFS {
  /** Its name in SQLite. */
  readonly name: string;
  /** Bytes that a path may have. */
  readonly mxPathname: number = PATH_BYTES_MAX;
  /** The wa-sqlite build this instance was made for. */
  readonly build: Build;
  readonly #parts: EngineParts;

  // SQLite's methods, assigned by the engine's constructor.
  /** Part of wa-sqlite's VFS interface: whether a method may answer with a promise. */
  declare readonly hasAsyncMethod: (methodName: string) => boolean;
  /** SQLite's method of this name. */
  declare readonly xOpen: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xDelete: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xAccess: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xFullPathname: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xGetLastError: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xClose: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xRead: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xWrite: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xTruncate: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xSync: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xFileSize: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xLock: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xUnlock: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xCheckReservedLock: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xFileControl: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xSectorSize: VFSMethod;
  /** SQLite's method of this name. */
  declare readonly xDeviceCharacteristics: VFSMethod;

  protected constructor(name: string, parts: EngineParts) {
    this.name = name;
    this.build = parts.build;
    this.#parts = parts;
  }

  /** Name of the engine's class. */
  protected abstract get engineName(): EngineInfo['engine'];

  /** Which engine runs, and how durable its commits are. */
  get engine(): EngineInfo {
    return { engine: this.engineName, durability: this.#parts.durability };
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
  async durable(path?: string): Promise<void> {
    await this.#parts.volume.durable(path);
  }

  /** Paths of all databases in the volume, in order. */
  async listFiles(): Promise<string[]> {
    return await this.#parts.volume.listFiles();
  }

  /**
   * Deletes a database, as a whole or not at all. Waits up to `busyTimeoutMs` for sqliteTxs under way in
   * other contexts to end; connections there get SQLITE_BUSY_SNAPSHOT once, then the new, empty database.
   *
   * @returns false if there was none.
   * @throws BusyError if a connection of this instance has it open, or another context goes on to write
   *   or read it.
   */
  async deleteFile(path: string): Promise<boolean> {
    return await this.#parts.volume.deleteFile(path);
  }

  /**
   * Reads everything of a database's newest version and reports each defect. Writes go on meanwhile.
   *
   * @param options `repair`: do what is lossless: rebuild a lost or damaged file record, map chunk or
   *   directory, and delete segments that nothing names. Default false.
   * @throws OptionError if there is no such database; BusyError if `repair` is asked for while the
   *   database is open here, or another context writes to it or goes on to read an older version.
   */
  async verify(path: string, options: { readonly repair?: boolean } = {}): Promise<VerifyReport> {
    return await this.#parts.volume.verify(path, options);
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
    return await this.#parts.volume.salvage(path, options);
  }

  /**
   * A database as the bytes of an ordinary SQLite file, from one snapshot: its newest version when this
   * is called. Writes go on meanwhile. Bytes are read as they are asked for, and checked; memory is at
   * most 10 MiB. Read it to the end or cancel it: until then the snapshot's space is not reclaimed.
   *
   * The stream fails with OptionError if there is no such database, and with CorruptionError where it is
   * damaged. A database without content has no bytes, as in SQLite.
   */
  exportFile(path: string, options: ExportOptions = {}): ReadableStream<Uint8Array> {
    return this.#parts.volume.transfer.exportFile(path, options);
  }

  /**
   * Puts an ordinary SQLite file in the place of a database, or where there is none: one strict commit
   * when all of it has come and is in order; until then, and after any failure, the database is as it
   * was. Connections that have it open see the new content with their next sqliteTx. Memory is that of a
   * sqliteTx that spills; a mirror, which holds both contents, keeps to `memoryBytesMax`.
   *
   * A header in WAL mode is repaired; what is only in a `-wal` file is not there. Where a database is
   * replaced, its change counter and schema cookie are raised above the old ones. All other bytes stay.
   *
   * @param source a stream is read to its end, or cancelled.
   * @throws NotADatabaseError if it is not a whole SQLite database; BusyError if a connection of this
   *   context is in a sqliteTx that writes, or another context goes on to write; MemoryLimitError,
   *   QuotaError, OptionError, and what the source or the signal failed with.
   */
  async importFile(
    path: string,
    source: ByteSource,
    options: ImportOptions = {},
  ): Promise<ImportReport> {
    return await this.#parts.volume.transfer.importFile(path, source, options);
  }

  /**
   * What has changed in a database since a version, as a stream for `applyChanges` or
   * `applyChangesToFile`: the pages that are newer, and checksums of all others (docs/BACKUP.md). As with
   * `exportFile`, from one snapshot, with writes going on and in bounded memory.
   *
   * @param since what the last export or `applyChanges` gave as its mark: the changes then fit no other
   *   copy. Or a version's number: they then fit any copy that has the same pages where nothing is sent.
   *   0: everything. The stream fails with ChangesError if it is not one of this database.
   */
  changesSince(path: string, since: number | BackupMark): ReadableStream<Uint8Array> {
    return this.#parts.volume.transfer.changesSince(path, since);
  }

  /**
   * Makes an older copy, e.g. what an export gave and `importFile` took, the newer one: in one strict
   * commit, when all changes have come and the result is proved to be the source's. Reads all of the
   * copy. Page 1 gets a greater change counter or schema cookie where connections to it could not
   * tell the contents apart.
   *
   * @param path with changes since 0 it may be absent.
   * @throws ChangesError `CHANGES_BASE` if it is not the copy that the changes were asked for,
   *   `CHANGES_DAMAGED` if they did not arrive as they were sent; and as `importFile`.
   */
  async applyChanges(
    path: string,
    changes: ByteSource,
    options: ApplyOptions = {},
  ): Promise<ApplyReport> {
    return await this.#parts.volume.transfer.applyChanges(path, changes, options);
  }

  /**
   * Where each page of a database's newest version lies: by which commit it was written, and with which
   * others in one segment.
   *
   * @throws OptionError if there is no such database
   */
  async layout(path: string): Promise<FileLayout> {
    return await this.#parts.volume.layout(path);
  }

  /**
   * The writer role of a database as this context sees it; `'none'` for one that is not open here, and
   * without Web Locks. A `writerchange` event tells when it gets the role or loses it.
   */
  writer(path: string): WriterState {
    return this.#parts.volume.writer(path);
  }

  /** Counters since `create`, and what is held now. */
  stats(): VFSStats {
    return this.#parts.volume.stats();
  }

  /** Has `listener` called with each event of one type (docs/OBSERVABILITY.md). */
  addEventListener<K extends VFSEventType>(
    type: K,
    listener: VFSListener<K>,
    options?: AddEventListenerOptions,
  ): void {
    this.#parts.emitter.addEventListener(type, listener, options);
  }

  /** Ends what `addEventListener` began. */
  removeEventListener<K extends VFSEventType>(type: K, listener: VFSListener<K>): void {
    this.#parts.emitter.removeEventListener(type, listener);
  }

  /**
   * Waits for acknowledged commits, then lets go of IndexedDB. Close the connections first.
   *
   * @throws what made an acknowledged commit fail.
   */
  async close(): Promise<void> {
    await this.#parts.volume.close();
  }
}
