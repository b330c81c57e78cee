/** P4: what intact records disown is told from what they say nothing about. */
import { expect, test } from 'vitest';
import { decodeCommit } from '../../../src/format/commit.js';
import { decodeChunk } from '../../../src/format/maps.js';
import { goneByChunks, goneByCommits } from '../../../src/recovery/gone.js';
import { blockSize, version } from '../../../src/types.js';
import { chunkOf, commitOf, FAR, FILE, SIZE } from '../../support/evidence.ts';

const LARGER = blockSize(1024);

function commit(...[at, more]: Parameters<typeof commitOf>) {
  const decoded = decodeCommit(commitOf(at, more).value, { file: FILE, version: version(at) });
  if (!decoded.ok) throw new Error('no commit record');
  return decoded.value;
}

function chunk(...at: Parameters<typeof chunkOf>) {
  const decoded = decodeChunk(chunkOf(...at).value, { file: FILE });
  if (!decoded.ok) throw new Error('no chunk');
  return decoded.value;
}

test('a commit cuts off every older version above the blocks it keeps and the end of the file', () => {
  for (const more of [{ keptBlocks: 7 }, { fileBytes: 7 * SIZE }, { fileBytes: 6 * SIZE + 1 }]) {
    const isGone = goneByCommits([commit(5, more)], SIZE);
    expect([isGone(6, 4), isGone(7, 4), isGone(8, 1)]).toEqual([false, true, true]);
    // Its own, and what came later, are told by who wrote them.
    expect([isGone(7, 6), isGone(1, 5)]).toEqual([false, false]);
  }
});

test('a commit does not cut off what it wrote itself', () => {
  const isGone = goneByCommits([commit(5, { keptBlocks: 7, entries: undefined })], SIZE);
  expect([isGone(7, 4), isGone(7, 5)]).toEqual([true, false]);
});

test('a commit of another block size cuts off other blocks', () => {
  const larger = commit(5, { keptBlocks: 7, blockSize: LARGER });
  expect(goneByCommits([larger], SIZE)(8, 1)).toBe(false);
  expect(goneByCommits([larger], LARGER)(8, 1)).toBe(true);
});

test('a commit wrote what it lists and nothing else; an unlisted one does not tell', () => {
  const isGone = goneByCommits([commit(4), commit(5, { entries: undefined })], SIZE);
  expect([isGone(0, 4), isGone(1, 4)]).toEqual([false, true]);
  expect([isGone(0, 5), isGone(0, 3)]).toEqual([false, false]);
});

test('a chunk lists all there was of its blocks when it was saved', () => {
  const isGone = goneByChunks([chunk(0), chunk(2)], SIZE);
  expect([isGone(2, 3), isGone(FAR, 3), isGone(0, 1)]).toEqual([false, false, false]);
  // Another version than it lists, and a block that it does not list at all.
  expect([isGone(2, 2), isGone(1, 3), isGone(9, 3), isGone(FAR + 1, 1)]).toEqual([
    true,
    true,
    true,
    true,
  ]);
  // Later ones, and those of a chunk that is not there.
  expect([isGone(2, 4), isGone(9, 4), isGone(1024, 1)]).toEqual([false, false, false]);
  expect(goneByChunks([chunk(0, 3, LARGER)], SIZE)(9, 3)).toBe(false);
});
