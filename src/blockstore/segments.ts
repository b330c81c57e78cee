/**
 * Reads one file's segments: from the cache, or from IndexedDB in batches.
 *
 *   I7  Every block handed out matches its checksum.
 *   I8  A segment that is gone is damage, or a snapshot too old: never other bytes, never zeros.
 *   I9  One batch asks for at most BATCH_SEGMENTS_MAX segments.
 */
import { CorruptionError, InvariantError } from '../errors.js';
import { blockChecksum } from '../format/checksum.js';
import { segmentKey } from '../format/keys.js';
import type { BlockNumber, ChecksumAlgorithm, FileId, Version } from '../types.js';
import type { CachedSegment, FileSegments, InsertOptions, SegmentCache } from './cache.js';
import type { Connection } from './connection.js';
import { InnerBlocks, type InnerCache } from './inner-blocks.js';
import { segmentNumber } from './live.js';
import type { BlockMap } from './map.js';
import { type Requests, result } from './requests.js';

export const BATCH_SEGMENTS_MAX = 32;
/** Neighbouring segments fetched by one `getAll`: 240 KiB, where Chromium is quickest. */
const RUN_SEGMENTS_MAX = 4;

/** Where a block's bytes lie. */
export interface Place {
  readonly version: number;
  readonly part: number;
}

/** A file as its segments are addressed and checked. */
export interface SegmentOwner {
  readonly file: FileId;
  readonly algorithm: ChecksumAlgorithm;
}

/** Counts for `stats()`. */
export interface ReadCounters {
  cacheHits: number;
  cacheMisses: number;
  segmentsRead: number;
  bytesRead: number;
  /** Segments fetched before anybody asked for them, and those of them that were of use. */
  readAheadSegments: number;
  readAheadUsedSegments: number;
  checksumFailures: number;
}

export class SegmentReader {
  readonly cached: FileSegments = new Map();
  readonly #inFlight = new Map<number, Promise<CachedSegment | undefined>>();
  readonly #connection: Connection;
  readonly #cache: SegmentCache;
  readonly #counters: ReadCounters;
  readonly #owner: SegmentOwner;
  readonly #inner: InnerBlocks;
  readonly #onEvict = (segment: number, cached: CachedSegment): void =>
    this.#inner.rescue(segment, cached);

  constructor(deps: {
    connection: Connection;
    cache: SegmentCache;
    inner?: InnerCache | undefined;
    counters: ReadCounters;
    owner: SegmentOwner;
  }) {
    this.#connection = deps.connection;
    this.#cache = deps.cache;
    this.#counters = deps.counters;
    this.#owner = deps.owner;
    this.#inner = new InnerBlocks(deps.inner);
  }

  /** The segment that holds a written block, if it is in memory. */
  peek(map: BlockMap, block: number): CachedSegment | undefined {
    const part = Math.floor(map.slotOf(block) / map.blocksPerSegment);
    const cached = this.cached.get(segmentNumber(map.versionOf(block), part));
    if (cached) {
      cached.hot = true;
      this.#counters.cacheHits++;
    }
    return cached;
  }

  /** A block's bytes, checked; null if it was never written, undefined if it is not in memory. */
  bytesOf(map: BlockMap, block: number): Uint8Array | null | undefined {
    const version = map.versionOf(block);
    if (version === 0) return null;
    const slotIndex = map.slotOf(block);
    const part = Math.floor(slotIndex / map.blocksPerSegment);
    const slot = slotIndex - part * map.blocksPerSegment;
    const segment = segmentNumber(version, part);
    const cached = this.cached.get(segment);
    if (!cached) {
      const inner = this.#inner.get(segment, slot);
      if (inner) this.#counters.cacheHits++;
      return inner;
    }
    cached.hot = true;
    this.#counters.cacheHits++;
    return cached.views[slot] ?? this.blockOf(map, block, cached);
  }

