import { expect, test } from 'vitest';
import { HOLE } from '../../../src/format/commit.js';
import { segmentBytes, segmentEntries, setSegmentEntry } from '../../../src/format/segment.js';
import { blockSize } from '../../../src/types.js';

const size = blockSize(512);

// Goal: a map can be rebuilt from segments alone. Method: write trailers of 1 … 120 slots.
test.each([1, 2, 119, 120])(
  'the trailer of a segment of %i blocks comes back as written',
  (slots) => {
    const segment = new ArrayBuffer(segmentBytes(size, slots));
    const entries = Array.from({ length: slots }, (_, slot) => ({
      block: slot === 1 ? HOLE : 1000 + slot,
      checksum: (slot * 0x9e3779b1) >>> 0,
    }));
    for (const [slot, entry] of entries.entries()) {
      setSegmentEntry(segment, { size, slots, slot }, entry);
    }
    expect(segmentEntries(segment, size)).toEqual(entries);
    expect(new Uint8Array(segment, 0, slots * size).every((byte) => byte === 0)).toBe(true);
  },
);

test('a segment of an impossible length has no trailer', () => {
  expect(segmentEntries(new ArrayBuffer(segmentBytes(size, 3) - 1), size)).toEqual([]);
});
