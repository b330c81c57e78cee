/**
 * Recovery reads of a file what there is, in few requests, and tells what lies above its marker
 * (docs/RECOVERY.md §2).
 */
import { describe, expect, test } from 'vitest';
import { encodeSpillOwner } from '../../src/format/spill-owner.js';
import { numberIn, scan } from '../../src/recovery/scan.js';
import type { SegmentShape } from '../../src/recovery/segment-scan.js';
import { version } from '../../src/types.js';
import { connectedTo, simulated } from '../support/damaged.ts';
import { FILE, SIZE, WHOLE, YOUNG } from '../support/evidence.ts';
import { useGlobals } from '../support/globals.ts';
import { segmentOf, storeOf } from '../support/records.ts';

const SHAPE: SegmentShape = { file: FILE, algorithm: 'xxhash32', blockSize: SIZE };

useGlobals();

const segments = (...places: readonly (readonly [version: number, part: number])[]) =>
  places.map(([v, part]) => segmentOf(SHAPE, { version: v, part, blocks: [0] }));
const BELOW = segments([3, 0], [4, 0], [5, 0]);

async function scanned(evidence: typeof WHOLE, above: ReturnType<typeof segments>) {
  const connection = await connectedTo(
    simulated(await storeOf(evidence, [...BELOW.slice(0, evidence.commits.length), ...above])),
  );
  const before = connection.counters.requests;
  const found = await scan(connection, evidence.file);
  return { found, requests: connection.counters.requests - before };
}

describe('a scan finds', () => {
  test('all that is told of the file, and asks for nothing more where nothing lies above', async () => {
    const { found, requests } = await scanned(WHOLE, []);
    const { commits, directory, chunks } = WHOLE;
    const volume = found.volume;
    expect(found).toEqual({ ...WHOLE, volume, commits, directory, chunks });
    // Keys and values of commits and of maps, and the first key above.
    expect(requests).toBe(5);
  });

  test('the same of a file that has no map yet', async () => {
    const { found, requests } = await scanned({ ...YOUNG, commits: [] }, []);
    expect(found).toMatchObject({ commits: [], directory: undefined, chunks: [] });
    expect(requests).toBe(5);
  });

  test('the first and the last of what lies above the newest commit', async () => {
    const { found } = await scanned(WHOLE, segments([6, 0], [6, 1], [8, 2]));
    expect([found.above, found.topUnowned]).toEqual([
      [FILE, 6, 0],
      [FILE, 8, 2],
    ]);
  });

  test.each([
    ['the owner’s', 6, undefined],
    ['of a commit below the owner’s', 7, [FILE, 6, 1]],
  ])('the last that no owner has, where what lies above is %s', async (_whose, at, top) => {
    const spillOwner = encodeSpillOwner({ file: FILE, version: version(at), nonce: [1, 1] });
    const above = segments([6, 0], [6, 1], [7, 0]).slice(0, at === 6 ? 2 : 3);
    const { found } = await scanned({ ...WHOLE, spillOwner }, above);
    expect(found.above).toEqual([FILE, 6, 0]);
    expect(found.topUnowned).toEqual(top);
  });
});

test('a key that has no number has none', () => {
  expect([[3, 7], [3, 'a'], [3], 'text', 5].map((key) => numberIn(key))).toEqual([7, 0, 0, 0, 0]);
});
