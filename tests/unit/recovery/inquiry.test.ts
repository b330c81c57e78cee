/**
 * P5, P4: what a file's records amount to, and which record each defect names (docs/RECOVERY.md §3).
 *
 * Method: the evidence of a small file, whole, and with one record changed.
 */
import { describe, expect, test } from 'vitest';
import type { CorruptionError } from '../../../src/errors.js';
import { directoryKey, mapKey, spillOwnerKey } from '../../../src/format/keys.js';
import { encodeSpillOwner } from '../../../src/format/spill-owner.js';
import { inquire } from '../../../src/recovery/inquiry.js';
import type { Evidence } from '../../../src/recovery/scan.js';
import { blockSize, version } from '../../../src/types.js';
import {
  bytesOf,
  chunkOf,
  commitOf,
  damaged,
  directoryOf,
  FAR,
  FILE,
  FILE_BLOCKS,
  RECLAIM,
  SIZE,
  WHOLE,
  without,
  YOUNG,
} from '../../support/evidence.ts';

/** Where the defects are: store, key, version. */
function defectsOf(evidence: Evidence): unknown[] {
  const { state, defects } = inquire(evidence);
  expect(state).toBeUndefined();
  return defects.map((error) => {
    const { store, key, version: at } = (error as CorruptionError).location;
    return at === undefined ? [store, key] : [store, key, at];
  });
}

describe('whole evidence amounts to', () => {
  test('the checkpoint with the commits after it', () => {
    const { state, marker, replayedCommits, defects } = inquire(WHOLE);
    expect(defects).toEqual([]);
    expect(replayedCommits).toBe(2);
    expect(marker?.version).toBe(5);
    if (!state) throw new Error('no state');
    const { map, live } = state;
    const place = (block: number) => [
      map.versionOf(block),
      map.slotOf(block),
      map.checksumOf(block),
    ];
    expect([0, 1, 2, 3, FAR].map(place)).toEqual([
      [4, 0, 400],
      [5, 0, 501],
      [3, 0, 302],
      [0, 0, 0],
      [3, 1, 300 + FAR],
    ]);
    expect(map).toMatchObject({ version: 5, blockSize: SIZE, fileBytes: FILE_BLOCKS * SIZE });
    expect(Array.from(map.chunks, (chunk) => chunk !== undefined)).toEqual([true, false, true]);
    expect(state).toMatchObject({ directoryVersion: 3, commitsSinceCheckpoint: 2, marker: [5, 5] });
    expect(state.recordBytesSinceCheckpoint).toBe(bytesOf(WHOLE, 4, 5));
    expect([...state.directory.keys()]).toEqual([0, 2]);
    expect([...state.dirtyChunks]).toEqual([0]);
    // Segments 4/0, 5/0 and 3/0 are live; the first two of the chunks were superseded since.
    expect(live.liveCount).toBe(3);
    expect(live.waiting()).toEqual([
      RECLAIM,
      { version: 1, firstPart: 0, endPart: 1, supersededBy: 4 },
      { version: 2, firstPart: 0, endPart: 1, supersededBy: 5 },
    ]);
  });

  test('the checkpoint alone, whose commit record has the size of the file', () => {
    const { state, replayedCommits } = inquire({ ...WHOLE, commits: [commitOf(3)] });
    expect(replayedCommits).toBe(0);
    expect(state?.map).toMatchObject({ version: 3, fileBytes: FILE_BLOCKS * SIZE });
    expect(state?.map.versionOf(0)).toBe(1);
  });

  test('its commits, where there was no checkpoint', () => {
    const { state, replayedCommits, defects } = inquire(YOUNG);
    expect(defects).toEqual([]);
    expect(replayedCommits).toBe(2);
    expect(state?.map).toMatchObject({ version: 2, blockSize: SIZE, fileBytes: 2 * SIZE });
    expect([0, 1].map((block) => state?.map.versionOf(block))).toEqual([1, 2]);
    expect(state).toMatchObject({ directoryVersion: 0, commitsSinceCheckpoint: 2 });
  });

  test('an unlisted checkpoint, whose entries are in its chunks', () => {
    const commits = [commitOf(3, { entries: undefined }), commitOf(4), commitOf(5)];
    const { state, defects, replayedCommits } = inquire({ ...WHOLE, commits });
    expect(defects).toEqual([]);
    expect(replayedCommits).toBe(2);
    expect(state?.map.versionOf(FAR)).toBe(3);
  });

  test('nothing, for a file that is new', () => {
    const file = { ...WHOLE.file, born: false };
    const { state, marker, defects } = inquire({ ...YOUNG, file, commits: [] });
    expect(defects).toEqual([]);
    expect(marker).toBeUndefined();
    expect(state?.map).toMatchObject({ version: 0, blockSize: 4096, fileBytes: 0, chunks: [] });
  });

  test('the same, whatever the spill owner is, unless it is of a newer format', () => {
    const owner = encodeSpillOwner({ file: FILE, version: version(6), nonce: [1, 2] });
    expect(inquire({ ...WHOLE, spillOwner: owner }).defects).toEqual([]);
    expect(inquire({ ...WHOLE, spillOwner: new ArrayBuffer(40) }).defects).toEqual([]);
    new DataView(owner).setUint16(4, 2, true);
    const { defects, state } = inquire({ ...WHOLE, spillOwner: owner });
    expect(state).toBeUndefined();
    expect(defects).toMatchObject([{ name: 'FormatVersionError' }]);
    expect(spillOwnerKey(FILE)).toEqual([FILE, -2]);
  });
});

