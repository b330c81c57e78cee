/**
 * One file of a volume: its newest state, its snapshots, and how it catches up with other contexts.
 *
 *   I1  State moves forward only by commits read from the store or completed by us.
 *   I6  What was fallen back to on opening stays a view until a commit puts it in the store. A file
 *       that is open is never set back: its statements fail instead.
 *   I8  A pinned map is never changed; the oldest one, and what other contexts have pinned, bound what a
 *       checkpoint may reclaim.
 *
 *   absent ──create──▶ new ──first commit──▶ born
 */
import { assert, BusyError, CorruptionError, fromDomException } from '../errors.js';
import type { CommitRecord } from '../format/commit.js';
import { decodeFile, type FileRecord } from '../format/files.js';
import { commitsFrom, everythingOf } from '../format/keys.js';
import type { BlockSize, ChecksumAlgorithm, FileId, Version } from '../types.js';
import type { SegmentCache } from './cache.js';
import { Compactor } from './compactor.js';
import type { Connection } from './connection.js';
import { createRecord } from './create.js';
import { unwrapRecord } from './evidence.js';
import type { InnerCache } from './inner-blocks.js';
import { BlockMap } from './map.js';
import { changesOf, decodeStored, follow, isMarkerOf, type StoredCommit } from './newer.js';
import type { FallBack, OnDamage, Recover, Recovered } from './recovered.js';
import { result } from './requests.js';
import { Residence, type ResidenceOptions } from './residence.js';
import { type ReadCounters, SegmentReader } from './segments.js';
import { FileState } from './state.js';
import { type News, Told } from './told.js';

const BLOCK_SIZE_DEFAULT = 4096 as BlockSize;
/** Times a resident file is read anew because another context reclaimed what was to be fetched. */
const RELOADS_MAX = 3;

export type OnReload = (path: string) => (() => void) | undefined;

export interface FileDeps {
  readonly connection: Connection;
  readonly cache: SegmentCache;
  readonly inner?: InnerCache | undefined;
  readonly counters: ReadCounters;
  readonly recover: Recover;
  /** Default `'fall-back'`. */
  readonly onDamage?: OnDamage | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Keeps the files whole in memory. */
  readonly resident?: ResidenceOptions | undefined;
  /** The file has a newer version in the store, and it is in force here. */
  readonly onNews?: ((file: BlockFile, news: News) => void) | undefined;
  /** It is read anew as a whole; what is returned is called when that is over. */
  readonly onReload?: OnReload | undefined;
  /** Resolves when what waits to land has landed or is known to be lost. */
  readonly settled: () => Promise<void>;
}

/** What a file has to do with the other contexts that have it open. */
export interface Elsewhere {
  /** No snapshot there is older, as far as that is known for certain. */
  readonly pinnedMin: number;
  /** Snapshots there, at the least, and the oldest version that is kept for them, or Infinity. */
  readonly others: { readonly count: number; readonly oldest: number };
  /** A commit of this context is complete. */
  committed(version: Version): void;
}

export class BlockFile {
  readonly path: string;
  record: FileRecord | undefined;
  /** What the last recovery of this file found. */
  recovery: Omit<Recovered, 'state' | 'commits'> | undefined;
  /** What was given up on opening, until a commit makes that so. */
  fellBack: FallBack | undefined;
  state: FileState;
  /** True while this context holds the writer lock: nobody else can commit politely. */
  exclusive = false;
  /** What lies above the marker must be deleted before anything is written there. */
  cleanAbove = false;
  /** When the state was last known to be the store's newest, ms since 1970. */
  validatedAtMs = 0;
  /** The state may not be the store's: it is read again before it is used. */
  suspect = false;
  /** The rollback of a spilled sqliteTx, while it is under way. */
  settling: Promise<void> = Promise.resolve();
  /** Counts losses of acknowledged deferred commits; each connection reports each once. */
  lossCount = 0;
  lastLoss: Error | undefined;
  /** Undefined where contexts cannot know of each other. */
  elsewhere: Elsewhere | undefined;
  readonly compactor: Compactor = new Compactor(this);
  readonly #deps: FileDeps;
  readonly #pinned: Set<BlockMap> = new Set();
  readonly #told: Told;
  readonly #residence: Residence | undefined;
  #reader: SegmentReader | undefined;
  /** The newest version known to be in the store. */
  #landed: Version = 0 as Version;
  /** The state is of commits that were lost, and is read again. */
  #isLost = false;

  constructor(path: string, deps: FileDeps) {
    this.path = path;
    this.#deps = deps;
    const { connection, cache, resident, onNews } = deps;
    this.#told = new Told((news) => onNews?.(this, news));
    this.#residence = resident && new Residence({ ...resident, path, connection, cache });
    this.state = emptyState();
  }

  get connection(): Connection {
    return this.#deps.connection;
  }

