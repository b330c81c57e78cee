/**
 * What a damaged file should be is told by its intact records, and what they do not tell is said
 * (docs/RECOVERY.md §8, steps 2 and 3).
 *
 * Method: the records of a small file, whole, and with some changed; what is aimed at, in full.
 */
import { describe, expect, test } from 'vitest';
import { HOLE } from '../../src/format/commit.js';
import { encodeSpillOwner } from '../../src/format/spill-owner.js';
import { type Aim, aimAt } from '../../src/recovery/aim.js';
import type { Evidence } from '../../src/recovery/scan.js';
import { blockSize, version } from '../../src/types.js';
import { connectedTo, simulated } from '../support/damaged.ts';
import {
  chunkOf,
  commitOf,
  damaged,
  directoryOf,
  FAR,
  FILE,
  FILE_BLOCKS,
  SIZE,
  WHOLE,
  without,
  YOUNG,
} from '../support/evidence.ts';
import { useGlobals } from '../support/globals.ts';
import { type Segment, segmentOf, storeOf } from '../support/records.ts';

const BYTES = FILE_BLOCKS * SIZE;
const PER_SEGMENT = 120;
const SHAPE = { file: FILE, algorithm: 'xxhash32', blockSize: SIZE } as const;

useGlobals();

async function aim(evidence: Evidence, segments: readonly Segment[] = []): Promise<Aim> {
  const connection = await connectedTo(simulated(await storeOf(evidence, segments)));
  return await aimAt(connection, { file: WHOLE.file, errors: [] });
}

/** The aim as plain values, and the place of each block that any version wrote. */
async function told(evidence: Evidence, segments?: readonly Segment[]) {
  const { should, trustedUpTo, isGone: _, errors, ...rest } = await aim(evidence, segments);
  const blocks = [0, 1, 2, FAR].map((block) => should.versionOf(block));
  const { version: at, blockSize: size, fileBytes } = should;
  expect(fileBytes).toBe(rest.fileBytes ?? 0);
  return {
    ...rest,
    version: at,
    size,
    blocks,
    trusted: [0, 1, 2].map(trustedUpTo),
    errors: errors.length,
  };
}

const SOUND = {
  version: 5,
  size: SIZE,
  fileBytes: BYTES,
  blocks: [4, 5, 3, 3],
  trusted: [5, 5, 5],
  untold: [],
  lastCommitted: 5,
  errors: 0,
};

describe('where recovery opens the file', () => {
  test('it is the newest version', async () => {
    expect(await told(WHOLE)).toEqual(SOUND);
  });

  test('it is the version that was fallen back to, of all that was committed', async () => {
    expect(await told({ ...WHOLE, commits: damaged(5) })).toEqual({
      ...SOUND,
      version: 4,
      blocks: [4, 2, 3, 3],
      trusted: [4, 4, 4],
      errors: 1,
    });
  });
});

const LEFT = {
  ...SOUND,
  trusted: [3, 3, 3],
  errors: 1,
};

