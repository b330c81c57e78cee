/**
 * P12: every released format opens for ever; a newer one is refused and left untouched.
 *
 * Method: a volume of format 1 with every class of record, kept in `tests/fixtures/format-v1` since its
 * release, is opened, read, verified and written to; then each of its records in turn claims format 2.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FormatVersionError } from '../../src/errors.js';
import { spillOwnerKey } from '../../src/format/keys.js';
import { encodeSpillOwner } from '../../src/format/spill-owner.js';
import { editRecords, type Outcome, SimulatedIndexedDB } from '../../src/testing/index.js';
import { fileId, version } from '../../src/types.js';
import { blocks, expectFiles, onlyOutcome, PATHS } from '../support/crash-plan.ts';
import { recordsOf } from '../support/damage.ts';
import { type Fixture, filesOf, outcomeOfFixture, toFixture } from '../support/fixture.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, UNIT_BYTES, VOLUME } from '../support/store-dsl.ts';
import { type Step, StoreModel } from '../support/store-model.ts';

const FIXTURES: readonly [name: string, file: string][] = [
  ['1', '../fixtures/format-v1/volume.json'],
];

useGlobals();

function load(file: string): Fixture {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Fixture;
}

function fork(outcome: Outcome): SimulatedIndexedDB {
  return new SimulatedIndexedDB({ trace: false }, outcome.databases);
}

describe.each(FIXTURES)('a volume of format %s', (_name, file) => {
  const fixture = load(file);

  test('opens, is sound, holds what was written, and can be written to', async () => {
    const factory = fork(await outcomeOfFixture(fixture));
    const store = await Store.open({ factory, paths: PATHS });
    await expectFiles(store, filesOf(fixture), 'opening');
    for (const path of PATHS) expect(await store.verify(path)).toEqual([]);
    await store.commit([blocks('one.db', 0, 1, 9), blocks('two.db', 0, 1, 9)], 'strict');
    await store.close();
    const again = await Store.open({ factory, paths: PATHS });
    expect((await again.read('two.db')).marks[0]).toBe(9 * 4096);
    await again.close();
  });

  test('of which any record is of a newer format is refused, and stays as it is', async () => {
    const outcome = withSpillOwner(await outcomeOfFixture(fixture));
    let refusals = 0;
    for (const { store, key } of recordsOf(outcome)) {
      if (store === 'segments') continue;
      const value = editRecords(outcome, VOLUME).get(store, key) as ArrayBuffer;
      const newer = withNewer(outcome, { store, key, value });
      const factory = fork(newer);
      await expect(use(factory), `${store} ${JSON.stringify(key)}`).rejects.toBeInstanceOf(
        FormatVersionError,
      );
      await factory.idle();
      const after = onlyOutcome(factory);
      expect(after.databases.get(VOLUME)).toBe(newer.databases.get(VOLUME));
      refusals++;
    }
    expect(refusals).toBeGreaterThan(10);
  });

  test('in an IndexedDB database of a newer version is refused, and stays as it is', async () => {
    const outcome = await outcomeOfFixture(fixture);
    const state = outcome.databases.get(VOLUME);
    if (!state) throw new Error('There is no volume.');
    const newer = { ...outcome, databases: new Map([[VOLUME, { ...state, version: 2 }]]) };
    const factory = fork(newer);
    await expect(use(factory)).rejects.toBeInstanceOf(FormatVersionError);
    await factory.idle();
    expect(onlyOutcome(factory).databases.get(VOLUME)).toBe(newer.databases.get(VOLUME));
  });
});

/** A sqliteTx of the first file had begun to spill. */
function withSpillOwner(outcome: Outcome): Outcome {
  const value = encodeSpillOwner({ file: fileId(1), version: version(7), nonce: [1, 2] });
  return editRecords(outcome, VOLUME)
    .set('maps', spillOwnerKey(fileId(1)), value)
    .outcome();
}

/** The record, with 2 where its format stands. */
function withNewer(
  outcome: Outcome,
  { store, key, value }: { store: string; key: IDBValidKey; value: ArrayBuffer },
): Outcome {
  const bytes = new Uint8Array(value.slice(0));
  bytes[4] = 2;
  return editRecords(outcome, VOLUME).set(store, key, bytes.buffer).outcome();
}

/** Opens, reads and writes every file. */
async function use(factory: SimulatedIndexedDB): Promise<void> {
  const store = await Store.open({ factory, paths: PATHS });
  for (const path of PATHS) await store.read(path);
  for (const path of PATHS) await store.commit([blocks(path, 0, 1, 9)], 'strict');
}

const SIZE = 2 * UNIT_BYTES;

/** What the fixture was made of: two checkpoints, and something to reclaim. */
const STEPS: readonly Step[] = [
  { changes: [blocks('one.db', 0, 2, 1)], durability: 'strict' },
  { changes: [blocks('one.db', 1, 1, 2), blocks('two.db', 0, 1, 2)], durability: 'strict' },
  { changes: [{ ...blocks('one.db', 0, 1, 3), blockBytes: SIZE }], durability: 'strict' },
  { changes: [blocks('one.db', 1, 1, 4), blocks('two.db', 3, 1, 4)], durability: 'strict' },
  { changes: [{ ...blocks('one.db', 0, 3, 5), blockBytes: UNIT_BYTES }], durability: 'strict' },
  { changes: [{ ...blocks('one.db', 1, 1, 6), truncateTo: 2 }], durability: 'strict' },
];

test('what is written today is format 1, byte for byte', async () => {
  const sim = new SimulatedIndexedDB({ trace: false });
  const store = await Store.open({ factory: sim, paths: PATHS });
  for (const { changes, durability } of STEPS) await store.commit(changes, durability);
  await store.close();
  await sim.idle();
  const model = new StoreModel(PATHS, STEPS);
  const made = toFixture(onlyOutcome(sim), model.at(model.commits));
  expect(made).toEqual(load('../fixtures/format-v1/volume.json'));
});
