/**
 * Guesses which segments one connection will want next.
 *
 *   I9  The window never exceeds BATCH_SEGMENTS_MAX segments or a quarter of the cache, and at most
 *       one batch is fetched ahead of the one in use. Around a lookup as much is fetched again, but
 *       nothing of a file larger than half of the cache.
 *
 * A miss not far behind the last one doubles the window, any other resets it: a table scan soon
 * fetches batches, a point lookup fetches one segment. Half-way through a window the next one is
 * asked for, so that IndexedDB works while SQLite computes.
 *
 * Lookups all over a file that fits will want most of it: from the fifth miss in a row that follows
 * no other, its neighbourhood comes along in the background, twice as much each time.
 */
import { SEGMENT_BYTES_MAX } from '../format/layout.js';
import { segmentNumber } from './live.js';
import type { BlockMap } from './map.js';
import { BATCH_SEGMENTS_MAX, type Place, placeOf, type SegmentReader } from './segments.js';

const NO_BLOCK = -1;
/** Window after the second miss in a row: the first guess was right, so it is worth a request. */
const WINDOW_START = 4;
/** Lookups that may be all there are. */
const LOOKUPS_ALONE = 4;

export class ReadAhead {
  readonly #windowMax: number;
  /** Bytes of a file whose lookups are worth more than their own segments. */
  readonly #fitsBytes: number;
  /** Misses in a row that followed no other. */
  #lookups = 0;
  #lastMiss = NO_BLOCK;
  #window = 1;
  /** Reading at or past this block asks for the next window. */
  #trigger = NO_BLOCK;
  #windowEnd = 0;

  /** What is fetched ahead must not drive out what is in use: at most a quarter of the cache. */
  constructor(cacheBytes: number) {
    const share = Math.floor(cacheBytes / 4 / SEGMENT_BYTES_MAX);
    this.#windowMax = Math.max(1, Math.min(share, BATCH_SEGMENTS_MAX));
    this.#fitsBytes = Math.floor(cacheBytes / 2);
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
    this.#lookups = sequential ? 0 : this.#lookups + 1;
    this.#lastMiss = block;
    this.#trigger = NO_BLOCK;
    return this.#window === 1
      ? []
      : this.#fill(map, block + 1, reader, [keyOf(placeOf(map, block))]);
  }

  /** Segments around the `block` that was missed last, to be fetched without being waited for. */
  around(map: BlockMap, block: number, reader: SegmentReader): Place[] {
    const doublings = this.#lookups - LOOKUPS_ALONE;
    if (doublings <= 0 || map.fileBytes > this.#fitsBytes) return [];
    const segments = Math.min(2 ** doublings, this.#windowMax);
    const span = segments * map.blocksPerSegment;
    const from = block - (block % span);
    return this.#places(map, { from, end: from + span, countMax: segments }, reader).places;
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
    const countMax = Math.min(this.#window, BATCH_SEGMENTS_MAX - asked.length);
    const end = from + this.#window * map.blocksPerSegment * 2;
    const { places, next } = this.#places(map, { from, end, countMax }, reader, asked);
    this.#windowEnd = next;
    this.#trigger = next < map.blockCount ? from + Math.floor((next - from) / 2) : NO_BLOCK;
    return places;
  }

  /** Segments of the blocks from `from` on that are not in memory, and the block behind the last one. */
  #places(
    map: BlockMap,
    range: { readonly from: number; readonly end: number; readonly countMax: number },
    reader: SegmentReader,
    asked: readonly number[] = [],
  ): { readonly places: Place[]; readonly next: number } {
    const places: Place[] = [];
    const seen = new Set<number>(asked);
    const end = Math.min(map.blockCount, range.end);
    let block = range.from;
    for (; block < end && places.length < range.countMax; block++) {
      if (map.versionOf(block) === 0) continue;
      const place = placeOf(map, block);
      const key = keyOf(place);
      if (seen.has(key)) continue;
      seen.add(key);
      if (!reader.has(place)) places.push(place);
    }
    return { places, next: block };
  }
}

function keyOf({ version, part }: Place): number {
  return segmentNumber(version, part);
}
