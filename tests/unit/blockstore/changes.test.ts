/** What the last commits changed: never fewer blocks than they did (I9: it forgets, but says so). */
import { describe, expect, test } from 'vitest';
import { RecentChanges } from '../../../src/blockstore/changes.js';
import type { MapChange } from '../../../src/blockstore/map.js';
import { HOLE, KEEP_ALL } from '../../../src/format/commit.js';
import { blockSize, version } from '../../../src/types.js';

const CHANGES_MAX = 16_384;
const SHAPE = { fileBytes: 8192, blockSize: 4096 };

function change(at: number, blocks: readonly number[], more: Partial<MapChange> = {}): MapChange {
  return {
    version: version(at),
    blockSize: blockSize(SHAPE.blockSize),
    fileBytes: SHAPE.fileBytes,
    keptBlocks: KEEP_ALL,
    firstPart: 0,
    entries: { blocks: Uint32Array.from(blocks), checksums: new Uint32Array(blocks.length) },
    ...more,
  };
}

function having(...changes: readonly MapChange[]): RecentChanges {
  const recent = new RecentChanges(SHAPE);
  for (const each of changes) recent.add(each);
  return recent;
}

const count = (n: number) => Array.from({ length: n }, (_, block) => block);

describe('between two versions', () => {
  const recent = having(change(5, [1, 2]), change(6, [2, HOLE, 7]), change(7, [9]));

  test('are the blocks of all commits between them, each once, without holes', () => {
    expect(recent.between(4, 7)).toEqual([1, 2, 7, 9]);
    expect(recent.between(5, 6)).toEqual([2, 7]);
    expect(recent.between(6, 7)).toEqual([9]);
    expect(recent.between(7, 7)).toEqual([]);
  });

  test('may be any where a commit between them is not remembered', () => {
    expect(recent.between(3, 7)).toBeUndefined();
    expect(recent.between(4, 8)).toBeUndefined();
    expect(having().between(0, 1)).toBeUndefined();
  });
});

describe('a commit that changes more than the blocks it lists', () => {
  test.each<[string, Partial<MapChange>]>([
    ['cuts the file', { fileBytes: 4096 }],
    ['has another block size', { blockSize: blockSize(8192) }],
    ['cuts it in between', { keptBlocks: 1 }],
  ])('%s: all is forgotten, and what follows remembered', (_what, more) => {
    const recent = having(change(1, [0]), change(2, [1], more), change(3, [1], more));
    expect(recent.between(1, 2)).toBeUndefined();
    expect(recent.between(0, 1)).toBeUndefined();
    // The shape is that of the commit before.
    const isListed = more.keptBlocks === undefined;
    expect(recent.between(2, 3)).toEqual(isListed ? [1] : undefined);
  });

  test('a file that grows is remembered', () => {
    expect(having(change(1, [2], { fileBytes: 12_288 })).between(0, 1)).toEqual([2]);
  });
});

describe('as many as are remembered', () => {
  test('one commit may have that many, and no more', () => {
    expect(having(change(1, count(CHANGES_MAX))).between(0, 1)).toHaveLength(CHANGES_MAX);
    const recent = having(change(1, [1]), change(2, count(CHANGES_MAX + 1)));
    expect(recent.between(1, 2)).toBeUndefined();
    expect(recent.between(0, 1)).toBeUndefined();
  });

  test('the oldest go first, and what is forgotten leaves its room', () => {
    const recent = having(change(1, count(CHANGES_MAX - 1)), change(2, [1]));
    expect(recent.between(0, 2)).toHaveLength(CHANGES_MAX - 1);
    recent.add(change(3, [2]));
    expect(recent.between(0, 3)).toBeUndefined();
    expect(recent.between(1, 3)).toEqual([1, 2]);
    recent.add(change(4, count(CHANGES_MAX - 2)));
    expect(recent.between(1, 4)).toHaveLength(CHANGES_MAX - 2);
  });

  test('a commit that is not remembered leaves its room as well', () => {
    const cut = change(2, [1], { keptBlocks: 1 });
    const recent = having(change(1, count(CHANGES_MAX)), cut, change(3, [1]), change(4, [2]));
    expect(recent.between(2, 4)).toEqual([1, 2]);
  });
});
