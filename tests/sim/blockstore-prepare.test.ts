/**
 * What a commit says of itself: in its segments, in its record, and to who bounds what waits
 * (FORMAT.md).
 */
import { describe, expect, test } from 'vitest';
import { decodeCommit } from '../../src/format/commit.js';
import { LISTED_ENTRIES_MAX } from '../../src/format/layout.js';
import { segmentEntries } from '../../src/format/segment.js';
import { proves } from '../../src/recovery/segment-scan.js';
import { blockSize, type FileId, version } from '../../src/types.js';
import { Lab, PATH } from '../support/commit-lab.ts';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { UNIT_BYTES } from '../support/store-dsl.ts';
import { TOGETHER } from '../support/write-behind.ts';

const FILE = 1 as FileId;
const SIZE = blockSize(UNIT_BYTES);
const SHAPE = { file: FILE, algorithm: 'xxhash32', blockSize: SIZE } as const;
const ALL_AT_ONCE = { spillBytes: 2 ** 30 };

useGlobals();

/** A store with one commit of `count` blocks: its record, and its segments. */
async function committed(count: number, spillBytes: number) {
  const lab = new Lab();
  const store = await lab.open({ spillBytes });
  await store.commit([blocks(PATH, 0, count, 1)], 'strict');
  const records = await lab.records();
  const decoded = decodeCommit(records.get('commits', [FILE, 1]), { file: FILE });
  if (!decoded.ok) throw new Error('no commit record');
  const segments = records.keys('segments').map((key) => {
    const [, at = 0, part = 0] = key as number[];
    const value = records.get('segments', key) as ArrayBuffer;
    return { version: version(at), part, value };
  });
  return { commit: decoded.value, segments };
}

// Goal: salvage can do without any record. Method: what the trailers name, and what is there, in all segments.
test.each([
  ['sent with the commit', 2 ** 30],
  ['spilled before', 2 * 61_440],
])(
  'segments %s name each of their blocks, as the commit record does',
  async (_when, spillBytes) => {
    const { commit, segments } = await committed(300, spillBytes);
    const entries = segments.flatMap(({ value }) => segmentEntries(value, SIZE));
    expect(entries).toEqual(
      Array.from(commit.entries?.blocks ?? [], (block, i) => ({
        block,
        checksum: commit.entries?.checksums[i],
      })),
    );
    expect(entries.map(({ block }) => block)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    for (const segment of segments) {
      for (const [slot, entry] of segmentEntries(segment.value, SIZE).entries()) {
        expect(proves(segment, SHAPE, { ...entry, slot })).toBe(true);
      }
    }
  },
);

describe('a commit record', () => {
  test.each([
    [LISTED_ENTRIES_MAX, true],
    [LISTED_ENTRIES_MAX + 1, false],
  ])('of %i blocks lists them: %s', async (count, isListed) => {
    const { commit } = await committed(count, ALL_AT_ONCE.spillBytes);
    expect(commit.entryCount).toBe(count);
    expect(commit.entries !== undefined).toBe(isListed);
  });
});

test('what waits is counted by the bytes of its segments', async () => {
  const store = await new Lab().open({ ...ALL_AT_ONCE, writeBehind: TOGETHER });
  const { committer } = store.volume;
  await store.commit([blocks(PATH, 0, 3, 1)], 'deferred');
  await store.commit([blocks(PATH, 0, 300, 2)], 'deferred');
  expect(committer.deferredBytes).toBe(303 * (UNIT_BYTES + 8));
  await committer.drained();
  expect(committer.deferredBytes).toBe(0);
});
