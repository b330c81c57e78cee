/**
 * A volume: one IndexedDB database and the files in it.
 *
 *   I9  Cache bytes, deferred bytes and reopenings are bounded (SegmentCache, Committer, Connection).
 */
import { BusyError, OptionError } from '../errors.js';
import { decodeFile, decodeVolume, type FileRecord } from '../format/files.js';
import { everythingOf, VOLUME_KEY } from '../format/keys.js';
import { PATH_BYTES_MAX } from '../format/layout.js';
import type { Timer } from '../timer.js';
import { SegmentCache } from './cache.js';
import { Committer, type CommitterDeps } from './committer.js';
import { Connection } from './connection.js';
import { requireRecord, unwrapRecord } from './evidence.js';
import { BlockFile, type OnReload } from './file.js';
import type { InnerCache } from './inner-blocks.js';
import type { OnDamage, Recover } from './recovered.js';
import { result } from './requests.js';
import type { ResidenceOptions } from './residence.js';
import type { ReadCounters } from './segments.js';
import type { News } from './told.js';

/** Of the cache's bytes, for inner blocks, if there is room for two segments as well. */
const INNER_SHARE = 1 / 8;
const INNER_CACHE_BYTES_MIN: number = 128 * 1024;

/** Finds a file whose record is lost though commits bear its path; `recovery` supplies it. */
export type FindLost = (connection: Connection, path: string) => Promise<void>;

export interface VolumeOptions extends Omit<CommitterDeps, 'connection'> {
  readonly name: string;
  readonly factory: IDBFactory;
  readonly cacheBytes: number;
  /** Blocks that most lookups need: kept when their segments have to go. Default: none. */
  readonly isInner?: (block: Uint8Array) => boolean;
  /** Milliseconds without any answer after which IndexedDB is taken for dead. */
  readonly requestTimeoutMs: number;
  readonly timer: Timer;
  readonly recover: Recover;
  readonly findLost: FindLost;
  readonly onDamage?: OnDamage;
  /** An open file has a newer version in the store, and it is in force here. */
  readonly onNews?: (file: BlockFile, news: News) => void;
  /** An open file is read anew as a whole; what is returned is called when that is over. */
  readonly onReload?: OnReload | undefined;
  /** Keeps open files whole in memory. */
  readonly resident?: ResidenceOptions | undefined;
  /** The connection went away; the next request opens a new one. */
  readonly onLost: (why: string) => void;
  /** There is a new connection in its place. */
  readonly onHealed: (reopens: number) => void;
}

export class Volume {
  readonly connection: Connection;
  readonly committer: Committer;
  readonly cache: SegmentCache;
  readonly counters: ReadCounters = {
    cacheHits: 0,
    cacheMisses: 0,
    segmentsRead: 0,
    bytesRead: 0,
    readAheadSegments: 0,
    readAheadUsedSegments: 0,
    checksumFailures: 0,
  };
  readonly #options: VolumeOptions;
  readonly #inner: InnerCache | undefined;
  readonly #open: Map<string, { readonly file: BlockFile; users: number }> = new Map();

