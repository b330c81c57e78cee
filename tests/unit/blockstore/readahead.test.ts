/**
 * Which segments a connection's reads fetch ahead: none for single lookups, more and more for a scan.
 *
 * Method: a map whose blocks lie 15 to a segment, and a reader that has nothing, or what a test says.
 */
import { describe, expect, test } from 'vitest';
import { BlockMap } from '../../../src/blockstore/map.js';
import { ReadAhead } from '../../../src/blockstore/readahead.js';
import {
  BATCH_SEGMENTS_MAX,
  type Place,
  type SegmentReader,
} from '../../../src/blockstore/segments.js';
import { KEEP_ALL } from '../../../src/format/commit.js';
import { SEGMENT_BYTES_MAX } from '../../../src/format/layout.js';
import { blockSize, version } from '../../../src/types.js';

const SIZE = blockSize(4096);
const PER_SEGMENT = 15;
const PLENTY = 1000 * SEGMENT_BYTES_MAX;

/** A file written by one commit in the order of its blocks; those of `unwritten` segments are not. */
function mapOf(segments: number, unwritten: readonly number[] = []): BlockMap {
  const map = new BlockMap({ version: version(0), blockSize: SIZE, fileBytes: 0 });
  for (let part = 0; part < segments; part++) {
    if (unwritten.includes(part)) continue;
    const blocks = Uint32Array.from({ length: PER_SEGMENT }, (_, i) => part * PER_SEGMENT + i);
    map.apply(
      {
        version: version(7),
        blockSize: SIZE,
        fileBytes: segments * PER_SEGMENT * SIZE,
        keptBlocks: KEEP_ALL,
        firstPart: part,
        entries: { blocks, checksums: new Uint32Array(PER_SEGMENT) },
      },
      false,
    );
  }
  return map;
}

function readerWith(...parts: readonly number[]): SegmentReader {
  return { has: ({ part }: Place) => parts.includes(part) } as SegmentReader;
}

const nothing = readerWith();
const partsOf = (places: readonly Place[]) => places.map(({ part }) => part);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('single lookups fetch nothing ahead', () => {
  const ahead = new ReadAhead(PLENTY);
  const map = mapOf(100);
  // The reach of a single window is four segments, forwards.
  for (const block of [0, 900, 300, 300 + 4 * PER_SEGMENT + 1, 200, 200]) {
    expect(ahead.onMiss(map, block, nothing)).toEqual([]);
    expect(ahead.isTrigger(block)).toBe(false);
  }
});

test('lookups all over a file that fits fetch more and more around them', () => {
  const ahead = new ReadAhead(PLENTY);
  const map = mapOf(100);
  const lookUp = (part: number) => {
    const block = part * PER_SEGMENT + 3;
    expect(ahead.onMiss(map, block, readerWith(part))).toEqual([]);
    return partsOf(ahead.around(map, block, readerWith(part)));
  };
  for (const part of [0, 60, 20, 90]) expect(lookUp(part)).toEqual([]);
  // Aligned, without what is there or on its way.
  expect(lookUp(41)).toEqual([40]);
  expect(lookUp(10)).toEqual([8, 9, 11]);
  expect(lookUp(70)).toEqual([64, 65, 66, 67, 68, 69, 71]);
  expect(lookUp(50)).toEqual([48, 49, ...range(51, 64)]);
  expect(lookUp(1)).toEqual([0, ...range(2, BATCH_SEGMENTS_MAX)]);
  // Not beyond the file.
  expect(lookUp(97)).toEqual([96, 98, 99]);
  // A scan ends it.
  ahead.onMiss(map, 98 * PER_SEGMENT, nothing);
  expect(lookUp(5)).toEqual([]);
});

test('lookups in a file larger than half of the cache fetch nothing around them', () => {
  const map = mapOf(100);
  for (const [cacheBytes, count] of [
    [2 * map.fileBytes, 1],
    [2 * map.fileBytes - 2, 0],
  ] as const) {
    const ahead = new ReadAhead(cacheBytes);
    for (const part of [0, 60, 20, 90, 41]) ahead.onMiss(map, part * PER_SEGMENT, nothing);
    const around = ahead.around(map, 41 * PER_SEGMENT, readerWith(41));
    expect(around).toHaveLength(count);
  }
});

