/**
 * A draft against a plain model of it: the bytes of each block, and where they end up in segments.
 *
 * Method: random writes, restores, cuts and spills; then the segments it hands out are put together
 * and must hold exactly the model, without a hole that could have been avoided.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draft, type OutgoingSegment } from '../../../src/blockstore/draft.js';
import { BlockMap } from '../../../src/blockstore/map.js';
import { HOLE, KEEP_ALL } from '../../../src/format/commit.js';
import { segmentBytes } from '../../../src/format/segment.js';
import { blockSize, version } from '../../../src/types.js';

/** Three blocks to a segment. */
const SIZE = blockSize(16_384);
const PER_SEGMENT = 3;
const NONCE = [1, 2] as const;

/** A file of `count` blocks, all written by version 4. */
function baseOf(count: number): BlockMap {
  const map = new BlockMap({ version: version(3), blockSize: SIZE, fileBytes: 0 });
  const blocks = Uint32Array.from({ length: count }, (_, i) => i);
  const entries = { blocks, checksums: new Uint32Array(count) };
  const change = { version: version(4), blockSize: SIZE, keptBlocks: KEEP_ALL, firstPart: 0 };
  map.apply({ ...change, fileBytes: count * SIZE, entries }, false);
  return map;
}

function draftOn(base: BlockMap): Draft {
  return new Draft(base, { blockSize: base.blockSize, nonce: NONCE });
}

function write(draft: Draft, block: number, mark: number): void {
  draft.stage(block).fill(mark);
}

/** The mark of a block that is in the draft's memory. */
function markOf(draft: Draft, block: number): number | string {
  const where = draft.whereabouts(block);
  if (where.tag !== 'staged') return where.tag;
  expect(where.bytes).toHaveLength(SIZE);
  expect(new Set(where.bytes).size).toBe(1);
  return where.bytes[0] as number;
}

type Action =
  | { readonly tag: 'write'; readonly block: number; readonly mark: number }
  | { readonly tag: 'restore'; readonly block: number }
  | { readonly tag: 'cut'; readonly blocks: number }
  | { readonly tag: 'spill' };

const block = fc.nat(9);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      tag: fc.constant('write'),
      block,
      mark: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant('restore'), block }) },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant('cut'), blocks: fc.nat(11) }) },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant('spill') }) },
) as fc.Arbitrary<Action>;

const BASE_BLOCKS = 5;

class Model {
  readonly marks = new Map<number, number>();
  kept = Number.POSITIVE_INFINITY;
  fileBlocks = BASE_BLOCKS;

  do(draft: Draft, step: Action, sent: OutgoingSegment[]): void {
    if (step.tag === 'write') {
      write(draft, step.block, step.mark);
      this.marks.set(step.block, step.mark);
      this.fileBlocks = Math.max(this.fileBlocks, step.block + 1);
    } else if (step.tag === 'restore') {
      const done = draft.restore(step.block);
      expect(done).toBe(step.block < this.kept);
      if (done) this.marks.delete(step.block);
    } else if (step.tag === 'cut') {
      draft.truncate(step.blocks * SIZE);
      if (step.blocks < this.fileBlocks) {
        this.kept = Math.min(this.kept, step.blocks);
        for (const b of [...this.marks.keys()]) if (b >= step.blocks) this.marks.delete(b);
      }
      this.fileBlocks = step.blocks;
    } else {
      sent.push(...copied(draft.takeFull()));
    }
  }

  /** What is read of a block, from the draft's point of view. */
  expected(at: number): number | string {
    const fromBase = at < BASE_BLOCKS && at < this.kept;
    return this.marks.get(at) ?? (fromBase ? 'base' : 'zeros');
  }
}

/** What the store has of a segment: nothing written to its buffer later reaches it. */
function copied(segments: readonly OutgoingSegment[]): OutgoingSegment[] {
  return segments.map(({ part, buffer }) => ({ part, buffer: buffer.slice(0) }));
}

