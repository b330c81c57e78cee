/** P11: a segment is listed for reclaim when none of its blocks is live, with who took the last one. */
import { beforeEach, describe, expect, test } from 'vitest';
import { LiveSegments, placeOfSegment, segmentNumber } from '../../../src/blockstore/live.js';
import { InvariantError } from '../../../src/errors.js';
import { RECLAIM_RANGES_MAX } from '../../../src/format/layout.js';
import type { ReclaimRange } from '../../../src/format/maps.js';
import { version } from '../../../src/types.js';

function range(at: number, [firstPart, endPart]: [number, number], by: number): ReclaimRange {
  return { version: version(at), firstPart, endPart, supersededBy: version(by) };
}

/** Parts of version `at`, each with one live block. */
function written(live: LiveSegments, at: number, parts: number): void {
  for (let part = 0; part < parts; part++) live.retain(segmentNumber(at, part), 1);
}

function superseded(live: LiveSegments, at: number, parts: readonly number[], by: number): void {
  for (const part of parts) live.release(segmentNumber(at, part), version(by));
}

test('one number names a segment, and the next one its neighbour', () => {
  const last = 2 ** 20 - 1;
  for (const [at, part] of [
    [0, 0],
    [1, 0],
    [3, 7],
    [4, last],
    [2 ** 32, last],
  ] as const) {
    const segment = segmentNumber(at, part);
    expect(placeOfSegment(segment)).toEqual({ version: at, part });
    const next = part === last ? { version: at + 1, part: 0 } : { version: at, part: part + 1 };
    expect(placeOfSegment(segment + 1)).toEqual(next);
  }
});

test('a segment waits when its last block is gone, and not before', () => {
  const live = new LiveSegments();
  const segment = segmentNumber(3, 1);
  live.retain(segment, 2);
  live.retain(segment, 2);
  expect(live.liveCount).toBe(1);
  live.release(segment, version(4));
  expect([live.liveCount, live.supersededCount]).toEqual([1, 0]);
  expect(live.waiting()).toEqual([]);
  live.release(segment, version(5));
  expect([live.liveCount, live.supersededCount]).toEqual([0, 1]);
  expect(live.waiting()).toEqual([range(3, [1, 2], 5)]);
  // Asking again does not list it again.
  expect(live.waiting()).toEqual([range(3, [1, 2], 5)]);
  expect(() => live.release(segment, version(6))).toThrow(InvariantError);
});

test('neighbours of one commit and one cause are one range', () => {
  const live = new LiveSegments();
  written(live, 3, 8);
  superseded(live, 3, [2, 0, 1], 5);
  superseded(live, 3, [4], 5);
  superseded(live, 3, [5], 6);
  written(live, 4, 1);
  superseded(live, 4, [0], 5);
  expect(live.waiting()).toEqual([
    range(3, [0, 3], 5),
    range(3, [4, 5], 5),
    range(3, [5, 6], 6),
    range(4, [0, 1], 5),
  ]);
  // Part 1 of another version is no neighbour of part 0.
  written(live, 5, 2);
  superseded(live, 5, [1], 5);
  expect(live.waiting().slice(-2)).toEqual([range(4, [0, 1], 5), range(5, [1, 2], 5)]);
  superseded(live, 3, [6], 6);
  expect(live.waiting().at(-1)).toEqual(range(3, [6, 7], 6));
  expect(live.supersededCount).toBe(8);
});

test('what was written and never live waits too; what is live does not', () => {
  const live = new LiveSegments();
  written(live, 3, 1);
  live.neverLive(segmentNumber(3, 0), version(3));
  live.neverLive(segmentNumber(3, 1), version(3));
  expect(live.waiting()).toEqual([range(3, [1, 2], 3)]);
  expect(live.supersededCount).toBe(1);
});

test('ranges that an earlier checkpoint left wait on', () => {
  const live = new LiveSegments();
  live.addWaiting([range(1, [0, 3], 2), range(2, [4, 5], 3)]);
  expect(live.supersededCount).toBe(4);
  expect(live.waiting()).toEqual([range(1, [0, 3], 2), range(2, [4, 5], 3)]);
});