describe('where it does not', () => {
  test('each commit record tells what it wrote, and a lost one is untold', async () => {
    const aimed = await told({ ...WHOLE, commits: damaged(4) });
    expect(aimed).toEqual({ ...LEFT, blocks: [1, 5, 3, 3], untold: [{ first: 4, last: 4 }] });
  });

  test('what a commit wrote lies where it says', async () => {
    const far = commitOf(5, {
      firstPart: 2,
      entries: { blocks: Uint32Array.of(HOLE, FAR), checksums: Uint32Array.of(7, 8) },
      entryCount: 2,
    });
    const { should } = await aim({ ...WHOLE, commits: [...without(4, 5), far] });
    expect([should.versionOf(FAR), should.slotOf(FAR), should.checksumOf(FAR)]).toEqual([
      5,
      2 * PER_SEGMENT + 1,
      8,
    ]);
    expect([should.versionOf(2), should.slotOf(2), should.checksumOf(2)]).toEqual([3, 0, 302]);
  });

  test('several runs of versions are untold', async () => {
    const commits = [...without(3, 4, 5), commitOf(5), commitOf(8), commitOf(9)];
    const { untold, lastCommitted } = await told({ ...WHOLE, commits, chunks: [] });
    expect(lastCommitted).toBe(9);
    expect(untold).toEqual([
      { first: 3, last: 4 },
      { first: 6, last: 7 },
    ]);
  });

  test('what a chunk tells is not untold, whatever commits are gone', async () => {
    const commits = damaged(4).filter(({ key }) => (key as number[])[1] !== 2);
    expect((await told({ ...WHOLE, commits })).untold).toEqual([{ first: 4, last: 4 }]);
  });

  test('an unlisted commit tells only that it was', async () => {
    const newest = [...without(5), commitOf(5, { entries: undefined })];
    const last = await told({ ...WHOLE, commits: newest });
    expect(last).toMatchObject({ version: 5, untold: [{ first: 5, last: 5 }] });
    const commits = [...without(3), commitOf(3, { entries: undefined, entryCount: 9 })];
    const { untold } = await told({ ...WHOLE, commits, chunks: [chunkOf(2)] });
    expect(untold).toEqual([{ first: 3, last: 3 }]);
  });

  test('commits of another path, or under the key of another, tell nothing', async () => {
    const commits = [
      ...without(4, 5),
      commitOf(4, { path: 'b.db' }),
      { key: [FILE, 5], value: commitOf(6).value },
      commitOf(6),
    ];
    const aimed = await told({ ...WHOLE, commits });
    expect(aimed).toMatchObject({ version: 6, blocks: [1, 2, 3, 3], errors: 2 });
    expect(aimed.untold).toEqual([{ first: 4, last: 5 }]);
  });

  test('a missing chunk leaves what its blocks were untold', async () => {
    expect(await told({ ...WHOLE, chunks: [chunkOf(0)] })).toEqual({
      ...LEFT,
      trusted: [3, 3, 0],
    });
    const aimed = await told({ ...WHOLE, commits: without(1, 2), chunks: [chunkOf(0)] });
    expect(aimed).toEqual({
      ...LEFT,
      trusted: [3, 3, 0],
      untold: [{ first: 1, last: 2 }],
    });
  });

  test('a missing chunk that no commit is left to tell of is untold', async () => {
    const commits = without(1, 2, 3);
    const aimed = await told({ ...WHOLE, commits, chunks: [chunkOf(0)] });
    expect(aimed.untold).toEqual([{ first: 1, last: 3 }]);
  });

  test('a missing chunk of what was cut off since is not missed', async () => {
    const commits = without(1, 2, 3, 5).concat(commitOf(5, { fileBytes: 2 * SIZE }));
    const aimed = await told({ ...WHOLE, commits, chunks: [chunkOf(0)] });
    expect(aimed).toMatchObject({ fileBytes: 2 * SIZE, untold: [] });
  });

  test('a chunk under the key of another tells nothing', async () => {
    const misplaced = { key: [FILE, 2], value: chunkOf(0).value };
    const aimed = await told({ ...WHOLE, chunks: [chunkOf(0), misplaced] });
    expect(aimed).toMatchObject({ trusted: [3, 3, 0] });
  });

  test('a stale chunk is believed up to the version it was saved at', async () => {
    const aimed = await told({ ...WHOLE, chunks: [chunkOf(0, 2), chunkOf(2)] });
    // Block 2 is listed by it and by commit 3 alike.
    expect(aimed).toEqual({ ...LEFT, trusted: [2, 3, 3], untold: [] });
  });

  test('a chunk is believed up to the version of the directory that lists it', async () => {
    const aimed = await told({ ...WHOLE, directory: directoryOf(4) });
    expect(aimed).toMatchObject({
      blocks: [1, 5, 3, 3],
      trusted: [4, 4, 4],
    });
  });

  test('chunks and directory of another block size tell nothing', async () => {
    const larger = blockSize(1024);
    const commits = damaged(4)
      .slice(0, 4)
      .concat(commitOf(5, { blockSize: larger }));
    const aimed = await told({ ...WHOLE, commits });
    expect(aimed).toEqual({
      ...SOUND,
      size: larger,
      blocks: [0, 5, 0, 0],
      fileBytes: BYTES,
      trusted: [0, 0, 0],
      untold: [{ first: 4, last: 4 }],
      errors: 1,
    });
  });

  test('what a commit cut off is gone, whatever a chunk lists', async () => {
    const commits = without(4, 5).concat(commitOf(4, { keptBlocks: 2 }), commitOf(5));
    const aimed = await told({ ...WHOLE, commits, chunks: [chunkOf(2), chunkOf(0, 2)] });
    expect(aimed.blocks).toEqual([4, 5, 0, 0]);
  });

  test('what a commit wrote where it had cut off is there', async () => {
    const commits = damaged(4).map((record) =>
      (record.key as number[])[1] === 3 ? commitOf(3, { keptBlocks: 2 }) : record,
    );
    const aimed = await told({ ...WHOLE, commits });
    expect(aimed.blocks).toEqual([1, 5, 3, 3]);
  });

  test('what a shorter file had above its end is gone', async () => {
    const commits = without(4, 5).concat(commitOf(4, { fileBytes: 2 * SIZE }), commitOf(5));
    const aimed = await told({ ...WHOLE, commits, chunks: [chunkOf(2)] });
    expect(aimed.blocks.slice(2)).toEqual([0, 0]);
  });
});

