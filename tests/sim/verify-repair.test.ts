/**
 * `verify` names what is wrong with a file's records; `repair` puts right what can be without loss, and
 * touches nothing where it cannot (docs/RECOVERY.md §7).
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeChunk, decodeDirectory, encodeChunk } from '../../src/format/maps.js';
import { recordsOnly, verifyRecords } from '../../src/recovery/verify.js';
import {
  editRecords,
  type Outcome,
  type RecordEditor,
  type SimulatedIndexedDB,
} from '../../src/testing/index.js';
import { blockSize, type ChecksumAlgorithm, type FileId } from '../../src/types.js';
import {
  blocks,
  committed,
  connectedTo,
  DAMAGES,
  edited,
  keysOf,
  LOST,
  open,
  outcomeOf,
  PATH,
  simulated,
} from '../support/damaged.ts';
import { useGlobals } from '../support/globals.ts';
import { segmentOf } from '../support/records.ts';
import { type Content, VOLUME } from '../support/store-dsl.ts';

const FILE = 1 as FileId;
const DIRECTORY = [FILE, -1];
const MARKER = 5;
const SHAPE = { file: FILE, algorithm: 'xxhash32', blockSize: blockSize(512) } as const;

/** Versions 1 and 4 are checkpoints, for they write more blocks than a commit record lists. */
const CHANGES = [
  blocks(0, 2200, 1),
  blocks(5, 3, 2),
  // Cut and extended: what lies between reads as zeros from then on.
  { ...blocks(2190, 1, 3), truncateTo: 2100 },
  blocks(10, 2049, 4),
  blocks(3, 1, 5),
];

useGlobals();

const stores = new Map<ChecksumAlgorithm, Outcome>();
let whole: Outcome;
let content: Content;
beforeAll(async () => {
  for (const checksum of ['xxhash32', 'crc32c'] as const) {
    stores.set(checksum, await committed(CHANGES, { checksum }));
  }
  whole = stores.get('xxhash32') as Outcome;
  content = await contentOf(simulated(whole));
});

async function contentOf(factory: SimulatedIndexedDB): Promise<Content> {
  const store = await open(factory);
  const { defects, unlistedSegments, pendingSegments } = await store.verifyBlocks(PATH);
  expect({ defects, unlistedSegments, pendingSegments }).toEqual({
    defects: [],
    unlistedSegments: 0,
    pendingSegments: 0,
  });
  const read = await store.read(PATH);
  await store.close();
  return read;
}

async function look(factory: IDBFactory, repair: boolean) {
  const { defects, repaired } = await verifyRecords(await connectedTo(factory), PATH, { repair });
  const placesOf = (list: typeof defects) =>
    list.map(({ error }) => {
      const { location } = error as { location?: { store: string; key: IDBValidKey } };
      return location ? [location.store, location.key] : error.code;
    });
  return { defects: placesOf(defects), repaired: placesOf(repaired) };
}

/** The defects are named, and nothing is changed though repair was asked for. */
async function expectLeft(outcome: Outcome, defects: unknown[]): Promise<void> {
  const factory = simulated(outcome);
  expect(await look(factory, false)).toEqual({ defects, repaired: [] });
  expect(await look(factory, true)).toEqual({ defects, repaired: [] });
  expect((await outcomeOf(factory)).databases.get(VOLUME)).toBe(outcome.databases.get(VOLUME));
}

async function expectRepaired(outcome: Outcome, repaired: unknown[]): Promise<SimulatedIndexedDB> {
  const factory = simulated(outcome);
  expect(await look(factory, true)).toEqual({ defects: [], repaired });
  expect(await look(factory, true)).toEqual({ defects: [], repaired: [] });
  expect(await contentOf(factory)).toEqual(content);
  return factory;
}

const fileRecordIn = (outcome: Outcome) =>
  new Uint8Array(editRecords(outcome, VOLUME).get('files', PATH) as ArrayBuffer);

const newer = (records: RecordEditor, store: string, key: IDBValidKey) => {
  const bytes = new Uint8Array(records.get(store, key) as ArrayBuffer);
  bytes[4] = 2;
  return records.set(store, key, bytes.buffer);
};

test('nothing is wrong with a sound file, and nothing is done to it', async () => {
  await expectLeft(whole, []);
});

