/**
 * `verify` reads every live block of a file and names each defect by record and page; what it deletes,
 * if asked, is certainly nobody's (docs/RECOVERY.md §7).
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { type VerifyReport, verifyBlocks } from '../../src/recovery/verify.js';
import type { Outcome, RecordEditor } from '../../src/testing/index.js';
import type { ChecksumAlgorithm } from '../../src/types.js';
import {
  blocks,
  committed,
  connectedTo,
  edited,
  keysOf,
  open,
  outcomeOf,
  PATH,
  simulated,
} from '../support/damaged.ts';
import { useGlobals } from '../support/globals.ts';
import { UNIT_BYTES, VOLUME } from '../support/store-dsl.ts';

const SLOTS = 120;
const MARKER = 5;
/** Of version 1: part 0 is live but for one block, parts 1 and 2 are superseded by version 4. */
const CHANGES = [
  blocks(0, 2 * SLOTS + 10, 1),
  blocks(1, 1, 2),
  blocks(252, 1, 3),
  blocks(SLOTS, SLOTS + 10, 4),
  blocks(1, 1, 5),
];
const LIVE_SEGMENTS = [
  [1, 1, 0],
  [1, 3, 0],
  [1, 4, 0],
  [1, 4, 1],
  [1, 5, 0],
];
const REPORT: VerifyReport = {
  path: PATH,
  version: MARKER,
  fileBytes: 253 * UNIT_BYTES,
  blocksChecked: 251,
  segmentsRead: LIVE_SEGMENTS.length,
  defects: [],
  repaired: [],
  pendingSegments: 0,
  unlistedSegments: 0,
  deletedSegments: 0,
};
/** Where block 252 lies, alone. */
const ALONE = [1, 3, 0];
/** Where blocks 240 … 249 lie. */
const TEN = [1, 4, 1];

useGlobals();

let whole: Outcome;
beforeAll(async () => {
  whole = await committed(CHANGES);
});

async function verified(outcome: Outcome): Promise<VerifyReport> {
  const file = (await open(simulated(outcome))).file(PATH);
  const report = await verifyBlocks(file, { repair: false });
  expect(file.pinnedCount).toBe(0);
  return report;
}

/** Page, key, version and whether checksums are told, of each defect. */
function placesOf({ defects }: VerifyReport): unknown[] {
  return defects.map(({ pages, error }) => {
    expect(error).toMatchObject({ code: 'CORRUPTION', location: { volume: 'volume' } });
    const { location, expectedChecksum, actualChecksum } = error as never as {
      location: { store: string; key: number[]; version: number };
      expectedChecksum: number | undefined;
      actualChecksum: number | undefined;
    };
    expect(location).toMatchObject({ store: 'segments', version: location.key[1] });
    expect(pages?.first).toBe(pages?.last);
    const told = [expectedChecksum, actualChecksum].filter((sum) => sum !== undefined);
    expect(new Set(told).size).toBe(told.length);
    return [pages?.first, location.key, told.length];
  });
}

describe.each<ChecksumAlgorithm>(['xxhash32', 'crc32c'])('a sound file with %s', (checksum) => {
  test('is read whole, and nothing is wrong with it', async () => {
    expect(await verified(await committed(CHANGES, { checksum }))).toEqual(REPORT);
  });
});

test('a file without commits is sound', async () => {
  const store = await open(simulated(await committed([])));
  const report = await verifyBlocks(store.file(PATH), { repair: true });
  const none = { version: 0, fileBytes: 0, blocksChecked: 0, segmentsRead: 0 };
  expect(report).toEqual({ ...REPORT, ...none });
});

const pagesOf = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => first + 1 + i);