describe('without commit records', () => {
  const NONE = { ...WHOLE, commits: [] };

  test('the directory tells the version, and the size of the file is not known', async () => {
    expect(await told(NONE)).toEqual({
      ...SOUND,
      version: 3,
      fileBytes: undefined,
      blocks: [1, 2, 3, 3],
      trusted: [3, 3, 3],
      lastCommitted: 3,
      errors: 1,
    });
  });

  test('a chunk that the directory lists and that is lost is untold', async () => {
    for (const chunk of [0, 2]) {
      const aimed = await told({ ...NONE, chunks: [chunkOf(chunk)] });
      expect(aimed).toMatchObject({ trusted: [chunk === 0 ? 3 : 0, 3, chunk === 2 ? 3 : 0] });
      expect(aimed.untold).toEqual([{ first: 1, last: 3 }]);
    }
  });

  test('a chunk tells the version as well', async () => {
    const aimed = await told({ ...NONE, directory: undefined, chunks: [chunkOf(0)] });
    expect(aimed).toMatchObject({ version: 3, size: SIZE, trusted: [3, 0, 0] });
    // There may have been others.
    expect(aimed.untold).toEqual([{ first: 1, last: 3 }]);
  });

  test('the marker tells the size of the file only of its own version', async () => {
    const aimed = await told({ ...WHOLE, commits: without(3, 4, 5) });
    expect(aimed).toMatchObject({ version: 3, fileBytes: undefined, lastCommitted: 3 });
  });
});

describe('without any record', () => {
  const NOTHING = { ...YOUNG, commits: [] };
  const segments = [1, 2, 7].map((v) => segmentOf(SHAPE, { version: v, blocks: [v] }));
  const owner = encodeSpillOwner({ file: FILE, version: version(7), nonce: [1, 2] });

  test.each([
    ['the newest segment', undefined, 7],
    ['the newest that nobody merely spilled', owner, 2],
    ['the newest segment, whoever owns it by a damaged record', owner.slice(0, 39), 7],
  ])('%s tells the version', async (_what, spillOwner, at) => {
    expect(await told({ ...NOTHING, spillOwner }, segments)).toEqual({
      ...SOUND,
      version: at,
      fileBytes: undefined,
      blocks: [0, 0, 0, 0],
      trusted: [0, 0, 0],
      untold: [{ first: 1, last: at }],
      lastCommitted: at,
      errors: 1,
    });
  });

  test('or segment that proves itself, nothing is aimed at', async () => {
    const location = { volume: 'volume', store: 'segments', key: [FILE] };
    await expect(aim(NOTHING)).rejects.toMatchObject({ code: 'CORRUPTION', location });
    const junk = { key: [FILE, 1, 0], value: new ArrayBuffer(520) } as const;
    await expect(aim(NOTHING, [junk])).rejects.toMatchObject({ code: 'CORRUPTION', location });
  });
});

test('a record of a newer release is not looked past', async () => {
  const newest = commitOf(5);
  new DataView(newest.value as ArrayBuffer).setUint16(4, 2, true);
  const aiming = aim({ ...WHOLE, commits: [...damaged(4).slice(0, 4), newest] });
  await expect(aiming).rejects.toMatchObject({ code: 'FORMAT_VERSION' });
});
