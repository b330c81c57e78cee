/**
 * Salvage takes only what proves itself, and says of every page what became of it: the report
 * in full, of a file of five blocks.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeFile } from '../../src/format/files.js';
import { salvage } from '../../src/recovery/salvage.js';
import type { Evidence } from '../../src/recovery/scan.js';
import type { Outcome } from '../../src/testing/index.js';
import { blockSize, type FileId } from '../../src/types.js';
import {
  blocks,
  committed,
  connectedTo,
  edited,
  keysOf,
  LOST,
  PATH,
  salvaged,
  simulated,
} from '../support/damaged.ts';
import {
  PATH as A_PATH,
  chunkOf,
  commitOf,
  damaged,
  FAR,
  FILE as OTHER,
  WHOLE,
  without,
} from '../support/evidence.ts';
import { useGlobals } from '../support/globals.ts';
import { type Segment, segmentOf, storeOf } from '../support/records.ts';
import { UNIT_BYTES } from '../support/store-dsl.ts';

const FILE = 1 as FileId;
const SHAPE = { file: FILE, algorithm: 'xxhash32', blockSize: blockSize(UNIT_BYTES) } as const;

useGlobals();

let short: Outcome;
beforeAll(async () => {
  short = await committed(SHORT);
});

/** Block 3 is a hole; what version 2 wrote is superseded. */
const SHORT = [blocks(0, 3, 1), blocks(1, 1, 2), blocks(4, 1, 3), blocks(1, 1, 4)];
const REPORT = {
  path: PATH,
  version: 4,
  fileBytes: 5 * UNIT_BYTES,
  blocksSaved: 4,
  lost: [],
  older: [],
  untold: [],
  newerBlocks: 0,
  headerLost: false,
  defects: [],
};
const at = (version: number, part = 0) => [FILE, version, part];
const mark = (block: number, version: number) => version * 65536 + block;
const MARKS = [mark(0, 1), mark(1, 4), mark(2, 1), undefined, mark(4, 3)];

/** The report but for its defects, which keys they name, and the content. */
async function found(outcome: Outcome) {
  const { report, content } = await salvaged(simulated(outcome));
  const keys = report.defects.map(
    ({ error }) => (error as { location?: { key: IDBValidKey } }).location?.key,
  );
  return { report: { ...report, defects: [] }, keys, marks: content.marks };
}

function gone(outcome: Outcome, ...stores: readonly string[]): Outcome {
  return stores.reduce(
    (left, store) =>
      keysOf(left, store).reduce<Outcome>((o, key) => LOST.inflict(o, store, key), left),
    outcome,
  );
}

