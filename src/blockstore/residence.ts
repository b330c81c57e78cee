/**
 * Keeps a whole file in memory: all segments that its newest version or a pinned snapshot lists.
 *
 *   I8  A segment leaves memory when no map in use lists it.
 *   I9  What is resident stays within bytesMax, for all files of a volume; a file that would not
 *       fit is refused before it is fetched.
 */
import { MemoryLimitError } from '../errors.js';
import type { FileId } from '../types.js';
import { fetchSegments, type SegmentBytes } from './bulk.js';
import type { SegmentCache } from './cache.js';
import type { Connection } from './connection.js';
import { segmentNumber } from './live.js';
import type { BlockMap, MapChange } from './map.js';
import type { SegmentReader } from './segments.js';
import type { FileState } from './state.js';

export interface ResidenceOptions {
  /** Bytes that the segments of all resident files may take. */
  readonly bytesMax: number;
  readonly onProgress: (progress: {
    readonly path: string;
    readonly loadedBytes: number;
    readonly totalBytes: number;
  }) => void;
}

export interface ResidenceDeps extends ResidenceOptions {
  readonly path: string;
  readonly connection: Connection;
  readonly cache: SegmentCache;
}

interface Dead {
  readonly segment: number;
  readonly by: number;
}

export class Residence {
  readonly #deps: ResidenceDeps;
  /** Superseded segments that a snapshot may still need. */
  #dead: Dead[] = [];

  constructor(deps: ResidenceDeps) {
    this.#deps = deps;
  }

  /**
   * Fetches every segment that `map` lists and memory lacks.
   * @returns a block whose segment the store does not have, or undefined.
   * @throws MemoryLimitError before anything is fetched, if it would not fit.
   */
  async bringIn(file: FileId, reader: SegmentReader, map: BlockMap): Promise<number | undefined> {
    const blocksOf = new Map<number, number>();
    map.forEachBlock((segment) => {
      if (!reader.cached.has(segment)) blocksOf.set(segment, (blocksOf.get(segment) ?? 0) + 1);
    });
    let totalBytes = 0;
    for (const blocks of blocksOf.values()) totalBytes += blocks * map.blockSize;
    this.#assertFits(totalBytes);
    const { path, onProgress } = this.#deps;
    let loadedBytes = 0;
    const missing = await this.#fetch(file, reader, map, [...blocksOf.keys()], (bytes) => {
      loadedBytes += bytes;
      totalBytes = Math.max(totalBytes, loadedBytes);
      onProgress({ path, loadedBytes, totalBytes });
    });
    return missing.length === 0 ? undefined : blockIn(map, new Set(missing));
  }

  /**
   * Fetches what commits that follow on `map` have written and still list after the last one.
   * @returns false if the store lacks one of them: a later commit has superseded it.
   */
  async bringNewer(
    file: FileId,
    reader: SegmentReader,
    map: BlockMap,
    changes: readonly MapChange[],
  ): Promise<boolean> {
    const next = map.successor();
    const blocksOf = new Map<number, number>();
    for (const change of changes) {
      const { placed, displaced } = next.apply(change, true);
      for (const segment of placed) blocksOf.set(segment, (blocksOf.get(segment) ?? 0) + 1);
      for (const segment of displaced) {
        const blocks = blocksOf.get(segment);
        if (blocks !== undefined) blocksOf.set(segment, blocks - 1);
      }
    }
    const wanted = [...blocksOf.keys()].filter(
      (segment) => blocksOf.get(segment) !== 0 && !reader.cached.has(segment),
    );
    return (await this.#fetch(file, reader, next, wanted, () => undefined)).length === 0;
  }

  async #fetch(
    file: FileId,
    reader: SegmentReader,
    map: BlockMap,
    wanted: number[],
    onBytes: (bytes: number) => void,
  ): Promise<number[]> {
    const { connection } = this.#deps;
    const slots = map.blocksPerSegment;
    let over = false;
    const arrived = (segment: number, bytes: SegmentBytes) => {
      // After a failure what was asked for besides still comes, and nobody wants it.
      if (over || reader.cached.has(segment)) return;
      this.#assertFits(bytes.byteLength);
      reader.install(segment, bytes, { slots });
      onBytes(bytes.byteLength);
    };
    wanted.sort((a, b) => a - b);
    try {
      return await fetchSegments({ connection, file, wanted, arrived });
    } finally {
      over = true;
    }
  }

  /** I9. Segments also hold superseded blocks, so what comes may be more than was expected. */
  #assertFits(bytes: number): void {
    const { cache, bytesMax, path } = this.#deps;
    const wanted = cache.bytes + bytes;
    if (wanted > bytesMax) throw new MemoryLimitError(path, { wanted, limit: bytesMax }, 'open');
  }

  /** From now on hears of what commits supersede in `state`. */
  follow(state: FileState): void {
    state.live.onSuperseded = (segment, by) => this.#dead.push({ segment, by });
  }

  /** Drops what no snapshot from version `pinnedMin` on needs. */
  sweep(reader: SegmentReader, pinnedMin: number): void {
    const kept: Dead[] = [];
    for (const dead of this.#dead) {
      if (dead.by <= pinnedMin) reader.drop(dead.segment);
      else kept.push(dead);
    }
    this.#dead = kept;
  }

  /** Takes nothing for superseded any more. */
  forgetDead(): void {
    this.#dead = [];
  }

  /** Drops everything that neither `newest` nor one of `pinned` lists. */
  keepOnly(reader: SegmentReader, newest: BlockMap, pinned: Iterable<BlockMap>): void {
    const kept = new Set<number>();
    newest.forEachBlock((segment) => kept.add(segment));
    const dead = new Set<number>();
    for (const map of pinned) {
      map.forEachBlock((segment) => {
        // One that is not older is of versions that were lost, whose numbers are given again.
        if (!kept.has(segment) && map.version < newest.version) dead.add(segment);
        kept.add(segment);
      });
    }
    for (const segment of [...reader.cached.keys()]) if (!kept.has(segment)) reader.drop(segment);
    this.#dead = Array.from(dead, (segment) => ({ segment, by: newest.version }));
  }
}

function blockIn(map: BlockMap, segments: ReadonlySet<number>): number | undefined {
  for (let block = 0; block < map.blockCount; block++) {
    const version = map.versionOf(block);
    const part = Math.floor(map.slotOf(block) / map.blocksPerSegment);
    // A hole's version is 0, and no segment's is.
    if (segments.has(segmentNumber(version, part))) return block;
  }
  return undefined;
}
