/**
 * Guesses which segments one connection will want next.
 *
 *   I9  The window never exceeds BATCH_SEGMENTS_MAX segments or a quarter of the cache, and at most
 *       one batch is fetched ahead of the one in use.
 *
 * A miss not far behind the last one doubles the window, any other resets it: a table scan soon
 * fetches batches, a point lookup fetches one segment. Half-way through a window the next one is
 * asked for, so that IndexedDB works while SQLite computes.
 */
import { SEGMENT_BYTES_MAX } from '../format/layout.js';
import { segmentNumber } from './live.js';
import type { BlockMap } from './map.js';
import { BATCH_SEGMENTS_MAX, type Place, placeOf, type SegmentReader } from './segments.js';

const NO_BLOCK = -1;
/** Window after the second miss in a row: the first guess was right, so it is worth a request. */
const WINDOW_START = 4;

export class ReadAhead {
  readonly #windowMax: number;
  #lastMiss = NO_BLOCK;
  #window = 1;
  /** Reading at or past this block asks for the next window. */
  #trigger = NO_BLOCK;
  #windowEnd = 0;

  /** What is fetched ahead must not drive out what is in use: at most a quarter of the cache. */
  constructor(cacheBytes: number) {
    const share = Math.floor(cacheBytes / 4 / SEGMENT_BYTES_MAX);
    this.#windowMax = Math.max(1, Math.min(share, BATCH_SEGMENTS_MAX));
  }

  /** True if reading `block` should call `extend`. */
  isTrigger(block: number): boolean {
    return this.#trigger !== NO_BLOCK && block >= this.#trigger && block < this.#windowEnd;
  }

  /** Segments to fetch together with that of the missed `block`. */
  onMiss(map: BlockMap, block: number, reader: SegmentReader): Place[] {
    const reach = map.blocksPerSegment * (this.#window + 1) * 2;
    const sequential =
      this.#lastMiss !== NO_BLOCK && block > this.#lastMiss && block <= this.#lastMiss + reach;
    this.#window = sequential ? this.#widened() : 1;
    this.#lastMiss = block;
    this.#trigger = NO_BLOCK;
    return this.#window === 1
      ? []
      : this.#fill(map, block + 1, reader, [keyOf(placeOf(map, block))]);
  }

  /** Segments of the next window, asked for while this one is in use. */
  extend(map: BlockMap, reader: SegmentReader): Place[] {
    this.#window = this.#widened();
    this.#lastMiss = this.#windowEnd;
    return this.#fill(map, this.#windowEnd, reader);
  }

  #widened(): number {
    return Math.min(Math.max(this.#window * 2, WINDOW_START), this.#windowMax);
  }

  /** `asked`: segments of the same batch that need not be named again. */
  #fill(map: BlockMap, from: number, reader: SegmentReader, asked: number[] = []): Place[] {
    const places: Place[] = [];
    const seen = new Set<number>(asked);
    const countMax = Math.min(this.#window, BATCH_SEGMENTS_MAX - asked.length);
    const blockCount = map.blockCount;
    const end = Math.min(blockCount, from + this.#window * map.blocksPerSegment * 2);
    let block = from;
    for (; block < end && places.length < countMax; block++) {
      if (map.versionOf(block) === 0) continue;
      const place = placeOf(map, block);
      const key = keyOf(place);
      if (seen.has(key)) continue;
      seen.add(key);
      if (!reader.has(place)) places.push(place);
    }
    this.#windowEnd = block;
    this.#trigger = block < blockCount ? from + Math.floor((block - from) / 2) : NO_BLOCK;
    return places;
  }
}

function keyOf({ version, part }: Place): number {
  return segmentNumber(version, part);
}
