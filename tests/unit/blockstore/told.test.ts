import { expect, test } from 'vitest';
import { type News, Told } from '../../../src/blockstore/told.js';
import { type CommitRecord, KEEP_ALL } from '../../../src/format/commit.js';
import type { BlockSize, FileId, Version } from '../../../src/types.js';

function commit(version: number, more: Partial<CommitRecord> = {}): CommitRecord {
  const entries = { blocks: Uint32Array.of(0), checksums: Uint32Array.of(1) };
  return {
    file: 1 as FileId,
    path: 'one.db',
    blockSize: 4096 as BlockSize,
    version: version as Version,
    base: (version - 1) as Version,
    fileBytes: 8192,
    directoryVersion: 0 as Version,
    nonce: [1, version],
    timeMs: 0,
    firstPart: 0,
    endPart: 1,
    keptBlocks: KEEP_ALL,
    entries,
    entryCount: 1,
    ...more,
  };
}

function told(at: CommitRecord = commit(5)): { told: Told; heard: News[] } {
  const heard: News[] = [];
  const made = new Told((news) => heard.push(news));
  made.reached(at, []);
  return { told: made, heard };
}

test('what is there when the file is first read is no news', () => {
  expect(told().heard).toEqual([]);
});

test('an own commit is told with its time, and not again when the state is read', () => {
  const { told: it, heard } = told();
  const own = commit(6);
  it.own(own, 3);
  it.reached(own, [commit(5), own]);
  expect(heard).toEqual([{ version: 6, after: 5, ownMs: 3, listed: own, blockCount: 1 }]);
});

test('commits of others are told one by one, as far as they follow and are in force', () => {
  const { told: it, heard } = told();
  const [six, seven] = [commit(6), commit(7)];
  it.reached(seven, [commit(4), commit(5), six, seven, commit(8)]);
  expect(heard).toEqual([
    { version: 6, after: 5, ownMs: undefined, listed: six, blockCount: 1 },
    { version: 7, after: 6, ownMs: undefined, listed: seven, blockCount: 1 },
  ]);
});

test('versions without records are told as one', () => {
  const { told: it, heard } = told();
  const nine = commit(9);
  it.reached(nine, [commit(8), nine]);
  const unknown = { ownMs: undefined, listed: undefined, blockCount: undefined };
  expect(heard).toEqual([{ version: 9, after: 5, ...unknown }]);
  it.reached(commit(10), [commit(10)]);
  expect(heard.slice(1)).toMatchObject([{ version: 10, after: 9 }]);
});

test.each<[string, Partial<CommitRecord>]>([
  ['wrote more than its record lists', { entries: undefined }],
  ['cut the file', { fileBytes: 4096 }],
  ['cut the file and let it grow again', { keptBlocks: 1 }],
  ['changed the block size', { blockSize: 8192 as BlockSize }],
])('a commit that %s may have changed any page', (_what, more) => {
  const { told: it, heard } = told();
  const odd = commit(6, more);
  it.reached(odd, [odd]);
  expect(heard).toEqual([
    { version: 6, after: 5, ownMs: undefined, listed: undefined, blockCount: 1 },
  ]);
});

test('the first commit of a file is listed, whatever its block size', () => {
  const { told: it, heard } = told(commit(0, { fileBytes: 0 }));
  const first = commit(1, { blockSize: 512 as BlockSize, keptBlocks: 0 });
  it.own(first, 1);
  expect(heard[0]?.listed).toBe(first);
});

test('a file in the place of another is told from its first version on', () => {
  const { told: it, heard } = told();
  it.replaced();
  it.reached(commit(2), [commit(1), commit(2)]);
  expect(heard.map(({ version, after }) => [version, after])).toEqual([
    [1, 0],
    [2, 1],
  ]);
});

test('an older version is no news', () => {
  const { told: it, heard } = told();
  it.reached(commit(3), []);
  expect(heard).toEqual([]);
});