test.each<[string, (records: RecordEditor) => unknown, unknown[], Partial<VerifyReport>]>([
  [
    'is missing',
    (records) => records.drop('segments', TEN),
    pagesOf(240, 10).map((page) => [page, TEN, 0]),
    { blocksChecked: 241, segmentsRead: 4 },
  ],
  [
    'is no bytes at all',
    (records) => records.set('segments', TEN, 'text'),
    pagesOf(240, 10).map((page) => [page, TEN, 0]),
    {},
  ],
  [
    'is cut after its second block: its trailer is gone',
    (records) => records.truncate('segments', TEN, 2 * UNIT_BYTES),
    pagesOf(240, 10).map((page) => [page, TEN, 0]),
    {},
  ],
  [
    'has a bit flipped in a block',
    (records) => records.flipBit('segments', TEN, 8 * 3 * UNIT_BYTES),
    [[244, TEN, 2]],
    {},
  ],
  [
    'has a block number changed in its trailer',
    (records) => records.flipBit('segments', TEN, 8 * (10 * UNIT_BYTES + 9 * 8)),
    [[250, TEN, 0]],
    {},
  ],
  [
    'has a checksum changed in its trailer',
    (records) => records.flipBit('segments', TEN, 8 * (10 * UNIT_BYTES + 4)),
    [[241, TEN, 0]],
    {},
  ],
  [
    'is that of another version',
    (records) => records.duplicate('segments', [1, 5, 0], ALONE),
    [[253, ALONE, 2]],
    {},
  ],
  ['was superseded may be damaged', (records) => records.drop('segments', [1, 2, 0]), [], {}],
])('a segment that %s', async (_what, damage, places, changed) => {
  const report = await verified(edited(whole, damage));
  expect(placesOf(report)).toEqual(places);
  const { defects: _defects, ...rest } = report;
  expect({ ...rest, defects: [] }).toEqual({ ...REPORT, ...changed });
});

describe('segments that nothing names', () => {
  const UNLISTED = [
    [1, 1, 3],
    [1, 5, 1],
  ];
  const PENDING = [
    [1, 6, 0],
    [1, 9, 4],
  ];
  const OTHERS = [2, 1, 0];

  /** A store that is open as its segments come in behind its back, with one of another file. */
  async function littered() {
    const factory = simulated(whole);
    const store = await open(factory, { context: 2 });
    const connection = await connectedTo(factory);
    await connection.write(['segments', 'maps'], 'strict', (r) => {
      for (const key of [...UNLISTED, ...PENDING, OTHERS])
        r.put('segments', key, new ArrayBuffer(8));
      r.put('maps', [1, -2], new ArrayBuffer(8));
    });
    return { factory, file: store.file(PATH) };
  }

  const FOUND = { ...REPORT, pendingSegments: 2, unlistedSegments: 2 };

  test('are counted and left alone', async () => {
    const { factory, file } = await littered();
    const before = await outcomeOf(factory);
    expect(await verifyBlocks(file, { repair: false })).toEqual(FOUND);
    expect((await outcomeOf(factory)).databases.get(VOLUME)).toBe(before.databases.get(VOLUME));
  });

  test('are deleted when that is asked for, and nothing else is', async () => {
    const { factory, file } = await littered();
    const report = await verifyBlocks(file, { repair: true });
    expect(report).toEqual({ ...FOUND, deletedSegments: 4 });
    const after = await outcomeOf(factory);
    expect(keysOf(after, 'segments')).toEqual([...keysOf(whole, 'segments'), OTHERS]);
    expect(keysOf(after, 'maps')).toEqual(keysOf(whole, 'maps'));
    expect(await verifyBlocks(file, { repair: false })).toEqual(REPORT);
  });

  test('stay if somebody committed meanwhile: some may be his', async () => {
    const { factory, file } = await littered();
    await (await connectedTo(factory)).write(['commits'], 'strict', (r) => {
      r.put('commits', [1, MARKER + 1], new ArrayBuffer(8));
    });
    const before = await outcomeOf(factory);
    expect(await verifyBlocks(file, { repair: true })).toEqual(FOUND);
    expect((await outcomeOf(factory)).databases.get(VOLUME)).toBe(before.databases.get(VOLUME));
  });
});

test('who does not hold the writer lock verifies what others committed meanwhile', async () => {
  const factory = simulated(whole);
  const reader = await open(factory, { context: 2, exclusive: false });
  const writer = await open(factory, { context: 3 });
  await writer.commit([blocks(0, 1, 6)], 'strict');
  const report = await verifyBlocks(reader.file(PATH), { repair: false });
  expect(report).toEqual({ ...REPORT, version: 6, segmentsRead: 6 });
});

// I9. One request for the keys, then 16 segments to an idbTx.
test.each([
  [32, 2],
  [33, 3],
])('%i segments are read in %i batches, and nothing is asked to be deleted', async (n, batches) => {
  const outcome = await committed(Array.from({ length: n }, (_, i) => blocks(i, 1, i + 1)));
  const store = await open(simulated(outcome));
  const { counters } = store.volume.connection;
  const before = { ...counters };
  const report = await verifyBlocks(store.file(PATH), { repair: true });
  expect(report).toMatchObject({ blocksChecked: n, segmentsRead: n, defects: [] });
  expect(counters.transactions - before.transactions).toBe(1 + batches);
  expect(counters.requests - before.requests).toBe(1 + n);
});
