/**
 * Segments are read in the order they were written, and what they are is told from themselves
 * (docs/RECOVERY.md §8).
 */
import { describe, expect, test } from 'vitest';
import { HOLE } from '../../src/format/commit.js';
import { encodeFile } from '../../src/format/files.js';
import { proves, type SegmentShape, segmentsUpTo } from '../../src/recovery/segment-scan.js';
import { algorithmOf, findSource, shapeOf } from '../../src/recovery/source.js';
import type { Outcome } from '../../src/testing/index.js';
import { blockSize, fileId, version } from '../../src/types.js';
import { connectedTo, DAMAGES, edited, LOST, simulated } from '../support/damaged.ts';
import { commitOf, FILE, PATH, SIZE, WHOLE } from '../support/evidence.ts';
import { useGlobals } from '../support/globals.ts';
import { type Segment, segmentOf, storeOf } from '../support/records.ts';

const SHAPE: SegmentShape = { file: FILE, algorithm: 'xxhash32', blockSize: SIZE };
const NOTHING = { ...WHOLE, commits: [], directory: undefined, chunks: [] };

useGlobals();

const connect = async (segments: readonly Segment[]) =>
  await connectedTo(simulated(await storeOf(NOTHING, segments)));

describe('the segments of a file', () => {
  const others = [2, 4].map((file) =>
    segmentOf({ ...SHAPE, file: fileId(file) }, { version: 1, blocks: [0] }),
  );

  async function read(segments: readonly Segment[], last = Number.POSITIVE_INFINITY) {
    const connection = await connect([...others, ...segments]);
    const before = connection.counters.requests;
    const keys: number[][] = [];
    for await (const { version: v, part, value } of segmentsUpTo(connection, FILE, last)) {
      const stored = segments.find(({ key }) => key[1] === v && key[2] === part)?.value;
      expect(new Uint8Array(value)).toEqual(new Uint8Array(stored as ArrayBuffer));
      keys.push([FILE, v, part]);
    }
    return { keys, requests: connection.counters.requests - before };
  }

  // I9. Sixteen to a request for keys and one for values; a page that is not full is the last.
  test.each([
    [0, 1],
    [15, 1],
    [16, 2],
    [17, 2],
    [33, 3],
  ])('%i of them come in order, in %i pages', async (count, pages) => {
    const segments = Array.from({ length: count }, (_, i) =>
      segmentOf(SHAPE, { version: 1 + Math.floor(i / 3), part: i % 3, blocks: [i] }),
    );
    const { keys, requests } = await read(segments);
    expect(keys).toEqual(segments.map(({ key }) => key));
    expect(requests).toBe(2 * pages);
  });

  test('end with the last part of the version that is asked for', async () => {
    const segments = [1, 2, 3].flatMap((v) =>
      [0, 1].map((part) => segmentOf(SHAPE, { version: v, part, blocks: [0] })),
    );
    const { keys } = await read(segments, 2);
    expect(keys).toEqual(segments.slice(0, 4).map(({ key }) => key));
  });

  test('are those that are bytes', async () => {
    const [first, second] = [1, 2].map((v) => segmentOf(SHAPE, { version: v, blocks: [0] }));
    const segments = [first, { key: [FILE, 1, 1], value: 'text' }, second] as Segment[];
    expect((await read(segments)).keys).toEqual([first?.key, second?.key]);
  });
});

describe('a slot proves', () => {
  const { value } = segmentOf(SHAPE, { version: 2, blocks: [7, 8] });
  const segment = { version: version(2), part: 0, value };
  const checksum = new DataView(value).getUint32(2 * SIZE + 12, true);
  const at = { slot: 1, block: 8, checksum };

  test('the block whose bytes it has', () => {
    expect(proves(segment, SHAPE, at)).toBe(true);
    // The last slot ends where the trailer begins; without a trailer it is still there.
    const bare = { ...segment, value: value.slice(0, 2 * SIZE) };
    expect(proves(bare, SHAPE, at)).toBe(true);
  });

  test.each([
    ['another block', {}, { block: 7 }],
    ['another slot', {}, { slot: 0 }],
    ['a slot behind the end', {}, { slot: 2 }],
    ['another checksum', {}, { checksum: checksum ^ 1 }],
    ['one of another file', { file: fileId(4) }, {}],
    ['one of another algorithm', { algorithm: 'crc32c' } as const, {}],
  ])('not %s', (_what, shape, place) => {
    expect(proves(segment, { ...SHAPE, ...shape }, { ...at, ...place })).toBe(false);
  });

  test('no block, though a hole has the checksum of its bytes', () => {
    const hole = segmentOf(SHAPE, { version: 2, blocks: [HOLE] }).value;
    const sum = new DataView(hole).getUint32(SIZE + 4, true);
    const place = { slot: 0, block: HOLE, checksum: sum };
    expect(proves({ ...segment, value: hole }, SHAPE, place)).toBe(false);
  });

  test('not one of another version, nor one that is cut off', () => {
    expect(proves({ ...segment, version: version(3) }, SHAPE, at)).toBe(false);
    const short = { ...segment, value: value.slice(0, 2 * SIZE - 1) };
    expect(proves(short, SHAPE, at)).toBe(false);
  });
});