test('there is nothing to verify of a file that never was', async () => {
  const connection = await connectedTo(simulated(whole));
  const verifying = verifyRecords(connection, 'no.db', { repair: true });
  await expect(verifying).rejects.toMatchObject({ code: 'OPTION' });
  await expect(verifying).rejects.toThrow('"path"');
});

test('the records of a file that does not open are reported alone', async () => {
  const connection = await connectedTo(simulated(LOST.inflict(whole, 'files', PATH)));
  const records = await verifyRecords(connection, PATH, { repair: false });
  const { defects, ...rest } = recordsOnly(PATH, records);
  expect(defects).toMatchObject([{ pages: undefined, error: { code: 'CORRUPTION' } }]);
  const none = { version: 0, fileBytes: 0, blocksChecked: 0, segmentsRead: 0, deletedSegments: 0 };
  const above = { pendingSegments: 0, unlistedSegments: 0 };
  expect(rest).toEqual({ path: PATH, ...none, ...above, repaired: [] });
});

test('repair of a store that keeps nothing of it ends, and says what is still wrong', async () => {
  const connection = await connectedTo(simulated(LOST.inflict(whole, 'files', PATH)));
  connection.write = () => Promise.resolve();
  const { defects, repaired } = await verifyRecords(connection, PATH, { repair: true });
  expect([defects.length, repaired.length]).toEqual([1, 2]);
});

describe.each([...DAMAGES, LOST])('a file record that is $name', ({ inflict }) => {
  test.each(['xxhash32', 'crc32c'] as const)('is written anew as it was (%s)', async (checksum) => {
    const sound = stores.get(checksum) as Outcome;
    const factory = await expectRepaired(inflict(sound, 'files', PATH), [['files', PATH]]);
    expect(fileRecordIn(await outcomeOf(factory))).toEqual(fileRecordIn(sound));
  });
});

describe('a file record cannot be written anew', () => {
  const lost = () => LOST.inflict(whole, 'files', PATH);

  test('if it is of a newer release', async () => {
    await expectLeft(
      edited(whole, (r) => newer(r, 'files', PATH)),
      ['FORMAT_VERSION'],
    );
  });

  test('if no commit bears its path', async () => {
    const alone = keysOf(whole, 'commits').reduce<Outcome>(
      (outcome, key) => LOST.inflict(outcome, 'commits', key),
      edited(whole, (r) => r.set('files', PATH, 'text')),
    );
    await expectLeft(alone, [['files', PATH]]);
  });

  test('if no segment tells its checksum algorithm', async () => {
    const none = keysOf(whole, 'segments').reduce<Outcome>(
      (outcome, key) => LOST.inflict(outcome, 'segments', key),
      lost(),
    );
    await expectLeft(none, [['files', PATH]]);
  });

  test('but a damaged commit record is no hindrance', async () => {
    const factory = simulated(edited(lost(), (r) => r.set('commits', [FILE, 1], 'text')));
    const defects = [['commits', [FILE, 1]]];
    expect(await look(factory, true)).toEqual({ defects, repaired: [['files', PATH]] });
  });
});

describe.each([...DAMAGES, LOST])('a record of the map that is $name', ({ inflict }) => {
  test.each([[DIRECTORY], [[FILE, 2]]])('is rebuilt: %o', async (key) => {
    await expectRepaired(inflict(whole, 'maps', key), [['maps', key]]);
  });
});