test('split: what was superseded up to the limit goes, the rest stays and is kept', () => {
  const live = new LiveSegments();
  const ranges = [range(1, [0, 1], 7), range(2, [0, 1], 8), range(3, [0, 1], 9)];
  live.addWaiting(ranges);
  expect(live.split(8)).toEqual({ reclaim: ranges.slice(0, 2), keep: ranges.slice(2) });
  live.forget(live.split(8).reclaim);
  expect(live.waiting()).toEqual(ranges.slice(2));
  expect(live.supersededCount).toBe(1);
});

// Goal: bytes are told as far as they are known. Method: segments of two block sizes die here, others before.
test('what waits has the bytes of its slots, if it died here', () => {
  const live = new LiveSegments();
  const before = range(1, [0, 2], 2);
  live.addWaiting([before]);
  live.blockBytes = 4096;
  live.retain(segmentNumber(3, 0), 5);
  live.retain(segmentNumber(3, 0), 5);
  live.retain(segmentNumber(3, 1), 2);
  superseded(live, 3, [0], 4);
  expect(live.supersededBytes).toBe(0);
  superseded(live, 3, [0], 5);
  live.blockBytes = 512;
  superseded(live, 3, [1], 5);
  expect(live.supersededBytes).toBe(5 * 4096 + 2 * 512);
  const { reclaim } = live.split(5);
  expect(live.extentOf(reclaim)).toEqual({ segments: 4, bytes: 5 * 4096 + 2 * 512 });
  expect(live.extentOf([before])).toEqual({ segments: 2, bytes: 0 });
  live.forget(reclaim.filter((range) => range !== before));
  expect([live.supersededCount, live.supersededBytes]).toEqual([2, 0]);
});

test('no more ranges are kept for the directory than it may list', () => {
  const live = new LiveSegments();
  const many = Array.from({ length: RECLAIM_RANGES_MAX + 2 }, (_, i) => range(i + 1, [0, 1], 9e5));
  live.addWaiting(many);
  expect(live.split(1).keep).toEqual(many.slice(0, RECLAIM_RANGES_MAX));
  expect(live.waiting()).toHaveLength(RECLAIM_RANGES_MAX + 2);
});

test('a preview tells what a commit will supersede, and changes nothing', () => {
  const live = new LiveSegments();
  written(live, 3, 3);
  live.retain(segmentNumber(3, 2), 1);
  const displaced = [0, 1, 2].map((part) => segmentNumber(3, part));
  const placed = [segmentNumber(9, 1), segmentNumber(9, 1)];
  const commit = { version: version(9), endPart: 3 };
  // 3/2 keeps a block; parts 0 and 2 of the commit never have one.
  expect(live.preview({ displaced, placed }, commit)).toEqual([
    range(3, [0, 2], 9),
    range(9, [0, 1], 9),
    range(9, [2, 3], 9),
  ]);
  const both = [...displaced, segmentNumber(3, 2)];
  expect(live.preview({ displaced: both, placed }, commit)[0]).toEqual(range(3, [0, 3], 9));
  expect(live.waiting()).toEqual([]);
  expect([live.liveCount, live.supersededCount]).toEqual([3, 0]);
});