function contentOf(draft: Draft, segments: readonly OutgoingSegment[]): Map<number, number> {
  const content = new Map<number, number>();
  for (const { part, buffer } of segments) {
    const bytes = new Uint8Array(buffer);
    const { first, count } = draft.slotsOf(part);
    expect(buffer.byteLength).toBe(segmentBytes(SIZE, count));
    for (let slot = 0; slot < count; slot++) {
      const found = draft.blocks[first + slot] as number;
      if (found !== HOLE) content.set(found, bytes[slot * SIZE] as number);
    }
  }
  return content;
}

test('random sqliteTxs end up in segments as they were written', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30 }), fc.boolean(), (steps, release) => {
      const draft = draftOn(baseOf(BASE_BLOCKS));
      const model = new Model();
      const sent: OutgoingSegment[] = [];
      for (const step of steps) {
        model.do(draft, step, sent);
        expect(draft.fileBytes).toBe(model.fileBlocks * SIZE);
        for (let at = 0; at < 12; at++) expect(markOf(draft, at)).toBe(model.expected(at));
      }
      const spilled = sent.length;
      expect(draft.hasSpilled).toBe(steps.some(({ tag }) => tag === 'spill'));
      sent.push(...draft.takeRest());
      expect(sent.map(({ part }) => part)).toEqual(sent.map((_, i) => i));
      expect(draft.endPart).toBe(sent.length);
      expect(contentOf(draft, sent)).toEqual(model.marks);
      // Holes are left only in what was sent already.
      expect(draft.blocks.indexOf(HOLE, spilled * PER_SEGMENT)).toBe(-1);
      expect(draft.checksums).toHaveLength(draft.blocks.length);
      expect(draft.keptBlocks).toBe(Math.min(model.kept, KEEP_ALL));
      if (!release) return;
      for (const { part } of sent) draft.released(part);
      expect(draft.heldBytes).toBe(0);
      for (const at of model.marks.keys()) {
        const index = draft.blocks.lastIndexOf(at);
        const [part, slot] = [Math.floor(index / PER_SEGMENT), index % PER_SEGMENT];
        expect(draft.whereabouts(at)).toMatchObject({ tag: 'sent', part, slot });
      }
    }),
    { numRuns: 150 },
  );
});

describe('bytes in memory', () => {
  test('are those of started segments; unsent are those of full ones', () => {
    const draft = draftOn(baseOf(0));
    const counts = [];
    for (let at = 0; at < 7; at++) {
      write(draft, at, 1);
      counts.push([draft.heldBytes / segmentBytes(SIZE, PER_SEGMENT), draft.unsentBytes / SIZE]);
    }
    expect(counts).toEqual([
      [1, 0],
      [1, 0],
      [1, 3],
      [2, 3],
      [2, 3],
      [2, 6],
      [3, 6],
    ]);
    expect(draft.takeFull()).toHaveLength(2);
    expect(draft.unsentBytes).toBe(0);
    draft.released(0);
    expect(draft.heldBytes).toBe(2 * segmentBytes(SIZE, PER_SEGMENT));
    expect(draft.takeFull()).toEqual([]);
  });
});

test('a block written again is overwritten in place, or gets a new slot once it was sent', () => {
  const draft = draftOn(baseOf(0));
  for (const at of [0, 1, 2, 3]) write(draft, at, 1);
  write(draft, 3, 2);
  expect(draft.blocks).toEqual([0, 1, 2, 3]);
  draft.takeFull();
  write(draft, 3, 4);
  expect(draft.blocks).toEqual([0, 1, 2, 3]);
  write(draft, 1, 3);
  expect(draft.blocks).toEqual([0, HOLE, 2, 3, 1]);
  draft.checksums[2] = 77;
  draft.released(0);
  expect(draft.whereabouts(2)).toEqual({ tag: 'sent', part: 0, slot: 2, checksum: 77 });
  expect(markOf(draft, 1)).toBe(3);
});

