/**
 * A small language for tests that use the block store without SQLite: open, commit, read.
 *
 * It does what the VFS does at SQLite's commit points, through the same Staging, Draft and Committer.
 */

import type { BlockFile } from '../../src/blockstore/file.js';
import type { BlockMap } from '../../src/blockstore/map.js';
import { ReadAhead } from '../../src/blockstore/readahead.js';
import type { OnDamage } from '../../src/blockstore/recovered.js';
import type { ResidenceOptions } from '../../src/blockstore/residence.js';
import { Volume } from '../../src/blockstore/volume.js';
import type { Nonce } from '../../src/format/commit.js';
import type { Defect } from '../../src/recovery/defect.js';
import { apply, findLost, recover } from '../../src/recovery/recover.js';
import { type VerifyReport, verifyBlocks, verifyRecords } from '../../src/recovery/verify.js';
import type { Timer } from '../../src/timer.js';
import type { ChecksumAlgorithm, Durability, Version } from '../../src/types.js';
import { Staging } from '../../src/vfs/staging.js';
import { View } from '../../src/vfs/view.js';
import { AT_ONCE, type WriteBehindOptions } from './write-behind.ts';

export const VOLUME = 'volume';
/** The smallest block: contents are compared in units of it, whatever a file's block size. */
export const UNIT_BYTES = 512;
/** Bytes of unsent segments from which on a sqliteTx spills: two full segments, 240 units. */
export const SPILL_BYTES = 122_880;
const CACHE_BYTES = 4 * 1024 * 1024;

/** What one sqliteTx does to one file. */
export interface Change {
  readonly path: string;
  /** Block → the mark that fills it. */
  readonly writes: ReadonlyMap<number, number>;
  /** Units that are left, if the file is truncated; before the writes. */
  readonly truncateTo?: number;
  /** The size of the blocks written. Default that of the file, or one unit for a new file. */
  readonly blockBytes?: number;
}

/** A pinned version of a file. */
export interface Snapshot {
  read(): Promise<Content>;
  release(): void;
}

/** A file as it was read: the mark of each unit, undefined for zeros. */
export interface Content {
  readonly version: number;
  readonly blockBytes: number;
  readonly marks: readonly (number | undefined)[];
}

export interface StoreOptions {
  readonly factory: IDBFactory;
  readonly paths: readonly string[];
  /** Whether it acts as the holder of the writer lock. Default true. */
  readonly exclusive?: boolean;
  /** Bytes of segments in memory. Default 4 MiB. */
  readonly cacheBytes?: number;
  /** What is kept of segments that make room. Default: nothing. */
  readonly isInner?: (block: Uint8Array) => boolean;
  /** Unsent bytes above which full segments are spilled. Default {@link SPILL_BYTES}. */
  readonly spillBytes?: number;
  /** Makes nonces differ between contexts. Default 1. */
  readonly context?: number;
  readonly now?: () => number;
  /** Of files it creates. Default xxhash32. */
  readonly checksum?: ChecksumAlgorithm;
  /** Default: short waits pass at once, limits never. */
  readonly timer?: Timer;
  /** Called when the idbTx of a commit is complete, once for each of its files. */
  readonly onCommit?: (path: string, version: number, durationMs: number) => void;
  readonly onDamage?: OnDamage;
  /** Called when the connection was lost, and when there is another. */
  readonly onConnection?: (what: 'lost' | 'healed') => void;
  /** Keeps its files whole in memory. */
  readonly resident?: ResidenceOptions;
  /** How deferred commits wait. Default {@link AT_ONCE}, as for what is left out. */
  readonly writeBehind?: Partial<WriteBehindOptions>;
}

export class Store {
  readonly volume: Volume;
  readonly files: ReadonlyMap<string, BlockFile>;
  readonly losses: Error[];
  readonly #options: StoreOptions;
  #nonces = 0;

  private constructor(
    volume: Volume,
    files: ReadonlyMap<string, BlockFile>,
    rest: { readonly options: StoreOptions; readonly losses: Error[] },
  ) {
    this.volume = volume;
    this.files = files;
    this.losses = rest.losses;
    this.#options = rest.options;
  }

  /** Opens the volume and its files, and recovers them as the holder of the writer lock does. */
  static async open(options: StoreOptions): Promise<Store> {
    const losses: Error[] = [];
    const now = options.now ?? (() => 1_000_000);
    const volume = await Volume.open({
      name: VOLUME,
      factory: options.factory,
      cacheBytes: options.cacheBytes ?? CACHE_BYTES,
      ...(options.isInner && { isInner: options.isInner }),
      now,
      requestTimeoutMs: 30_000,
      timer: options.timer ?? shortWaits,
      recover,
      findLost,
      onDamage: options.onDamage ?? 'fall-back',
      ...AT_ONCE,
      ...options.writeBehind,
      resident: options.resident,
      onLost: () => options.onConnection?.('lost'),
      onHealed: () => options.onConnection?.('healed'),
      onLoss: (error) => losses.push(error),
      onCommit: ({ file, record }, durationMs) =>
        options.onCommit?.(file.path, record.version, durationMs),
    });
    const files = new Map<string, BlockFile>();
    for (const path of options.paths) {
      const file = await volume.acquire(path, true);
      if (!file) throw new Error(`${path} was not made`);
      files.set(path, file);
      if (options.exclusive ?? true) await takeOver(file);
    }
    return new Store(volume, files, { options, losses });
  }