describe('the key ranges that delete', () => {
  const place = (at: number, part: number) => ({ version: version(at), part });

  test('join neighbouring parts, whatever their cause and order', () => {
    const live = new LiveSegments();
    const ranges = [range(3, [2, 4], 8), range(3, [0, 2], 7), range(3, [5, 6], 7)];
    expect(live.deletionsOf(ranges, [])).toEqual([
      [place(3, 0), place(3, 3)],
      [place(3, 5), place(3, 5)],
    ]);
  });

  test('join the next version if nothing of the one before is left', () => {
    const live = new LiveSegments();
    const ranges = [range(5, [0, 1], 9), range(3, [0, 2], 7), range(4, [0, 1], 7)];
    expect(live.deletionsOf(ranges, [])).toEqual([[place(3, 0), place(5, 0)]]);
  });

  test('leave out a version between that is live, kept, or not named', () => {
    const alone = [
      [place(3, 0), place(3, 0)],
      [place(4, 0), place(4, 0)],
    ];
    const ranges = [range(3, [0, 1], 7), range(4, [0, 1], 7)];
    const live = new LiveSegments();
    live.retain(segmentNumber(3, 1), 1);
    live.retain(segmentNumber(3, 1), 1);
    expect(live.deletionsOf(ranges, [])).toEqual(alone);
    superseded(live, 3, [1, 1], 8);
    expect(live.deletionsOf(ranges, [])).toEqual([[place(3, 0), place(4, 0)]]);
    expect(live.deletionsOf(ranges, [range(3, [1, 2], 8)])).toEqual(alone);
    // What lies in the next version before its first dead part would go as well.
    expect(new LiveSegments().deletionsOf([range(3, [0, 1], 7), range(4, [1, 2], 7)], [])).toEqual([
      [place(3, 0), place(3, 0)],
      [place(4, 1), place(4, 1)],
    ]);
    expect(new LiveSegments().deletionsOf([range(3, [0, 1], 7), range(5, [0, 1], 7)], [])).toEqual([
      [place(3, 0), place(3, 0)],
      [place(5, 0), place(5, 0)],
    ]);
  });

  test('a version with two live parts is not free when one of them dies', () => {
    const live = new LiveSegments();
    written(live, 3, 3);
    superseded(live, 3, [0], 7);
    const ranges = [range(3, [0, 1], 7), range(4, [0, 1], 7)];
    expect(live.deletionsOf(ranges, [])).toHaveLength(2);
    superseded(live, 3, [1], 8);
    expect(live.deletionsOf(ranges, [])).toHaveLength(2);
    superseded(live, 3, [2], 8);
    expect(live.deletionsOf(ranges, [])).toHaveLength(1);
  });
});

describe('how full segments are', () => {
  const [a, b, c] = [segmentNumber(3, 0), segmentNumber(3, 1), segmentNumber(4, 0)];
  let live: LiveSegments;
  beforeEach(() => {
    live = new LiveSegments();
    for (let i = 0; i < 8; i++) live.retain(a, 10);
    for (let i = 0; i < 2; i++) live.retain(b, 10);
    live.retain(c, 1);
  });

  test('slots count once, and go with the last block', () => {
    expect([live.liveBlocks, live.liveSlots]).toEqual([11, 21]);
    live.release(c, version(5));
    live.release(b, version(5));
    expect([live.liveBlocks, live.liveSlots, live.countOf(b)]).toEqual([9, 20, 1]);
    live.release(b, version(5));
    expect([live.liveBlocks, live.liveSlots, live.countOf(b)]).toEqual([8, 10, 0]);
    expect(live.slotsOf(b)).toBe(0);
  });

  test('a segment may turn out to have more slots', () => {
    live.retain(b, 12);
    live.retain(b, 4);
    expect([live.slotsOf(b), live.liveSlots]).toEqual([12, 23]);
  });

  test('the one with the least share is found among those looked at, round and round', () => {
    expect(live.sparsest(3, 1)).toBe(b);
    expect(live.sparsest(1, 1)).toBe(a);
    expect(live.sparsest(1, 1)).toBe(b);
    expect(live.sparsest(1, 1)).toBe(c);
    expect(live.sparsest(1, 1)).toBe(a);
    // Looking at more than there are looks at each once.
    expect(live.sparsest(100, 1)).toBe(b);
  });

  test('but none that is fuller than asked for', () => {
    expect(live.sparsest(3, 0.2)).toBe(b);
    expect(live.sparsest(3, 0.1)).toBeUndefined();
    expect(new LiveSegments().sparsest(3, 1)).toBeUndefined();
  });

  test('by the blocks that a segment could hold, small ones are the sparsest', () => {
    expect(live.sparsest(3, 0.25, 10)).toBe(c);
  });
});