describe('algorithm and block size are told by', () => {
  test.each([
    [512, 'xxhash32'],
    [512, 'crc32c'],
    [4096, 'crc32c'],
    [65536, 'xxhash32'],
  ] as const)('a segment of %i bytes a block with %s', async (size, algorithm) => {
    const shape = { file: FILE, algorithm, blockSize: blockSize(size) };
    const connection = await connect([segmentOf(shape, { version: 1, blocks: [3] })]);
    expect(await shapeOf(connection, FILE)).toEqual(shape);
  });

  test('the newest that proves itself', async () => {
    const larger = { ...SHAPE, blockSize: blockSize(1024) };
    const connection = await connect([
      segmentOf(SHAPE, { version: 1, blocks: [0, 1] }),
      segmentOf(larger, { version: 2, blocks: [0] }),
      segmentOf(larger, { version: 3, blocks: [1] }),
      { key: [FILE, 4, 0], value: new ArrayBuffer(520) },
      { key: [FILE, 5, 0], value: new ArrayBuffer(7) },
    ]);
    expect(await shapeOf(connection, FILE)).toEqual(larger);
  });

  test('the first that does, where only the algorithm is asked for', async () => {
    const shape = { ...SHAPE, algorithm: 'crc32c' } as const;
    const connection = await connect([
      { key: [FILE, 1, 0], value: new ArrayBuffer(520) },
      segmentOf(shape, { version: 2, blocks: [0] }),
    ]);
    expect(await algorithmOf(connection, FILE)).toBe('crc32c');
    expect(await algorithmOf(await connect([]), FILE)).toBeUndefined();
  });

  test('nothing, if none does', async () => {
    const connection = await connect([{ key: [FILE, 4, 0], value: new ArrayBuffer(520) }]);
    expect(await shapeOf(connection, FILE)).toBeUndefined();
  });
});

describe('the file of a path', () => {
  const CRC: SegmentShape = { ...SHAPE, algorithm: 'crc32c' };
  const COMMITS = { ...NOTHING, commits: [commitOf(1)] };
  const RECORD = { ...WHOLE.file, algorithm: 'crc32c' } as const;
  const FOUND = { path: PATH, file: FILE, algorithm: 'crc32c', born: true, createdMs: 0 };
  const place = { store: 'files', key: PATH };

  const sound = async (evidence = COMMITS, record = RECORD): Promise<Outcome> =>
    edited(await storeOf(evidence, [segmentOf(CRC, { version: 1, blocks: [0] })]), (records) =>
      records.set('files', PATH, encodeFile(record)),
    );
  const find = async (outcome: Outcome, path = PATH) =>
    findSource(await connectedTo(simulated(outcome)), path);

  test('is that of its record', async () => {
    expect(await find(await sound())).toEqual({ file: RECORD, errors: [] });
    expect(await find(await sound(NOTHING))).toEqual({ file: RECORD, errors: [] });
    // Whatever else bears the path: a file of before, say.
    const two = edited(await sound(), (records) =>
      records.set('commits', [9, 1], commitOf(1, { file: fileId(9) }).value),
    );
    expect(await find(two)).toEqual({ file: RECORD, errors: [] });
  });

  test.each([...DAMAGES, LOST])(
    'is that of the commits that bear it, if its record is $name',
    async ({ inflict }) => {
      const { file, errors } = await find(inflict(await sound(), 'files', PATH));
      expect(file).toEqual(FOUND);
      expect(errors).toMatchObject([{ code: 'CORRUPTION', location: place }]);
    },
  );

  test('is that of the commits that bear it, if its record names a file without commits', async () => {
    const stale = await sound(COMMITS, { ...RECORD, file: fileId(9) });
    const { file, errors } = await find(stale);
    expect(file).toEqual(FOUND);
    expect(errors).toMatchObject([{ code: 'CORRUPTION', location: place }]);
  });

  test('is not told where no segment proves itself', async () => {
    const outcome = LOST.inflict(await sound(), 'files', PATH);
    const bare = LOST.inflict(outcome, 'segments', [FILE, 1, 0]);
    await expect(find(bare)).rejects.toMatchObject({ code: 'CORRUPTION', location: place });
  });

  test('is not told by a damaged record that no commit bears', async () => {
    const outcome = edited(await sound(NOTHING), (r) => r.set('files', PATH, 'text'));
    await expect(find(outcome)).rejects.toMatchObject({ code: 'CORRUPTION', location: place });
  });

  test('is none of ours to read if its record is of a newer release', async () => {
    const record = new Uint8Array(encodeFile(RECORD));
    record[4] = 2;
    const outcome = edited(await sound(), (r) => r.set('files', PATH, record.buffer));
    await expect(find(outcome)).rejects.toMatchObject({ code: 'FORMAT_VERSION' });
  });

  test('is none if nothing names it', async () => {
    const finding = find(await sound(), 'no.db');
    await expect(finding).rejects.toMatchObject({ code: 'OPTION' });
    await expect(finding).rejects.toThrow('"path"');
  });
});