describe('the report of', () => {
  test('a sound file names all of it as saved', async () => {
    expect(await found(short)).toEqual({ report: REPORT, keys: [], marks: MARKS });
  });

  test('a file that lacks a segment names an older page', async () => {
    const { report, marks } = await found(LOST.inflict(short, 'segments', at(4)));
    expect(report).toEqual({ ...REPORT, older: [{ first: 2, last: 2 }] });
    expect(marks[1]).toBe(mark(1, 2));
  });

  test('a file that lacks its first segment names lost pages, the header among them', async () => {
    const { report } = await found(LOST.inflict(short, 'segments', at(1)));
    const lost = [
      { first: 1, last: 1 },
      { first: 3, last: 3 },
    ];
    expect(report).toEqual({ ...REPORT, blocksSaved: 2, lost, headerLost: true });
  });

  test('a file that lacks another page does not name the header', async () => {
    const { report } = await found(LOST.inflict(short, 'segments', at(3)));
    expect(report).toEqual({ ...REPORT, blocksSaved: 3, lost: [{ first: 5, last: 5 }] });
  });

  test('a file whose trailers are damaged is that of a sound one: the records name the blocks', async () => {
    const unnamed = edited(short, (r) => {
      r.flipBit('segments', at(4), 8 * UNIT_BYTES).truncate('segments', at(3), UNIT_BYTES);
      r.flipBit('segments', at(1), 8 * (3 * UNIT_BYTES + 12));
    });
    expect(await found(unnamed)).toEqual({ report: REPORT, keys: [], marks: MARKS });
  });

  test('a file that lacks its newest commit counts the blocks of it that are there', async () => {
    const two = [...SHORT.slice(0, 3), blocks(0, 2, 4)];
    const lost = LOST.inflict(await committed(two), 'commits', [FILE, 4]);
    const { report, keys, marks } = await found(lost);
    expect(report).toEqual({ ...REPORT, version: 3, newerBlocks: 2 });
    expect(keys).toEqual([[FILE, 4]]);
    expect(marks).toEqual([mark(0, 1), mark(1, 2), mark(2, 1), undefined, mark(4, 3)]);
  });

  test('a file without any record says that nothing is told', async () => {
    const { report, marks } = await found(gone(short, 'commits'));
    const untold = [{ first: 1, last: 4 }];
    // A hole, or lost: nobody knows.
    expect(report).toEqual({ ...REPORT, untold, lost: [{ first: 4, last: 4 }] });
    expect(marks).toEqual(MARKS);
  });

  test('a file without a middle commit says so, and keeps what is newer', async () => {
    const { report, keys, marks } = await found(LOST.inflict(short, 'commits', [FILE, 2]));
    expect(keys).toEqual([[FILE, 2]]);
    const untold = [{ first: 2, last: 2 }];
    expect(report).toEqual({ ...REPORT, untold, lost: [{ first: 4, last: 4 }] });
    expect(marks).toEqual(MARKS);
  });

  test('a file of two segments names all of it as saved', async () => {
    const { report, marks } = await found(await committed([blocks(0, 130, 1)]));
    const all = { version: 1, fileBytes: 130 * UNIT_BYTES, blocksSaved: 130 };
    expect(report).toEqual({ ...REPORT, ...all });
    expect(marks[129]).toBe(mark(129, 1));
  });

  test('a file with a damaged block names an older page', async () => {
    const { report, marks } = await found(edited(short, (r) => r.flipBit('segments', at(4), 0)));
    expect(report).toEqual({ ...REPORT, older: [{ first: 2, last: 2 }] });
    expect(marks[1]).toBe(mark(1, 2));
  });

  test('a file whose newest commit is lost counts what it added behind the end, too', async () => {
    const grown = await committed([...SHORT.slice(0, 3), blocks(4, 3, 4)]);
    const { report } = await found(LOST.inflict(grown, 'commits', [FILE, 4]));
    expect(report).toEqual({ ...REPORT, version: 3, newerBlocks: 3 });
  });

  test('a file whose trailer names another block does not take it for that', async () => {
    const { report, marks } = await found(
      edited(LOST.inflict(short, 'commits', [FILE, 2]), (r) =>
        r.flipBit('segments', at(2), 8 * UNIT_BYTES),
      ),
    );
    expect(report).toMatchObject({ blocksSaved: 4, older: [] });
    expect(marks).toEqual(MARKS);
  });

  test('a damaged file record names it', async () => {
    const { report, keys } = await found(LOST.inflict(short, 'files', PATH));
    expect({ report, keys }).toEqual({ report: REPORT, keys: [PATH] });
  });
});

// As a sqliteTx leaves it that spilled a block and then put back the one before.
test('what a commit spilled and did not commit is not taken', async () => {
  const strange = edited(LOST.inflict(short, 'commits', [FILE, 2]), (r) => {
    const spilled = segmentOf(SHAPE, { version: 3, part: 1, blocks: [2, 3] });
    r.set('segments', [...spilled.key], spilled.value);
  });
  expect((await found(strange)).marks).toEqual(MARKS);
});

test('a block above the end of the file is not taken', async () => {
  const strange = edited(LOST.inflict(short, 'commits', [FILE, 2]), (r) => {
    const above = segmentOf(SHAPE, { version: 2, part: 1, blocks: [5, 9] });
    r.set('segments', [...above.key], above.value);
  });
  const { report, marks } = await found(strange);
  expect(report).toMatchObject({ blocksSaved: 4, fileBytes: 5 * UNIT_BYTES });
  expect(marks).toEqual(MARKS);
});