describe('the map', () => {
  const MAPS = [DIRECTORY, [FILE, 0], [FILE, 1], [FILE, 2]];

  test('is rebuilt when all of it is gone, with all that waits to be reclaimed', async () => {
    const none = MAPS.reduce<Outcome>((at, key) => LOST.inflict(at, 'maps', key), whole);
    const factory = await expectRepaired(none, [['maps', DIRECTORY]]);
    const stored = editRecords(await outcomeOf(factory), VOLUME).get('maps', DIRECTORY);
    const directory = decodeDirectory(stored, FILE);
    if (!directory.ok) throw new Error('no directory');
    const { version, blockSize, chunks, reclaim } = directory.value;
    expect({ version, blockSize }).toEqual({ version: 4, blockSize: 512 });
    expect([...chunks]).toEqual([0, 1, 2].map((chunk) => [chunk, 4]));
    // Of version 1, blocks 0 … 9 are live in part 0, and 2059 … 2099 in part 17.
    const dead = [...Array.from({ length: 16 }, (_, i) => i + 1), 18];
    expect(reclaim).toEqual(
      dead.map((part) => ({ version: 1, firstPart: part, endPart: part + 1, supersededBy: 4 })),
    );
  });

  test('is rebuilt without what a commit cut off, if only its chunk tells so', async () => {
    const old = [1, 2, 3].reduce<Outcome>(
      (outcome, version) => LOST.inflict(outcome, 'commits', [FILE, version]),
      whole,
    );
    await expectRepaired(LOST.inflict(old, 'maps', DIRECTORY), [['maps', DIRECTORY]]);
  });

  // As a sqliteTx leaves it that spilled a block and then put back the one before.
  test('is rebuilt without blocks that a commit spilled and did not commit', async () => {
    const spilled = segmentOf(SHAPE, { version: 2, part: 1, blocks: [8] });
    const strange = edited(whole, (r) => r.set('segments', [...spilled.key], spilled.value));
    const old = LOST.inflict(strange, 'commits', [FILE, 2]);
    for (const lost of [
      // The commit record tells, then the chunk.
      LOST.inflict(strange, 'maps', [FILE, 0]),
      LOST.inflict(LOST.inflict(old, 'commits', [FILE, 1]), 'maps', DIRECTORY),
    ]) {
      const factory = simulated(lost);
      expect(await look(factory, true)).toMatchObject({ defects: [] });
      expect(await contentOf(factory)).toEqual(content);
    }
  });

  test('is rebuilt with what lies in the later of two segments of a commit', async () => {
    const spilled = segmentOf(SHAPE, { version: 2, part: -1, blocks: [6] });
    const strange = edited(whole, (r) => r.set('segments', [...spilled.key], spilled.value));
    const factory = simulated(LOST.inflict(strange, 'maps', [FILE, 0]));
    expect(await look(factory, true)).toMatchObject({ defects: [] });
    expect(await (await open(factory)).read(PATH)).toEqual(content);
  });

  test('is rebuilt where chunks have no block, and the block size had changed', async () => {
    const sparse = await committed([
      { ...blocks(0, 3, 1), blockBytes: 1024 },
      {
        ...blocks(2, 1, 2),
        writes: new Map([...blocks(0, 1, 2).writes, [2049, 3]]),
        blockBytes: 512,
      },
      blocks(1, 1, 3),
    ]);
    const before = await contentOf(simulated(sparse));
    expect(before.marks.filter((mark) => mark !== undefined)).toHaveLength(7);
    const strange = edited(sparse, (r) => r.duplicate('maps', [FILE, 2], [FILE, 1]));
    const factory = simulated(strange);
    expect(await look(factory, true)).toMatchObject({
      defects: [],
      repaired: [['maps', [FILE, 1]]],
    });
    expect(await contentOf(factory)).toEqual(before);
    expect(keysOf(await outcomeOf(factory), 'maps')).toEqual([DIRECTORY, [FILE, 0], [FILE, 2]]);
  });

  test('is rebuilt together with the file record', async () => {
    const both = LOST.inflict(LOST.inflict(whole, 'files', PATH), 'maps', [FILE, 1]);
    await expectRepaired(both, [
      ['files', PATH],
      ['maps', [FILE, 1]],
    ]);
  });

  test('is rebuilt from segments that others, of another version or none, lie between', async () => {
    const strange = edited(whole, (r) => {
      r.duplicate('segments', [FILE, 1, 0], [FILE, 4, 18]);
      r.set('segments', [FILE, 2, 2], 'text').set('segments', [FILE, 3, 1], new ArrayBuffer(513));
      r.drop('maps', [FILE, 0]);
    });
    const factory = simulated(strange);
    expect(await look(factory, true)).toEqual({ defects: [], repaired: [['maps', [FILE, 0]]] });
    const store = await open(factory);
    expect(await store.read(PATH)).toEqual(content);
  });

  test('is not rebuilt beside a record of a newer release', async () => {
    const outcome = edited(whole, (r) => newer(r, 'maps', [FILE, 2]).drop('maps', [FILE, 1]));
    await expectLeft(outcome, ['FORMAT_VERSION']);
  });

  test.each([[[FILE, 4, 0]], [[FILE, 3, 0]], [[FILE, 1, 0]]])(
    'is not rebuilt without segment %o, which an intact chunk names',
    async (segment) => {
      const outcome = LOST.inflict(whole, 'segments', segment);
      await expectLeft(LOST.inflict(outcome, 'maps', DIRECTORY), [['maps', DIRECTORY]]);
    },
  );

  test('is rebuilt though a stale chunk lists what is reclaimed since', async () => {
    const earlier = await committed(CHANGES.slice(0, 1));
    const stale = edited(whole, (r) => {
      r.makeStale('maps', [FILE, 1], earlier).drop('segments', [FILE, 1, 10]);
    });
    await expectRepaired(stale, [['maps', [FILE, 1]]]);
  });

  test('is not rebuilt when a commit record since its checkpoint is gone', async () => {
    const outcome = LOST.inflict(whole, 'maps', DIRECTORY);
    for (const { inflict } of [...DAMAGES, LOST]) {
      const { defects, repaired } = await look(
        simulated(inflict(outcome, 'commits', [FILE, 4])),
        true,
      );
      expect(defects).not.toEqual([]);
      expect(repaired).toEqual([]);
    }
  });

  test('is not rebuilt when a commit record above its checkpoint is gone, or all are', async () => {
    const longer = await committed([blocks(4, 1, 6)], { from: whole });
    const gap = LOST.inflict(LOST.inflict(longer, 'maps', DIRECTORY), 'commits', [FILE, 5]);
    await expectLeft(gap, [
      ['maps', DIRECTORY],
      ['commits', [FILE, 5]],
    ]);
    const none = keysOf(whole, 'commits').reduce<Outcome>(
      (outcome, key) => LOST.inflict(outcome, 'commits', key),
      whole,
    );
    await expectLeft(none, [['commits', [FILE]]]);
  });

  test('is rebuilt as of its checkpoint: what follows it may still be fallen back over', async () => {
    const cut = await committed([{ ...blocks(0, 1, 6), truncateTo: 100 }], { from: whole });
    const factory = simulated(LOST.inflict(cut, 'maps', DIRECTORY));
    expect(await look(factory, true)).toEqual({ defects: [], repaired: [['maps', DIRECTORY]] });
    const fallen = LOST.inflict(await outcomeOf(factory), 'commits', [FILE, 6]);
    const { marks } = await (await open(simulated(fallen))).read(PATH);
    expect(marks).toEqual(content.marks);
  });

  test('is rebuilt up to the end of the file, though a stale chunk lists more', async () => {
    const first = await committed([blocks(0, 2200, 1)]);
    const later = [{ ...blocks(0, 1, 2), truncateTo: 2160 }, blocks(10, 2049, 3)];
    const shorter = await committed(later, { from: first });
    const before = await contentOf(simulated(shorter));
    const stale = edited(shorter, (r) => {
      r.makeStale('maps', [FILE, 2], first).drop('commits', [FILE, 1]).drop('commits', [FILE, 2]);
    });
    const factory = simulated(stale);
    expect(await look(factory, true)).toEqual({ defects: [], repaired: [['maps', [FILE, 2]]] });
    expect(await contentOf(factory)).toEqual(before);
  });

  // As a sqliteTx leaves it that spilled a block and then cut it off.
  test('is rebuilt up to the end of the file, though a segment has more', async () => {
    const above = segmentOf(SHAPE, { version: 4, part: 18, blocks: [content.marks.length] });
    const strange = edited(whole, (r) => r.set('segments', [...above.key], above.value));
    await expectRepaired(LOST.inflict(strange, 'maps', [FILE, 2]), [['maps', [FILE, 2]]]);
  });

  test('is rebuilt whatever a chunk of another block size lists', async () => {
    const strange = edited(whole, (r) => {
      const chunk = decodeChunk(r.get('maps', [FILE, 1]), { file: FILE, chunk: 1 });
      if (!chunk.ok) throw new Error('no chunk');
      chunk.value.columns.versions.fill(9);
      r.set('maps', [FILE, 1], encodeChunk({ ...chunk.value, blockSize: blockSize(1024) }));
    });
    await expectRepaired(strange, [['maps', [FILE, 1]]]);
  });

  test('is not rebuilt where there never was a checkpoint', async () => {
    const young = edited(await committed([blocks(0, 1, 1)]), (r) => {
      r.set('maps', DIRECTORY, editRecords(whole, VOLUME).get('maps', DIRECTORY));
    });
    const { repaired } = await look(simulated(young), true);
    expect(repaired).toEqual([]);
  });
});

test('what was fallen back over is named and left to the next commit', async () => {
  const at = [FILE, MARKER];
  for (const { inflict } of [...DAMAGES, LOST]) {
    await expectLeft(inflict(whole, 'commits', at), [['commits', at]]);
  }
});
