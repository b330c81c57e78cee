/**
 * Guesses which segments one connection will want next.
 *
 *   I9  The window never exceeds BATCH_SEGMENTS_MAX segments, and at most one batch is fetched
 *       ahead of the one in use.
 *
 * A miss not far behind the last one doubles the window, any other resets it: a table scan soon
 * fetches batches, a point lookup fetches one segment. Half-way through a window the next one is
 * asked for, so that IndexedDB works while SQLite computes.
 */
import { segmentNumber } from './live.js';
import type { BlockMap } from './map.js';
import { BATCH_SEGMENTS_MAX, type Place, placeOf, type SegmentReader } from './segments.js';

const NO_BLOCK = -1;

export class ReadAhead {
  #lastMiss = NO_BLOCK;
  #window = 1;
  /** Reading at or past this block asks for the next window. */
  #trigger = NO_BLOCK;
  #windowEnd = 0;

  /** True if reading `block` should call `extend`. */
  isTrigger(block: number): boolean {
    return this.#trigger !== NO_BLOCK && block >= this.#trigger && block < this.#windowEnd;
  }

  /** Segments to fetch together with that of the missed `block`. */
  onMiss(map: BlockMap, block: number, reader: SegmentReader): Place[] {
    const reach = map.blocksPerSegment * (this.#window + 1) * 2;
    const sequential =
      this.#lastMiss !== NO_BLOCK && block > this.#lastMiss && block <= this.#lastMiss + reach;
    this.#window = sequential ? Math.min(this.#window * 2, BATCH_SEGMENTS_MAX) : 1;
    this.#lastMiss = block;
    this.#trigger = NO_BLOCK;
    return this.#window === 1
      ? []
      : this.#fill(map, block + 1, reader, [keyOf(placeOf(map, block))]);
  }

  /** Segments of the next window, asked for while this one is in use. */
  extend(map: BlockMap, reader: SegmentReader): Place[] {
    this.#window = Math.min(this.#window * 2, BATCH_SEGMENTS_MAX);
    this.#lastMiss = this.#windowEnd;
    return this.#fill(map, this.#windowEnd, reader);
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