describe('what changes while it is being salvaged is found out', () => {
  async function changed(store: string, key: IDBValidKey, value: ArrayBuffer | undefined) {
    const connection = await connectedTo(simulated(short));
    const saved = await salvage(connection, PATH);
    await connection.write(['segments'], 'strict', (r) => {
      if (value) r.put('segments', key, value);
      else r.delete('segments', [key, key]);
    });
    const read = async () => {
      for await (const _ of saved.blocks());
    };
    await expect(read()).rejects.toMatchObject({ code: 'CORRUPTION', location: { store } });
    return await read().catch((error) => error.location.key);
  }

  test('a segment that is gone', async () => {
    expect(await changed('segments', at(3), undefined)).toEqual([FILE]);
  });

  test('a segment that is another', async () => {
    expect(await changed('segments', at(3), new ArrayBuffer(520))).toEqual(at(3));
  });
});

/** Two chunks, three checkpointed versions and two above: what each record is believed in. */
describe('of a file with map chunks', () => {
  const OWN = { ...SHAPE, file: OTHER };
  const SEGMENTS = [[0], [1], [2, FAR], [0], [1]].map((written, i) =>
    segmentOf(OWN, { version: i + 1, blocks: written }),
  );
  const planted = (version: number, block: number) =>
    segmentOf(OWN, { version, part: 1, blocks: [block] });

  async function saved(evidence: Evidence, segments: readonly Segment[] = SEGMENTS) {
    const outcome = edited(await storeOf(evidence, segments), (records) =>
      records.set('files', A_PATH, encodeFile(WHOLE.file)),
    );
    const found = await salvage(await connectedTo(simulated(outcome)), A_PATH);
    const blocksOf: number[] = [];
    for await (const { block, bytes } of found.blocks()) {
      expect(new Set(bytes)).toEqual(new Set([block % 256]));
      blocksOf.push(block);
    }
    return { ...found.report, saved: blocksOf.sort((a, b) => a - b) };
  }
  const ALL = [0, 1, 2, FAR];

  test('a lost chunk costs nothing, for the commits tell what it listed', async () => {
    expect(await saved({ ...WHOLE, chunks: [chunkOf(0)] })).toMatchObject({
      version: 5,
      saved: ALL,
      lost: [],
      older: [],
      untold: [],
    });
  });

  test('a chunk is believed that a block was never written, or is not any more', async () => {
    const commits = without(1, 2, 3);
    const strange = [...SEGMENTS, planted(2, 5), planted(3, 6), planted(2, 2048)];
    const report = await saved({ ...WHOLE, commits, chunks: [chunkOf(0)] }, strange);
    // Of the chunk that is lost, whatever proves itself is taken.
    expect(report.saved).toEqual([0, 1, 2, 2048, FAR]);
    expect(report).toMatchObject({ untold: [{ first: 1, last: 3 }], lost: [] });
  });

  test('what is missing of a lost chunk is lost; what another never had is not', async () => {
    const report = await saved({ ...WHOLE, commits: without(1, 2, 3), chunks: [chunkOf(0)] });
    expect(report).toMatchObject({ saved: ALL, lost: [{ first: 2049, last: 2049 }] });
  });

  test('where versions are untold, all that is missing is lost', async () => {
    const report = await saved({ ...WHOLE, commits: damaged(4) });
    expect(report).toMatchObject({ saved: ALL, lost: [{ first: 4, last: 2049 }] });
  });

  test('an older version than the one that is listed is taken where that is gone', async () => {
    const left = SEGMENTS.filter(({ key }) => key[1] !== 5);
    const report = await saved({ ...WHOLE, chunks: [chunkOf(0)] }, left);
    expect(report).toMatchObject({ saved: ALL, older: [{ first: 2, last: 2 }] });
  });

  test('an unlisted commit does not put anything behind the end of the file', async () => {
    const commits = without(5).concat(commitOf(5, { entries: undefined }));
    const report = await saved({ ...WHOLE, commits }, [...SEGMENTS, planted(5, FAR + 1)]);
    expect(report.saved).toEqual(ALL);
  });

  test.each([[[0]], [[3]], [[0, 1024]], [[5, 2047]]])(
    'without any record, a file of blocks %o ends behind the last of them',
    async (written) => {
      const last = written.at(-1) ?? 0;
      const segments = written.map((block, i) =>
        segmentOf(OWN, { version: i + 1, blocks: [block] }),
      );
      const nothing = { ...WHOLE, commits: [], directory: undefined, chunks: [] };
      const report = await saved(nothing, segments);
      expect(report).toMatchObject({ fileBytes: (last + 1) * UNIT_BYTES, saved: written });
    },
  );
});