describe('a draft is empty', () => {
  const base = baseOf(3);

  test('until it changes something that the base has not', () => {
    expect(draftOn(base).isEmpty).toBe(true);
    const written = draftOn(base);
    write(written, 1, 1);
    expect(written.isEmpty).toBe(false);
    expect(written.restore(1)).toBe(true);
    expect(written.isEmpty).toBe(true);
    const longer = draftOn(base);
    longer.truncate(4 * SIZE);
    expect(longer.isEmpty).toBe(false);
  });

  test('not if it was cut and has its length again', () => {
    const draft = draftOn(base);
    draft.truncate(2 * SIZE);
    draft.truncate(3 * SIZE);
    expect(draft.fileBytes).toBe(base.fileBytes);
    expect(draft.isEmpty).toBe(false);
    // What was cut off beyond the end of the base is no change of it.
    const beyond = draftOn(base);
    beyond.truncate(5 * SIZE);
    beyond.truncate(3 * SIZE);
    expect(beyond.isEmpty).toBe(true);
  });

  test('not if it starts over with another block size', () => {
    const under = draftOn(base);
    const over = new Draft(base, { blockSize: blockSize(512), nonce: NONCE, under });
    expect(over.isEmpty).toBe(false);
  });
});

describe('a cut in the middle of a block', () => {
  test('keeps that block', () => {
    const draft = draftOn(baseOf(3));
    for (const at of [1, 2]) write(draft, at, 1);
    draft.truncate(SIZE + 1);
    expect(draft.fileBytes).toBe(SIZE + 1);
    expect([0, 1, 2].map((at) => markOf(draft, at))).toEqual(['base', 1, 'zeros']);
    expect(draft.keptBlocks).toBe(2);
  });
});

describe('a draft that starts over with another block size', () => {
  const SMALL = blockSize(512);

  function startedOver(under: Draft): Draft {
    return new Draft(under.base, { blockSize: SMALL, nonce: NONCE, under });
  }

  test('goes on behind the parts and the length of what is under it, and keeps no block', () => {
    const under = draftOn(baseOf(3));
    for (const at of [0, 1, 2, 3]) write(under, at, 1);
    const over = startedOver(under);
    expect(over).toMatchObject({ firstPart: 2, fileBytes: 4 * SIZE, underBytes: 4 * SIZE });
    expect(over).toMatchObject({ keptBlocks: 0, version: 5, endPart: 2, blocksPerSegment: 120 });
    expect(over.hasSpilled).toBe(false);
    expect(over.heldBytes).toBe(under.heldBytes);
    expect(under.heldBytes).toBeGreaterThan(0);
    over.stage(0);
    expect(over.endPart).toBe(3);
    expect(over.slotsOf(2)).toEqual({ first: 0, count: 1 });
    expect(over.takeRest()).toMatchObject([{ part: 2 }]);
    over.released(2);
    expect(over.whereabouts(0)).toMatchObject({ tag: 'sent', part: 2, slot: 0 });
    under.takeFull();
    expect(over.hasSpilled).toBe(true);
  });

  test('reads from under itself up to where that was cut, and never restores', () => {
    const over = startedOver(draftOn(baseOf(1)));
    const last = SIZE / SMALL - 1;
    expect(over.whereabouts(last).tag).toBe('base');
    expect(over.whereabouts(last + 1).tag).toBe('zeros');
    over.truncate(3 * SMALL);
    over.truncate(9 * SMALL);
    expect([2, 3].map((at) => over.whereabouts(at).tag)).toEqual(['base', 'zeros']);
    over.stage(0);
    expect(over.restore(0)).toBe(false);
    expect(over.restore(5)).toBe(false);
  });

  test('on a base of another block size, without anything under it, keeps no block', () => {
    const draft = new Draft(baseOf(2), { blockSize: SMALL, nonce: NONCE });
    expect(draft).toMatchObject({ keptBlocks: 0, firstPart: 0, underBytes: 0 });
    expect(draft.whereabouts(0).tag).toBe('zeros');
  });
});
