/**
 * Salvage takes only what proves itself, and says of every page what became of it: the small and quick
 * part of `salvage.test.ts`, and the report in full.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { salvage } from '../../src/recovery/salvage.js';
import { editRecords, installGlobals, type Outcome } from '../../src/testing/index.js';
import { blockSize, type FileId } from '../../src/types.js';
import {
  blocks,
  committed,
  connectedTo,
  DAMAGES,
  edited,
  type Harm,
  keysOf,
  LOST,
  PATH,
  salvaged,
  simulated,
} from '../support/damaged.ts';
import { honestyOf } from '../support/honest.ts';
import { segmentOf } from '../support/records.ts';
import { type Change, UNIT_BYTES, VOLUME } from '../support/store-dsl.ts';
import { StoreModel } from '../support/store-model.ts';

const FILE = 1 as FileId;
const SHAPE = { file: FILE, algorithm: 'xxhash32', blockSize: blockSize(UNIT_BYTES) } as const;

let uninstall: () => void;
let short: Outcome;
beforeAll(async () => {
  uninstall = installGlobals();
  short = await committed(SHORT);
});
afterAll(() => uninstall());

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
    const damaged = edited(short, (r) => {
      r.flipBit('segments', at(4), 8 * UNIT_BYTES).truncate('segments', at(3), UNIT_BYTES);
      r.flipBit('segments', at(1), 8 * (3 * UNIT_BYTES + 12));
    });
    expect(await found(damaged)).toEqual({ report: REPORT, keys: [], marks: MARKS });
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

/** A checkpoint at version 64; at version 10 two chunks are cut to three blocks, and one is extended. */
const CHANGES: readonly Change[] = Array.from({ length: 67 }, (_, i) => {
  if (i === 0) return blocks(0, 6, 1);
  if (i === 1) return blocks(1030, 2, 2);
  if (i === 9) return { ...blocks(6, 1, 10), truncateTo: 3 };
  if (i === 20 || i === 64) return blocks(1027, 2, i + 1);
  return blocks(i % 3, 1, i + 1);
});
const expectHonest = honestyOf(
  new StoreModel(
    [PATH],
    CHANGES.map((change) => ({ changes: [change], durability: 'strict' })),
  ),
);

describe('a file with a checkpoint', () => {
  let long: Outcome;
  let victims: readonly (readonly [store: string, key: IDBValidKey])[];
  let harms: readonly Harm[];
  beforeAll(async () => {
    const earlier = await committed(CHANGES.slice(0, 30));
    long = await committed(CHANGES.slice(30), { from: earlier });
    const stale: Harm = {
      name: 'an older one',
      inflict: (outcome, store, key) =>
        editRecords(outcome, VOLUME).makeStale(store, key, earlier).outcome(),
    };
    harms = [LOST, ...DAMAGES, stale];
    const versions = [1, 2, 3, 10, 21, 63, 64, 65, 66, 67];
    victims = ['files', 'maps', 'commits', 'segments'].flatMap((store) =>
      keysOf(long, store)
        .filter(
          (key) => store === 'maps' || key === PATH || versions.includes((key as number[])[1] ?? 0),
        )
        .map((key) => [store, key] as const),
    );
  });

  test('is salvaged whole', async () => {
    expect(await expectHonest(long)).toEqual({ lost: 0, older: 0, back: 0, untold: 0 });
  });

  test('is salvaged but for one segment, whichever record comes to harm', async () => {
    for (const [i, [store, key]] of victims.entries()) {
      const { inflict } = harms[i % harms.length] as Harm;
      const { lost, older } = await expectHonest(inflict(long, store, key));
      if (store === 'segments') continue;
      expect({ store, key, lost, older }).toEqual({ store, key, lost: 0, older: 0 });
    }
  });

  test('is told truly about, whichever two records come to harm', async () => {
    const met = { lost: 0, older: 0 };
    for (const [i, [store, key]] of victims.entries()) {
      const [other, otherKey] = victims[(i * 7 + 3) % victims.length] ?? ['', ''];
      const harm = harms[i % harms.length] as Harm;
      const once = harm.inflict(long, store, key);
      const { lost, older } = await expectHonest(LOST.inflict(once, other, otherKey));
      met.lost += lost;
      met.older += older;
    }
    expect(met.lost).toBeGreaterThan(0);
    expect(met.older).toBeGreaterThan(0);
  });
});