const key = (at: number) => [FILE, at];
const DIRECTORY = directoryKey(FILE);
const CHUNK = (chunk: number) => mapKey(FILE, chunk);

test.each<[string, Evidence, unknown[]]>([
  ['a born file without commits', { ...YOUNG, commits: [] }, [['commits', [FILE]]]],
  [
    'a born file whose only commit is damaged',
    { ...YOUNG, commits: [{ key: key(1), value: 7 }] },
    [['commits', key(1), 1]],
  ],
  ['a damaged commit', { ...WHOLE, commits: damaged(4) }, [['commits', key(4), 4]]],
  [
    'a commit under the key of another',
    { ...WHOLE, commits: [...without(5), { key: key(5), value: commitOf(4).value }] },
    [['commits', key(5), 5]],
  ],
  [
    'a commit of another path',
    { ...WHOLE, commits: [...without(5), commitOf(5, { path: 'b.db' })] },
    [['commits', key(5), 5]],
  ],
  ['a commit missing', { ...WHOLE, commits: without(4) }, [['commits', key(4), 4]]],
  [
    'two commits missing',
    { ...WHOLE, commits: [...without(4, 5), commitOf(6)] },
    [
      ['commits', key(4), 4],
      ['commits', key(5), 5],
    ],
  ],
  [
    'the first of a file without a checkpoint missing',
    { ...YOUNG, commits: [commitOf(2)] },
    [['commits', key(1), 1]],
  ],
  [
    'the record of the checkpoint itself missing',
    { ...WHOLE, commits: without(3) },
    [['commits', key(3), 3]],
  ],
  ['the directory missing', { ...WHOLE, directory: undefined }, [['maps', DIRECTORY, 3]]],
  ['the directory damaged', { ...WHOLE, directory: new ArrayBuffer(8) }, [['maps', DIRECTORY]]],
  ['the directory too old', { ...WHOLE, directory: directoryOf(2) }, [['maps', DIRECTORY, 3]]],
  [
    'a directory where the marker knows of none',
    { ...WHOLE, commits: YOUNG.commits, directory: directoryOf(2) },
    [['maps', DIRECTORY, 0]],
  ],
  [
    'the directory above the marker',
    { ...WHOLE, directory: directoryOf(6) },
    [['commits', key(6), 6]],
  ],
  [
    'a checkpoint above that of the directory',
    { ...WHOLE, commits: [...without(5), commitOf(5, { entries: undefined })] },
    [['maps', DIRECTORY, 5]],
  ],
  ['a chunk missing', { ...WHOLE, chunks: [chunkOf(0)] }, [['maps', CHUNK(2), 3]]],
  [
    'a chunk damaged',
    { ...WHOLE, chunks: [chunkOf(0), { key: CHUNK(2), value: 7 }] },
    [['maps', CHUNK(2), 3]],
  ],
  [
    'a chunk that the directory does not list',
    { ...WHOLE, directory: directoryOf(3, [0]) },
    [['maps', CHUNK(2)]],
  ],
  ['a chunk too old', { ...WHOLE, chunks: [chunkOf(0), chunkOf(2, 2)] }, [['maps', CHUNK(2), 3]]],
  [
    'a chunk of another block size',
    { ...WHOLE, chunks: [chunkOf(0), chunkOf(2, 3, blockSize(1024))] },
    [['maps', CHUNK(2), 3]],
  ],
  [
    'a chunk under the key of another',
    { ...WHOLE, chunks: [chunkOf(0), { key: CHUNK(2), value: chunkOf(0).value }] },
    [['maps', CHUNK(2), 3]],
  ],
])('%s is named', (_what, evidence, defects) => {
  expect(defectsOf(evidence)).toEqual(defects);
});

test('a defect in the commits is told before the chunks are looked at', () => {
  const defects = defectsOf({ ...WHOLE, commits: damaged(4), chunks: [] });
  expect(defects).toEqual([['commits', key(4), 4]]);
});
