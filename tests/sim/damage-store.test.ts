/**
 * Wrong bytes are never served, and a block that is gone is never read as zeros (P4, DESIGN §4 I7).
 *
 * Each test damages the segments of a small file and reads it anew: bytes that are intact and in the
 * wrong place included.
 */
import { describe, expect, test } from 'vitest';
import { CorruptionError } from '../../src/errors.js';
import { blockChecksum } from '../../src/format/checksum.js';
import {
  editRecords,
  type Outcome,
  type RecordEditor,
  SimulatedIndexedDB,
} from '../../src/testing/index.js';
import type { BlockNumber, ChecksumAlgorithm, FileId, Version } from '../../src/types.js';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, UNIT_BYTES, VOLUME } from '../support/store-dsl.ts';

const PATH = 'one.db';
const ALGORITHMS: readonly ChecksumAlgorithm[] = ['xxhash32', 'crc32c'];

useGlobals();

/** Blocks 0 and 1 of version 1, block 4 of version 2 and then of 3; 2 and 3 were never written. */
async function stored(checksum: ChecksumAlgorithm) {
  const sim = new SimulatedIndexedDB({ trace: false });
  const store = await Store.open({ factory: sim, paths: [PATH], checksum });
  await store.commit([blocks(PATH, 0, 2, 1)], 'strict');
  await store.commit([blocks(PATH, 4, 1, 2)], 'strict');
  await store.commit([blocks(PATH, 4, 1, 3)], 'strict');
  await store.close();
  await sim.idle();
  const [outcome] = sim.outcomes('process');
  if (!outcome) throw new Error('nothing is stored');
  return { sim, outcome };
}

async function readDamaged(
  { sim, outcome }: { sim: SimulatedIndexedDB; outcome: Outcome },
  damage: (records: RecordEditor) => RecordEditor,
) {
  const factory = sim.fork(damage(editRecords(outcome, VOLUME)).outcome());
  const store = await Store.open({ factory, paths: [PATH] });
  return await store.read(PATH);
}

function bytesOf(records: RecordEditor, version: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(records.get('segments', [1, version, 0]) as ArrayBuffer);
}

describe.each(ALGORITHMS)('%s', (checksum) => {
  test('undamaged, what was never written is zeros', async () => {
    const { marks } = await readDamaged(await stored(checksum), (records) => records);
    expect(marks).toEqual([4096, 4097, undefined, undefined, 3 * 4096 + 4]);
  });

  test.each<[string, (records: RecordEditor) => RecordEditor]>([
    ['is missing', (records) => records.drop('segments', [1, 3, 0])],
    ['is empty', (records) => records.truncate('segments', [1, 3, 0], 0)],
    ['is cut short', (records) => records.truncate('segments', [1, 1, 0], UNIT_BYTES)],
    ['has a bit flipped', (records) => records.flipBit('segments', [1, 3, 0], 8 * UNIT_BYTES - 1)],
    ['is no bytes at all', (records) => records.set('segments', [1, 3, 0], 'text')],
    [
      'has its blocks exchanged',
      (records) => {
        const bytes = bytesOf(records, 1);
        const first = bytes.slice(0, UNIT_BYTES);
        bytes.copyWithin(0, UNIT_BYTES, 2 * UNIT_BYTES).set(first, UNIT_BYTES);
        return records.set('segments', [1, 1, 0], bytes.buffer);
      },
    ],
    [
      'is that of the version before',
      (records) => records.duplicate('segments', [1, 2, 0], [1, 3, 0]),
    ],
  ])('a segment that %s is damage', async (_what, damage) => {
    const file = await stored(checksum);
    await expect(readDamaged(file, damage)).rejects.toThrow(CorruptionError);
  });

  // Two identities of one content must not have one checksum: each of the three parts counts.
  test('the same bytes have another checksum as another block, version or file', () => {
    const id = { file: 1 as FileId, block: 2 as BlockNumber, version: 3 as Version };
    const others = [
      { ...id, file: 2 as FileId },
      { ...id, block: 3 as BlockNumber },
      { ...id, version: 4 as Version },
      { ...id, version: (3 + 2 ** 32) as Version },
    ];
    const bytes = new Uint8Array(UNIT_BYTES).fill(7);
    const checksums = [id, ...others].map((each) => blockChecksum(checksum, each, bytes));
    expect(new Set(checksums).size).toBe(5);
  });
});