  private constructor(options: VolumeOptions) {
    this.#options = options;
    this.connection = new Connection(options);
    this.connection.onlost = (why) => {
      for (const file of this.openFiles()) file.distrust();
      options.onLost(why);
    };
    this.connection.onhealed = options.onHealed;
    const { cacheBytes, isInner } = options;
    if (isInner && cacheBytes >= INNER_CACHE_BYTES_MIN) {
      this.#inner = { cache: new SegmentCache(cacheBytes * INNER_SHARE), isInner };
    }
    this.cache = new SegmentCache(cacheBytes, () => this.#inner?.cache.bytes ?? 0);
    this.committer = new Committer({ ...options, connection: this.connection });
  }

  /** Segments in memory, and inner blocks that outlived theirs. */
  get cachedBytes(): number {
    return this.cache.bytes + (this.#inner?.cache.bytes ?? 0);
  }

  /** @throws FormatVersionError, NotAVolumeError, CorruptionError, ConnectionLostError */
  static async open(options: VolumeOptions): Promise<Volume> {
    const volume = new Volume(options);
    try {
      await volume.connection.open();
      const stored = await volume.connection.read(['files'], (r) =>
        result(r.get('files', VOLUME_KEY)),
      );
      const place = { volume: options.name, store: 'files', key: VOLUME_KEY } as const;
      requireRecord(stored, decodeVolume, place);
      return volume;
    } catch (cause) {
      await volume.connection.close();
      throw cause;
    }
  }

  /** The file, recovered, for one more user; undefined if it does not exist and is not wanted. */
  async acquire(path: string, create: boolean): Promise<BlockFile | undefined> {
    checkPath(path);
    const open = this.#open.get(path);
    if (open) {
      open.users++;
      return open.file;
    }
    const file = new BlockFile(path, {
      ...this.#options,
      connection: this.connection,
      cache: this.cache,
      inner: this.#inner,
      counters: this.counters,
      settled: () => this.committer.settled(),
    });
    try {
      await file.load();
      // A record without commits may be an old one, in the place of one that has some.
      if (file.state.map.version === 0) await this.#options.findLost(this.connection, path);
    } catch (cause) {
      file.close();
      throw cause;
    }
    if (!file.record && !create) return undefined;
    // Another opening of the same path may have come first while this one was reading.
    const first = this.#open.get(path);
    if (first) {
      file.close();
      first.users++;
      return first.file;
    }
    this.#open.set(path, { file, users: 1 });
    return file;
  }

  /** One more user of an open file. */
  retain(file: BlockFile): void {
    const open = this.#open.get(file.path);
    if (open?.file === file) open.users++;
  }

  /** One user fewer; the last one out drops the file from memory. */
  release(file: BlockFile): void {
    const open = this.#open.get(file.path);
    if (!open || open.file !== file) return;
    open.users--;
    if (open.users > 0) return;
    this.#open.delete(file.path);
    file.close();
  }

  /** True if open files are in memory as a whole. */
  get isResident(): boolean {
    return this.#options.resident !== undefined;
  }

  openFiles(): BlockFile[] {
    return [...this.#open.values()].map(({ file }) => file);
  }

  async exists(path: string): Promise<boolean> {
    if (this.#open.has(path)) return true;
    const stored = await this.connection.read(['files'], (r) => result(r.get('files', path)));
    return stored !== undefined;
  }

  /** Paths of all files, in order. */
  async list(): Promise<string[]> {
    const keys = await this.connection.read(['files'], (r) => result(r.getAllKeys('files')));
    return keys.filter((key) => typeof key === 'string' && key !== VOLUME_KEY) as string[];
  }

  /**
   * Deletes a file and everything of it in one idbTx of five requests, however large it is.
   * @returns false if there was none.
   * @throws BusyError if it is open here, or another context made it anew meanwhile.
   */
  async delete(path: string): Promise<boolean> {
    checkPath(path);
    if (this.#open.has(path)) {
      throw new BusyError(path, 'it is open in this context; close its connections first');
    }
    const stored = await this.connection.read(['files'], (r) => result(r.get('files', path)));
    if (stored === undefined) return false;
    const place = { volume: this.connection.name, store: 'files', key: path } as const;
    const record: FileRecord = unwrapRecord(decodeFile(stored, path), place);
    const all = everythingOf(record.file);
    const stores = ['files', 'segments', 'commits', 'maps'] as const;
    let deleted = true;
    await this.connection.write(stores, 'strict', (r) => {
      const request = r.get('files', path);
      request.onsuccess = () => {
        // Another file's record may be there by now: its commits would be left without one.
        const found = decodeFile(request.result, path);
        deleted = found.ok && found.value.file === record.file;
        if (!deleted) return;
        r.delete('files', path);
        for (const store of ['segments', 'commits', 'maps'] as const) r.delete(store, all);
      };
    });
    if (!deleted) throw new BusyError(path, 'another context deleted it meanwhile');
    return true;
  }

  /** Waits for what is acknowledged, then closes the connection. */
  async close(): Promise<void> {
    try {
      await this.committer.drained();
    } finally {
      await this.connection.close();
    }
  }
}

function checkPath(path: string): void {
  const { length } = new TextEncoder().encode(path);
  if (length === 0 || length > PATH_BYTES_MAX) {
    throw new OptionError('path', `1 … ${PATH_BYTES_MAX} bytes of UTF-8, not ${length}`);
  }
}
