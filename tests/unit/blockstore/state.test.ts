/**
 * When a commit is a checkpoint, what a checkpoint saves, drops and reclaims, and what it leaves.
 */
import { describe, expect, test } from 'vitest';
import { segmentNumber } from '../../../src/blockstore/live.js';
import { BlockMap, type MapChange } from '../../../src/blockstore/map.js';
import { FileState } from '../../../src/blockstore/state.js';
import { KEEP_ALL } from '../../../src/format/commit.js';
import {
  BLOCKS_PER_CHUNK,
  CHECKPOINT_COMMITS,
  CHECKPOINT_RECORD_BYTES,
  CHECKPOINT_SUPERSEDED,
  LISTED_ENTRIES_MAX,
} from '../../../src/format/layout.js';
import { blockSize, version } from '../../../src/types.js';

const SIZE = blockSize(32_768);
const ONE_RECORD = 200;

function fresh(): FileState {
  return new FileState(new BlockMap({ version: version(0), blockSize: SIZE, fileBytes: 0 }));
}

/** A commit on the newest version; with these blocks, of one segment each. */
function changeOn(state: FileState, blocks: readonly number[], blockCount?: number): MapChange {
  const end = blockCount ?? Math.max(state.map.blockCount, ...blocks.map((block) => block + 1));
  return {
    version: version(state.map.version + 1),
    blockSize: SIZE,
    fileBytes: end * SIZE,
    keptBlocks: KEEP_ALL,
    firstPart: 0,
    entries: { blocks: Uint32Array.from(blocks), checksums: new Uint32Array(blocks.length) },
  };
}

function commit(state: FileState, blocks: readonly number[], recordBytes = ONE_RECORD): void {
  const written = { endPart: blocks.length, recordBytes };
  state.apply(changeOn(state, blocks), written, false);
}

function checkpoint(
  state: FileState,
  blocks: readonly number[],
  {
    pinnedMin = Number.POSITIVE_INFINITY,
    blockCount,
  }: { pinnedMin?: number; blockCount?: number } = {},
) {
  const change = changeOn(state, blocks, blockCount);
  const next = state.plan(change);
  const plan = state.planCheckpoint(next, change, { endPart: blocks.length, pinnedMin });
  state.adopt(next, change, { endPart: blocks.length, recordBytes: ONE_RECORD });
  state.checkpointed(plan, change.version);
  return plan;
}

const isDue = (state: FileState) => state.needsCheckpoint(changeOn(state, [0]));

describe('a commit is a checkpoint', () => {
  test('when as many commits as that have piled up, and not before', () => {
    const state = fresh();
    for (let i = 1; i < CHECKPOINT_COMMITS - 1; i++) commit(state, [0]);
    expect(isDue(state)).toBe(false);
    commit(state, []);
    expect(isDue(state)).toBe(true);
    checkpoint(state, [0]);
    expect(isDue(state)).toBe(false);
    expect(state).toMatchObject({ commitsSinceCheckpoint: 0, recordBytesSinceCheckpoint: 0 });
  });

  test('when their records take as many bytes', () => {
    const state = fresh();
    commit(state, [0], 100);
    commit(state, [0], CHECKPOINT_RECORD_BYTES - 101);
    expect(isDue(state)).toBe(false);
    commit(state, [0], 1);
    expect(isDue(state)).toBe(true);
  });

  test('when it touches more blocks than its record may list', () => {
    const state = fresh();
    const blocks = (count: number) =>
      changeOn(
        state,
        Array.from({ length: count }, (_, i) => i),
      );
    expect(state.needsCheckpoint(blocks(LISTED_ENTRIES_MAX))).toBe(false);
    expect(state.needsCheckpoint(blocks(LISTED_ENTRIES_MAX + 1))).toBe(true);
  });

  test('when it changes the block size of a file that has one', () => {
    const state = fresh();
    const other = (): MapChange => ({ ...changeOn(state, [0]), blockSize: blockSize(512) });
    expect(state.needsCheckpoint(other())).toBe(false);
    commit(state, [0]);
    expect(state.needsCheckpoint(other())).toBe(true);
  });

  test('when many segments wait for reclaim: so many, and a quarter of the live ones', () => {
    const few = Array.from({ length: CHECKPOINT_SUPERSEDED }, (_, i) => i);
    const small = fresh();
    commit(small, few);
    commit(small, few.slice(1));
    expect(isDue(small)).toBe(false);
    commit(small, [0]);
    expect(isDue(small)).toBe(true);
    const large = fresh();
    commit(
      large,
      Array.from({ length: 4 * (CHECKPOINT_SUPERSEDED + 1) }, (_, i) => i),
    );
    commit(large, few);
    expect(isDue(large)).toBe(false);
    commit(large, [0]);
    expect(isDue(large)).toBe(true);
    // What a checkpoint leaves waiting does not call for the next one.
    checkpoint(large, [1]);
    expect(isDue(large)).toBe(false);
  });
});