  /**
   * A written block's bytes that nobody has asked for: it counts as no hit, and is not there if it is
   * damaged. Who asks for it is told.
   */
  glance(map: BlockMap, block: number): Uint8Array | undefined {
    const { version, part } = placeOf(map, block);
    const number = segmentNumber(version, part);
    const segment = this.cached.get(number);
    if (!segment) return this.#inner.get(number, map.slotOf(block) % map.blocksPerSegment);
    try {
      return this.blockOf(map, block, segment);
    } catch (cause) {
      if (cause instanceof CorruptionError) return undefined;
      throw cause;
    }
  }

  /** A written block's bytes inside its segment, checked. */
  blockOf(map: BlockMap, block: number, segment: CachedSegment): Uint8Array {
    if (segment.ahead) {
      segment.ahead = false;
      this.#counters.readAheadUsedSegments++;
    }
    const slot = map.slotOf(block) % map.blocksPerSegment;
    const start = slot * map.blockSize;
    const bytes = segment.bytes.subarray(start, start + map.blockSize);
    if (segment.verified[slot] === 1) {
      segment.views[slot] = bytes;
      return bytes;
    }
    const version = map.versionOf(block) as Version;
    const id = { file: this.#owner.file, block: block as BlockNumber, version };
    const expected = map.checksumOf(block);
    if (bytes.byteLength !== map.blockSize) {
      this.#counters.checksumFailures++;
      throw this.#corruption(map, block, 'a truncated segment');
    }
    const actual = blockChecksum(this.#owner.algorithm, id, bytes);
    if (actual !== expected) {
      this.#counters.checksumFailures++;
      throw this.#corruption(map, block, 'a block whose checksum is wrong', { expected, actual });
    }
    segment.verified[slot] = 1;
    segment.views[slot] = bytes;
    return bytes;
  }

  /**
   * Fetches the segment of `block`, and those of `ahead` with it. Resolves to undefined if the
   * store does not have it.
   */
  async fetch(
    map: BlockMap,
    block: number,
    ahead: readonly Place[],
  ): Promise<CachedSegment | undefined> {
    this.#counters.cacheMisses++;
    const wanted = placeOf(map, block);
    const segment = segmentNumber(wanted.version, wanted.part);
    // What was asked for ahead and is not here yet still wants the next window to follow it.
    const places = this.has(wanted) ? ahead : [wanted, ...ahead];
    this.#start(places, { slots: map.blocksPerSegment, asked: segment });
    return await this.#inFlight.get(segment);
  }

  /** Fetches one segment by its place, e.g. a spilled one that no map lists yet. */
  async fetchPlace(place: Place, slots: number): Promise<CachedSegment | undefined> {
    const segment = segmentNumber(place.version, place.part);
    this.#start([place], { slots, asked: segment });
    return await this.#inFlight.get(segment);
  }

  /** Starts fetching without waiting. Failures surface when the block is asked for. */
  prefetch(map: BlockMap, places: readonly Place[]): void {
    this.#start(places, { slots: map.blocksPerSegment });
  }

  /** A segment of our own making. `verified`: its checksums were just computed from these bytes. */
  insertOwn(
    version: number,
    part: number,
    bytes: Uint8Array<ArrayBuffer>,
    options: { readonly slots: number; readonly pinned?: boolean },
  ): CachedSegment {
    const cached = this.#insert(segmentNumber(version, part), bytes, options);
    cached.verified.fill(1);
    return cached;
  }

  /** Forgets segments `0 … endPart − 1` of a version that will not be committed. */
  forget(version: number, endPart: number): void {
    for (let part = 0; part < endPart; part++) {
      this.drop(segmentNumber(version, part));
    }
  }

  /** Forgets one segment. */
  drop(segment: number): void {
    this.#cache.remove(this.cached, segment);
    this.#inner.drop(segment);
  }

  /** Forgets the segments of every version above `version`. */
  forgetAbove(version: number): void {
    const first = segmentNumber(version + 1, 0);
    for (const segment of [...this.cached.keys()]) if (segment >= first) this.drop(segment);
    this.#inner.dropFrom(first);
  }

  clear(): void {
    this.#cache.clear(this.cached);
    this.#inner.clear();
  }

  has(place: Place): boolean {
    const segment = segmentNumber(place.version, place.part);
    return this.cached.has(segment) || this.#inFlight.has(segment);
  }

  /** The error for a block whose segment the store does not have. */
  missing(map: BlockMap, block: number): CorruptionError {
    return this.#corruption(map, block, 'a missing segment');
  }

  #corruption(
    map: BlockMap,
    block: number,
    what: string,
    checksums?: { expected: number; actual: number },
  ): CorruptionError {
    const { version, part } = placeOf(map, block);
    const key = segmentKey(this.#owner.file, version as Version, part);
    const location = { volume: this.#connection.name, store: 'segments', key, version } as const;
    return new CorruptionError(location, `${what} (page ${block + 1})`, checksums);
  }

  /** `asked`: the segment that somebody waits for; the others come along. */
  #start(
    places: readonly Place[],
    { slots, asked }: { readonly slots: number; readonly asked?: number },
  ): void {
    const wanted = places.slice(0, BATCH_SEGMENTS_MAX).filter((place) => !this.has(place));
    if (wanted.length === 0) return;
    const batch = this.#connection.read(['segments'], (r) =>
      Promise.all(runsOf(wanted).map((run) => this.#request(r, run))),
    );
    for (const place of wanted) {
      const segment = segmentNumber(place.version, place.part);
      const arrival = batch.then((runs) => {
        const value = runs.find((run) => run.has(segment))?.get(segment);
        return value && this.install(segment, value, { slots, ahead: segment !== asked });
      });
      const tracked = arrival.finally(() => this.#inFlight.delete(segment));
      tracked.catch(() => undefined);
      this.#inFlight.set(segment, tracked);
    }
  }

  /** A segment as the store has it: each block is checked when it is first read. */
  install(
    segment: number,
    bytes: Uint8Array<ArrayBuffer>,
    options: { readonly slots: number; readonly ahead?: boolean },
  ): CachedSegment {
    this.#counters.segmentsRead++;
    if (options.ahead) this.#counters.readAheadSegments++;
    this.#counters.bytesRead += bytes.byteLength;
    return this.#insert(segment, bytes, options);
  }

  #insert(segment: number, bytes: Uint8Array<ArrayBuffer>, options: InsertOptions): CachedSegment {
    this.#inner.drop(segment);
    return this.#cache.insert(this.cached, segment, bytes, { ...options, onEvict: this.#onEvict });
  }

  /** One request for a run of neighbouring segments. */
  async #request(
    r: Requests,
    run: readonly Place[],
  ): Promise<Map<number, Uint8Array<ArrayBuffer>>> {
    const { file } = this.#owner;
    const [first] = run;
    const last = run.at(-1);
    if (!first || !last) throw new InvariantError('a run of no segments');
    const lower = segmentKey(file, first.version as Version, first.part);
    const values =
      run.length === 1
        ? [await result(r.get('segments', lower))]
        : await result(
            r.getAll('segments', [lower, segmentKey(file, last.version as Version, last.part)]),
          );
    const found = new Map<number, Uint8Array<ArrayBuffer>>();
    // A run with a gap does not tell which record is missing: its blocks are then asked for singly.
    if (values.length !== run.length) {
      for (const single of await Promise.all(run.map((place) => this.#request(r, [place])))) {
        for (const [segment, bytes] of single) found.set(segment, bytes);
      }
      return found;
    }
    run.forEach((place, i) => {
      const value = values[i];
      if (value instanceof ArrayBuffer) {
        found.set(segmentNumber(place.version, place.part), new Uint8Array(value));
      }
    });
    return found;
  }
}

export function placeOf(map: BlockMap, block: number): Place {
  return {
    version: map.versionOf(block),
    part: Math.floor(map.slotOf(block) / map.blocksPerSegment),
  };
}

/** Splits into runs of neighbouring parts of one version. */
function runsOf(places: readonly Place[]): Place[][] {
  const sorted = [...places].sort((a, b) => a.version - b.version || a.part - b.part);
  const runs: Place[][] = [];
  for (const place of sorted) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const follows = last && last.version === place.version && last.part + 1 === place.part;
    if (run && follows && run.length < RUN_SEGMENTS_MAX) run.push(place);
    else runs.push([place]);
  }
  return runs;
}