  get file(): FileId {
    assert(this.record !== undefined, 'a file with blocks has an id');
    return this.record.file;
  }

  get algorithm(): ChecksumAlgorithm {
    assert(this.record !== undefined, 'a file with blocks has a checksum algorithm');
    return this.record.algorithm;
  }

  get reader(): SegmentReader {
    assert(this.#reader !== undefined, 'a file with blocks has a reader');
    return this.#reader;
  }

  /** Oldest version a snapshot holds, or Infinity. */
  get pinnedMin(): number {
    let min = Number.POSITIVE_INFINITY;
    for (const map of this.#pinned) min = Math.min(min, map.version);
    return min;
  }

  /** True if its segments are all in memory: a snapshot fetches nothing. */
  get isResident(): boolean {
    return this.#residence !== undefined;
  }

  get pinnedCount(): number {
    return this.#pinned.size;
  }

  pin(): BlockMap {
    const { map } = this.state;
    map.pins++;
    this.#pinned.add(map);
    return map;
  }

  unpin(map: BlockMap): void {
    map.pins--;
    if (map.pins > 0) return;
    this.#pinned.delete(map);
    this.tidy();
  }

  /** Lets go of what is resident and no longer needed, after a commit or a snapshot's end. */
  tidy(): void {
    if (this.#reader) this.#residence?.sweep(this.#reader, this.pinnedMin);
  }

  /** I1: the state is of commits that wait to land; what the store has would take it back. */
  get #isAhead(): boolean {
    return this.state.map.version > this.#landed && !this.#isLost;
  }

  /** Reads the file's record and recovers its state. Leaves an absent file absent. */
  async load(): Promise<void> {
    const { connection } = this.#deps;
    const known = this.record;
    const [stored, ownCommit] = await connection.read(['files', 'commits'], (r) =>
      Promise.all([
        result(r.get('files', this.path)),
        known && result(r.getKey('commits', everythingOf(known.file))),
      ]),
    );
    const place = { volume: connection.name, store: 'files', key: this.path } as const;
    if (stored === undefined) {
      // Who deletes a file deletes its commits with it.
      if (ownCommit !== undefined) throw new CorruptionError(place, 'a missing record');
      if (this.#isAhead) return await this.refresh();
      this.#identify(undefined);
      this.fellBack = undefined;
      this.#adopt(emptyState());
      this.validatedAtMs = this.#deps.now();
      this.#told.reached(this.state.map, []);
      return;
    }
    this.#identify(unwrapRecord(decodeFile(stored, this.path), place));
    await this.reload();
  }

  async #loadAnew(): Promise<void> {
    const loaded = this.#deps.onReload?.(this.path);
    try {
      await this.load();
    } finally {
      loaded?.();
    }
  }

  /** Recovers the state anew from the store. */
  async reload(): Promise<void> {
    const { record } = this;
    if (!record) return;
    const recovered = await this.#recover(record);
    // A commit was acknowledged meanwhile.
    if (this.#isAhead) return await this.refresh();
    const { state, commits, ...found } = recovered;
    const { pendingAbove, fellBack } = found;
    this.recovery = found;
    this.fellBack = fellBack;
    this.#adopt(state);
    if (pendingAbove) this.cleanAbove = true;
    if (!record.born && state.map.version > 0) this.record = { ...record, born: true };
    this.validatedAtMs = this.#deps.now();
    this.#told.reached(state.map, commits);
  }

  /** What the store has; a resident file's segments are in memory before its state is in force. */
  async #recover(record: FileRecord): Promise<Recovered> {
    for (let attempt = 1; ; attempt++) {
      const recovered = await this.#deps.recover(this.#deps.connection, record);
      const { fellBack } = recovered;
      if (fellBack && !this.#mayFallBack(fellBack)) throw fellBack.defects[0];
      const { reader } = this;
      const { map } = recovered.state;
      const missing = await this.#residence?.bringIn(record.file, reader, map);
      if (missing === undefined) return recovered;
      if (attempt === RELOADS_MAX) throw reader.missing(map, missing);
    }
  }

  #mayFallBack({ from }: FallBack): boolean {
    if (this.#deps.onDamage === 'refuse') return false;
    return this.recovery === undefined || this.fellBack?.from === from;
  }

  /** Commit records from a version up, as they are while nobody else has committed on `base`. */
  fenceOf(base: Version): { readonly from: Version; readonly count: number } {
    const { fellBack } = this;
    if (fellBack?.from === base) {
      return { from: fellBack.marker.version, count: fellBack.recordCount };
    }
    return { from: base, count: base === 0 ? 0 : 1 };
  }

  #adopt(state: FileState): void {
    state.map.lineage = this.lossCount;
    this.state = state;
    this.#landed = state.map.version;
    this.#isLost = false;
    this.suspect = false;
    if (!this.#residence) return;
    this.#residence.follow(state);
    if (this.#reader) this.#residence.keepOnly(this.#reader, state.map, this.#pinned);
  }

  /** Throws the loss if `map` descends from a commit that was acknowledged and then lost. */
  assertNotLost(map: BlockMap): void {
    if (map.lineage === this.lossCount) return;
    throw this.lastLoss ?? new BusyError(this.path, 'acknowledged commits were lost');
  }

  /** The connection was lost: who knows what became of the store. */
  distrust(): void {
    this.suspect = true;
    this.validatedAtMs = 0;
  }

  /** Applies what other contexts committed since. One request when there is nothing. */
  async refresh(): Promise<void> {
    while (this.#isAhead) await this.#deps.settled();
    if (!this.record) return await this.load();
    if (this.suspect) return await this.#loadAnew();
    const { map } = this.state;
    const { version } = map;
    // Our own marker is asked for too: a file that was deleted, or deleted and made anew, lacks it.
    const bounds = commitsFrom(this.record.file, map.version);
    const stored = await this.#deps.connection.read(['commits'], (r) =>
      result(r.getAll('commits', bounds)),
    );
    const now = this.#deps.now();
    // A commit of ours or another refresh came in between: what is newer now is asked for again.
    const isOvertaken = () => this.state.map !== map || map.version !== version;
    if (this.#isAhead || isOvertaken()) return await this.refresh();
    const [marker, ...newer] = stored.map((value) => decodeStored(value, this.file));
    if (!isMarkerOf(this.state, marker)) return await this.#loadAnew();
    if (this.#residence && newer.length > 0) {
      if (!(await this.#bringNewer(this.#residence, newer))) return await this.#loadAnew();
      if (isOvertaken()) return await this.refresh();
    }
    if (!newer.every((found) => this.#follow(found))) return await this.#loadAnew();
    this.tidy();
    this.validatedAtMs = now;
    const commits = newer.flatMap((found) => found?.commit ?? []);
    this.#told.reached(this.state.map, commits);
  }

  /** False if the newer commits cannot be followed, or the store lacks what they have written. */
  async #bringNewer(
    residence: Residence,
    newer: readonly (StoredCommit | undefined)[],
  ): Promise<boolean> {
    const changes = changesOf(newer, this.state.map.version);
    if (!changes) return false;
    return await residence.bringNewer(this.file, this.reader, this.state.map, changes);
  }

  /** False if the commit cannot be applied to the map in memory. */
  #follow(found: StoredCommit | undefined): boolean {
    if (!found || !follow(this.state, found)) return false;
    this.#landed = found.commit.version;
    return true;
  }

  /**
   * Gives the file an id, in an idbTx of its own, before its first segment is written.
   * @throws BusyError if another context created it meanwhile.
   */
  async create(algorithm: ChecksumAlgorithm): Promise<void> {
    try {
      const { connection, now } = this.#deps;
      this.#identify(await createRecord({ connection, now, path: this.path, algorithm }));
    } catch (cause) {
      // It may have landed all the same: the store is asked before anything is built on it.
      this.distrust();
      throw fromDomException(cause, this.#deps.connection.name, 'creating a file');
    }
  }

  /** A commit of ours is in the store. */
  committed(commit: CommitRecord, durationMs: number): void {
    this.validatedAtMs = this.#deps.now();
    this.#landed = commit.version;
    this.cleanAbove = false;
    if (this.fellBack && commit.version > this.fellBack.from) this.fellBack = undefined;
    if (this.record && !this.record.born) {
      this.record = { ...this.record, born: true };
    }
    this.elsewhere?.committed(commit.version);
    this.#told.own(commit, durationMs);
    this.compactor.committed();
  }

  /** Acknowledged commits that were deferred did not land. */
  async lose(error: Error): Promise<void> {
    this.lossCount++;
    this.lastLoss = error;
    this.#isLost = true;
    if (this.#residence) {
      // What was superseded by a version that is lost is live again.
      this.#residence.forgetDead();
      this.#reader?.forgetAbove(this.#landed);
    } else {
      this.#reader?.clear();
    }
    this.distrust();
    await this.#loadAnew();
  }

  #identify(record: FileRecord | undefined): void {
    const { connection, cache, inner, counters } = this.#deps;
    if (record?.file !== this.record?.file) {
      this.#told.replaced();
      this.#reader?.clear();
      const deps = { connection, cache, inner, counters };
      this.#reader = record && new SegmentReader({ ...deps, owner: record });
    }
    this.record = record;
  }

  /** Drops the file's segments from the cache. */
  close(): void {
    this.#reader?.clear();
  }
}

function emptyState(): FileState {
  const at = { version: 0 as Version, blockSize: BLOCK_SIZE_DEFAULT, fileBytes: 0 };
  return new FileState(new BlockMap(at));
}