  /** One sqliteTx. `atTheEnd` runs before its commit, when all it spilled is in the store. */
  async commit(
    changes: readonly Change[],
    durability: Durability,
    atTheEnd?: () => Promise<void>,
  ): Promise<void> {
    await this.#staged(changes, async (stagings) => {
      const drafts = [];
      for (const { file, staging } of stagings) {
        await staging.finish();
        drafts.push({ file, draft: staging.draft });
      }
      await atTheEnd?.();
      await this.volume.committer.commit(drafts, durability);
    });
  }

  /** One sqliteTx that is rolled back: `late` when all it spilled is in the store. */
  async rollBack(changes: readonly Change[], when: 'early' | 'late'): Promise<void> {
    await this.#staged(changes, async (stagings) => {
      for (const { staging } of stagings) {
        if (when === 'late') await staging.finish();
        staging.discard();
      }
    });
  }

  async #staged(
    changes: readonly Change[],
    finish: (stagings: readonly { file: BlockFile; staging: Staging }[]) => Promise<void>,
  ): Promise<void> {
    for (const { path } of changes) await this.#share(path);
    const stagings = changes.map((change) => {
      const file = this.file(change.path);
      const base = file.pin();
      return { file, base, change, staging: this.#staging(file, base) };
    });
    try {
      for (const { change, staging } of stagings) await write(staging, change);
      await finish(stagings);
    } catch (error) {
      for (const { staging } of stagings) staging.discard();
      throw error;
    } finally {
      for (const { file, base } of stagings) file.unpin(base);
    }
  }

  /** What the VFS does before a snapshot is pinned. */
  async #share(path: string): Promise<void> {
    const file = this.file(path);
    if (!file.exclusive || file.suspect) await file.refresh();
  }

  #staging(file: BlockFile, base: BlockMap): Staging {
    return new Staging(file, base, {
      readAhead: new ReadAhead(CACHE_BYTES),
      options: {
        spillBytes: this.#options.spillBytes ?? SPILL_BYTES,
        checksum: this.#options.checksum ?? 'xxhash32',
        nonce: () => this.#nonce(),
      },
      playedBack: () => undefined,
      landed: () => this.volume.committer.drained(),
    });
  }

  #nonce(): Nonce {
    this.#nonces++;
    return [this.#options.context ?? 1, this.#nonces];
  }

  file(path: string): BlockFile {
    const file = this.files.get(path);
    if (!file) throw new Error(`${path} is not open`);
    return file;
  }

  /** Reads every block and checks that each unit is filled with one mark. */
  async read(path: string): Promise<Content> {
    const snapshot = await this.pin(path);
    try {
      return await snapshot.read();
    } finally {
      snapshot.release();
    }
  }

  /** Pins the newest version, as a connection does that begins to read. */
  async pin(path: string): Promise<Snapshot> {
    await this.#share(path);
    const file = this.file(path);
    const map = file.pin();
    return { read: () => readAt(file, map), release: () => file.unpin(map) };
  }

  /** Drops everything of the file from the cache: what is read next comes from IndexedDB. */
  forgetCached(path: string): void {
    this.file(path).reader.clear();
  }

  /** What `verify` says of a file; of one that does not exist, nothing. */
  async verify(path: string): Promise<readonly Defect[]> {
    if (!this.file(path).record) return [];
    const records = await verifyRecords(this.volume.connection, path, { repair: false });
    if (records.defects.length > 0) return records.defects;
    return (await this.verifyBlocks(path)).defects;
  }

  /** The part of `verify` that looks at segments. */
  verifyBlocks(path: string): Promise<VerifyReport> {
    return verifyBlocks(this.file(path), { repair: false });
  }

  close(): Promise<void> {
    return this.volume.close();
  }
}

async function readAt(file: BlockFile, map: BlockMap): Promise<Content> {
  const view = new View(file, new ReadAhead(CACHE_BYTES), map, undefined);
  const marks: (number | undefined)[] = [];
  for (let block = 0; block < map.blockCount; block++) {
    const bytes = view.peek(block) ?? (await view.load(block));
    const units = Math.min(map.blockSize, map.fileBytes - block * map.blockSize) / UNIT_BYTES;
    for (let unit = 0; unit < units; unit++) {
      marks.push(bytes ? markOf(bytes, unit, `${file.path} block ${block}`) : undefined);
    }
  }
  // The block size of a file without commits is a default that says nothing.
  const blockBytes = map.version === 0 ? UNIT_BYTES : map.blockSize;
  return { version: map.version, blockBytes, marks };
}

function shortWaits(ms: number, callback: () => void): () => void {
  if (ms < 1000) queueMicrotask(callback);
  return () => undefined;
}

/** What the VFS does when it gets the writer lock. */
async function takeOver(file: BlockFile): Promise<void> {
  file.cleanAbove = true;
  file.exclusive = true;
  if (!file.recovery?.pendingAbove || !file.record) return;
  await apply(file.connection, file.file, file.state.map.version as Version);
}

async function write(staging: Staging, change: Change): Promise<void> {
  if (change.truncateTo !== undefined) staging.truncate(change.truncateTo * UNIT_BYTES);
  const { base } = staging.draft;
  const size = change.blockBytes ?? (base.version === 0 ? UNIT_BYTES : base.blockSize);
  const bytes = new Uint32Array(size / 4);
  for (const [block, mark] of change.writes) {
    bytes.fill(mark);
    await staging.write(new Uint8Array(bytes.buffer), block * size);
  }
}

/** The mark of one unit; undefined for zeros, which no mark is. */
function markOf(bytes: Uint8Array, unit: number, what: string): number | undefined {
  const start = bytes.byteOffset + unit * UNIT_BYTES;
  const words =
    start % 4 === 0
      ? new Uint32Array(bytes.buffer, start, UNIT_BYTES / 4)
      : new Uint32Array(bytes.slice(unit * UNIT_BYTES, (unit + 1) * UNIT_BYTES).buffer);
  const mark = words[0];
  for (const word of words) if (word !== mark) throw new Error(`${what} is torn`);
  return mark === 0 ? undefined : mark;
}