describe('a checkpoint', () => {
  const IN_THIRD = 2 * BLOCKS_PER_CHUNK + 1;

  test('saves the chunks changed since the last one, its own among them, and no others', () => {
    const state = fresh();
    commit(state, [0]);
    commit(state, [IN_THIRD]);
    const first = checkpoint(state, [BLOCKS_PER_CHUNK]);
    expect([...first.save].sort()).toEqual([0, 1, 2]);
    expect(first.drop).toEqual([]);
    expect([...first.directory].sort()).toEqual([0, 1, 2].map((chunk) => [chunk, 3]));
    expect(state.directoryVersion).toBe(3);
    commit(state, [0]);
    const second = checkpoint(state, [1]);
    expect(second.save).toEqual([0]);
    expect([...second.directory].sort()).toEqual([
      [0, 5],
      [1, 3],
      [2, 3],
    ]);
    expect(state.directory).toBe(second.directory);
  });

  test('drops a saved chunk without blocks; one that was never saved it does not name', () => {
    const state = fresh();
    checkpoint(state, [0, IN_THIRD]);
    commit(state, [BLOCKS_PER_CHUNK]);
    const plan = checkpoint(state, [0], { blockCount: 1 });
    expect(plan.save).toEqual([0]);
    expect(plan.drop).toEqual([2]);
    expect([...plan.directory]).toEqual([[0, 3]]);
  });

  test('reclaims what was superseded up to the last one, if no snapshot is older', () => {
    const superseded = (pinnedMin?: number) => {
      const state = fresh();
      commit(state, [0]);
      commit(state, [0]);
      checkpoint(state, [1]);
      commit(state, [1]);
      const plan = checkpoint(state, [0], pinnedMin === undefined ? {} : { pinnedMin });
      return {
        state,
        plan,
        ranges: (which: 'reclaim' | 'keep') => plan[which].map((r) => r.version),
      };
    };
    const all = superseded();
    expect(all.ranges('reclaim')).toEqual([1]);
    // Superseded after the last checkpoint, and by this one.
    expect(all.plan.keep).toEqual([
      { version: 3, firstPart: 0, endPart: 1, supersededBy: 4 },
      { version: 2, firstPart: 0, endPart: 1, supersededBy: 5 },
    ]);
    expect(all.state.live.supersededCount).toBe(2);
    const pinned = superseded(1);
    expect(pinned.ranges('reclaim')).toEqual([]);
    expect(pinned.ranges('keep')).toEqual([1, 3, 2]);
    expect(superseded(2).ranges('reclaim')).toEqual([1]);
  });

  test('planning changes nothing', () => {
    const state = fresh();
    commit(state, [0]);
    const { map } = state;
    const change = changeOn(state, [0, 1]);
    const next = state.plan(change);
    state.planCheckpoint(next, change, { endPart: 2, pinnedMin: 9 });
    expect(state.map).toBe(map);
    expect([map.version, map.versionOf(0), map.versionOf(1)]).toEqual([1, 1, 0]);
    expect(state.live.liveCount).toBe(1);
    expect(state.directoryVersion).toBe(0);
    expect(next.map.versionOf(1)).toBe(2);
  });
});

test('a map that is shared is left as it is, one that is not moves on', () => {
  const state = fresh();
  const { map } = state;
  const written = { endPart: 1, recordBytes: 1 };
  state.apply(changeOn(state, [0]), written, false);
  expect(state.map).toBe(map);
  const [chunk] = map.chunks;
  state.apply(changeOn(state, [0]), written, false);
  expect(map.chunks[0]).toBe(chunk);
  state.apply(changeOn(state, [0]), written, true);
  expect(state.map).not.toBe(map);
  expect([map.version, state.map.version]).toEqual([2, 3]);
});

test('parts of a commit without a live block wait for reclaim', () => {
  const state = fresh();
  state.apply(changeOn(state, [0]), { endPart: 3, recordBytes: 1 }, false);
  expect(state.live.supersededCount).toBe(2);
  expect(state.live.liveCount).toBe(1);
  state.live.release(segmentNumber(1, 0), version(2));
  expect(state.live.waiting().map(({ firstPart, endPart }) => [firstPart, endPart])).toEqual([
    [0, 1],
    [1, 3],
  ]);
});