test('a miss not far behind the last one opens a window, and each one more doubles it', () => {
  const ahead = new ReadAhead(PLENTY);
  const map = mapOf(100);
  expect(ahead.onMiss(map, 0, nothing)).toEqual([]);
  const second = ahead.onMiss(map, PER_SEGMENT * 4, nothing);
  expect(partsOf(second)).toEqual(range(5, 9));
  expect(second[0]).toEqual({ version: 7, part: 5 });
  expect(partsOf(ahead.onMiss(map, PER_SEGMENT * 9, nothing))).toEqual(range(10, 18));
  expect(partsOf(ahead.onMiss(map, PER_SEGMENT * 18, nothing))).toEqual(range(19, 35));
  // The missed segment itself is one of the batch.
  expect(partsOf(ahead.onMiss(map, PER_SEGMENT * 35, nothing))).toEqual(
    range(36, 36 + BATCH_SEGMENTS_MAX - 1),
  );
  // Any other miss starts over.
  expect(ahead.onMiss(map, 3, nothing)).toEqual([]);
  expect(partsOf(ahead.onMiss(map, 4, nothing))).toEqual(range(1, 5));
});

test('the reach grows with the window', () => {
  const map = mapOf(100);
  const opened = () => {
    const ahead = new ReadAhead(PLENTY);
    ahead.onMiss(map, 0, nothing);
    ahead.onMiss(map, 1, nothing);
    return ahead;
  };
  const reach = PER_SEGMENT * 5 * 2;
  expect(opened().onMiss(map, 1 + reach, nothing)).toHaveLength(8);
  expect(opened().onMiss(map, 2 + reach, nothing)).toEqual([]);
});

test('half-way through a window the next one is asked for, once', () => {
  const ahead = new ReadAhead(PLENTY);
  const map = mapOf(100);
  ahead.onMiss(map, 0, nothing);
  ahead.onMiss(map, PER_SEGMENT, nothing);
  // It looked from the block after the missed one to the first of the last segment wanted.
  const from = PER_SEGMENT + 1;
  const end = 5 * PER_SEGMENT + 1;
  const trigger = from + Math.floor((end - from) / 2);
  expect([trigger - 1, trigger, end - 1, end].map((b) => ahead.isTrigger(b))).toEqual([
    false,
    true,
    true,
    false,
  ]);
  const next = ahead.extend(map, nothing);
  // Segment 5, whose first block was the last one looked at, is asked of the reader again.
  expect(partsOf(next)).toEqual(range(5, 13));
  expect(ahead.isTrigger(trigger)).toBe(false);
  // The next miss, where the window ends, goes on from it.
  expect(ahead.onMiss(map, 13 * PER_SEGMENT, nothing)).toHaveLength(16);
});

describe('a window', () => {
  function secondMiss(map: BlockMap, reader: SegmentReader, cacheBytes = PLENTY): number[] {
    const ahead = new ReadAhead(cacheBytes);
    ahead.onMiss(map, 0, reader);
    return partsOf(ahead.onMiss(map, 1, reader));
  }

  test('leaves out what is in memory, what is not written, and the segment of the miss', () => {
    expect(secondMiss(mapOf(100), readerWith(2, 3))).toEqual([1, 4, 5, 6]);
    expect(secondMiss(mapOf(100, [2]), nothing)).toEqual([1, 3, 4, 5]);
  });

  test('looks no further than twice its length', () => {
    expect(secondMiss(mapOf(100, range(2, 20)), nothing)).toEqual([1]);
    expect(secondMiss(mapOf(100, range(1, 8)), nothing)).toEqual([8]);
    expect(secondMiss(mapOf(100, range(1, 9)), nothing)).toEqual([]);
    // Segment 9 begins where the look ends that began with segment 1.
    const ahead = new ReadAhead(PLENTY);
    const map = mapOf(100, range(1, 9));
    ahead.onMiss(map, PER_SEGMENT - 2, nothing);
    expect(ahead.onMiss(map, PER_SEGMENT - 1, nothing)).toEqual([]);
  });

  test('has as many segments as a batch may, when no miss is among them', () => {
    const ahead = new ReadAhead(PLENTY);
    const map = mapOf(300);
    ahead.onMiss(map, 0, nothing);
    ahead.onMiss(map, 1, nothing);
    expect([1, 2, 3, 4].map(() => ahead.extend(map, nothing).length)).toEqual([
      8,
      16,
      BATCH_SEGMENTS_MAX,
      BATCH_SEGMENTS_MAX,
    ]);
  });

  test('ends with the file, and then asks for no other', () => {
    expect(secondMiss(mapOf(3), nothing)).toEqual([1, 2]);
    const ahead = new ReadAhead(PLENTY);
    const map = mapOf(3);
    ahead.onMiss(map, 0, nothing);
    ahead.onMiss(map, 1, nothing);
    expect(range(0, 60).some((block) => ahead.isTrigger(block))).toBe(false);
  });

  test('takes at most a quarter of the cache, and at least one segment', () => {
    const window = (segments: number) =>
      secondMiss(mapOf(100), nothing, segments * SEGMENT_BYTES_MAX).length;
    expect([40, 16, 12, 11, 8].map(window)).toEqual([4, 4, 3, 2, 2]);
    // One segment is that of the miss itself.
    expect([4, 1, 0].map(window)).toEqual([0, 0, 0]);
  });
});
