/** What a draft keeps in memory: little for a small sqliteTx, the same bytes however it grows (I9). */
import { expect, test } from 'vitest';
import { Draft } from '../../../src/blockstore/draft.js';
import { BlockMap } from '../../../src/blockstore/map.js';
import { blocksPerSegment } from '../../../src/format/layout.js';
import { segmentBytes } from '../../../src/format/segment.js';
import { blockSize, version } from '../../../src/types.js';

const SMALL = blockSize(512);
const LARGE = blockSize(16_384);
const FIRST_SLOTS = 4;

function draftOf(size: typeof SMALL, under?: Draft): Draft {
  const base = new BlockMap({ version: version(3), blockSize: size, fileBytes: 0 });
  return new Draft(base, { blockSize: size, nonce: [1, 2], ...(under && { under }) });
}

function write(draft: Draft, first: number, end: number): void {
  for (let block = first; block < end; block++) draft.stage(block).fill(block % 251);
}

test('four small blocks take the memory of four; the next takes that of a segment', () => {
  const draft = draftOf(SMALL);
  const perSegment = blocksPerSegment(SMALL);
  write(draft, 0, FIRST_SLOTS);
  expect(draft.heldBytes).toBe(segmentBytes(SMALL, FIRST_SLOTS));
  write(draft, FIRST_SLOTS, FIRST_SLOTS + 1);
  expect(draft.heldBytes).toBe(segmentBytes(SMALL, perSegment));
  // A second segment is begun whole.
  write(draft, FIRST_SLOTS + 1, perSegment + 1);
  expect(draft.heldBytes).toBe(2 * segmentBytes(SMALL, perSegment));
});

test.each([1, 4, 5, 119, 120, 121, 130])('%i small blocks come out as they went in', (count) => {
  const draft = draftOf(SMALL);
  write(draft, 0, count);
  const bytes = draft.takeRest().flatMap(({ buffer }, part) => {
    const slots = draft.slotsOf(part).count;
    expect(buffer.byteLength).toBe(segmentBytes(SMALL, slots));
    return Array.from({ length: slots }, (_, slot) => new Uint8Array(buffer, slot * SMALL, SMALL));
  });
  expect(bytes).toEqual(bytes.map((_, block) => new Uint8Array(SMALL).fill(block % 251)));
  expect(bytes).toHaveLength(count);
});

test('a segment that was sent stays so when others follow it', () => {
  const draft = draftOf(LARGE);
  write(draft, 0, 3);
  draft.takeFull();
  draft.released(0);
  write(draft, 3, 7);
  expect([0, 2, 3, 6].map((block) => draft.whereabouts(block).tag)).toEqual([
    'sent',
    'sent',
    'staged',
    'staged',
  ]);
});

test('what was sent counts, also where nothing of it is left', () => {
  for (const kept of [2, 0]) {
    const draft = draftOf(LARGE);
    write(draft, 0, 3);
    draft.takeFull();
    draft.released(0);
    draft.truncate(kept * LARGE);
    expect(draft.takeRest()).toEqual([]);
    // The store has the segment: the commit has to say so, or nobody ever reclaims it.
    expect([draft.endPart, draft.slotsOf(0).count]).toEqual([1, 3]);
  }
});

test('bytes written are those of all blocks, whatever became of them', () => {
  const under = draftOf(LARGE);
  expect(under.writtenBytes).toBe(0);
  write(under, 0, 4);
  under.takeFull();
  under.released(0);
  expect(under.writtenBytes).toBe(4 * LARGE);
  const over = draftOf(SMALL, under);
  write(over, 0, 3);
  expect(over.writtenBytes).toBe(4 * LARGE + 3 * SMALL);
});

test('a draft after another begins with zeros, and what the first handed out stays as it is', () => {
  const first = draftOf(SMALL);
  write(first, 1, FIRST_SLOTS);
  const [taken] = first.takeRest();
  const before = [...new Uint8Array(taken?.buffer ?? new ArrayBuffer(0))];
  const second = draftOf(SMALL);
  expect(second.stage(9)).toEqual(new Uint8Array(SMALL));
  second.stage(9).fill(255);
  const third = draftOf(SMALL);
  third.stage(0).fill(254);
  expect([...new Uint8Array(taken?.buffer ?? new ArrayBuffer(0))]).toEqual(before);
  expect(first.whereabouts(1)).toEqual({ tag: 'staged', bytes: new Uint8Array(SMALL).fill(1) });
  expect(second.whereabouts(9)).toEqual({ tag: 'staged', bytes: new Uint8Array(SMALL).fill(255) });
});
