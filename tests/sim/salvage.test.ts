/**
 * Salvage takes only what proves itself, says of every page what became of it, and changes nothing of
 * the damaged file.
 *
 * Method: a store with two checkpoints, a cut and a hole. Each record in turn is harmed in each way,
 * then random sets of them; what is salvaged is compared with the model, block by block.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { editRecords, type Outcome } from '../../src/testing/index.js';
import {
  blocks,
  committed,
  DAMAGES,
  type Harm,
  keysOf,
  LOST,
  open,
  outcomeOf,
  PATH,
  salvaged,
  simulated,
} from '../support/damaged.ts';
import { useGlobals } from '../support/globals.ts';
import { honestyOf } from '../support/honest.ts';
import { type Change, VOLUME } from '../support/store-dsl.ts';
import { type Step, StoreModel } from '../support/store-model.ts';

const FILE = 1;
const COMMITS = 135;

const CHANGES: readonly Change[] = Array.from({ length: COMMITS }, (_, i) => {
  if (i === 0) return blocks(0, 40, 1);
  if (i === 1) return blocks(1500, 20, 2);
  // Cut and extended in one commit: what lies between reads as zeros from then on.
  if (i === 100) return { ...blocks(30, 12, i + 1), truncateTo: 25 };
  if (i === 101) return blocks(1510, 10, i + 1);
  return blocks((i * 7) % 24, 1 + (i % 3), i + 1);
});
const STEPS: readonly Step[] = CHANGES.map((change) => ({
  changes: [change],
  durability: 'strict',
}));
const expectHonest = honestyOf(new StoreModel([PATH], STEPS));

useGlobals();

let whole: Outcome;
let earlier: Outcome;
let records: readonly (readonly [store: string, key: IDBValidKey])[];
beforeAll(async () => {
  earlier = await committed(CHANGES.slice(0, 70));
  whole = await committed(CHANGES.slice(70), { from: earlier });
  records = ['files', 'commits', 'maps', 'segments'].flatMap((store) =>
    keysOf(whole, store).flatMap((key) => (key === '' ? [] : ([[store, key]] as const))),
  );
}, 60_000);

const STALE: Harm = {
  name: 'an older one',
  inflict: (outcome, store, key) =>
    editRecords(outcome, VOLUME).makeStale(store, key, earlier).outcome(),
};
const HARMS: readonly Harm[] = [...DAMAGES, LOST, STALE];

test('a sound file is salvaged whole', async () => {
  expect(await expectHonest(whole)).toEqual({ lost: 0, older: 0, back: 0, untold: 0 });
});

describe.each(HARMS)('when one record is $name', ({ name, inflict }) => {
  test('no page is lost but those of a segment', { timeout: 120_000 }, async () => {
    for (const [i, [store, key]] of records.entries()) {
      if (name !== LOST.name && store !== 'maps' && i % 4 > 0) continue;
      const { untold, ...found } = await expectHonest(inflict(whole, store, key));
      // The commit that cut pages off may be the one whose record is gone: that is said.
      if (untold === 0) expect({ store, key, back: found.back }).toEqual({ store, key, back: 0 });
      const harmless = { store, key, lost: 0, older: 0, back: found.back };
      if (store !== 'segments') expect({ store, key, ...found }).toEqual(harmless);
    }
  });
});

// What cannot be known: that a page was cut off, when the commit that did it and the map are both gone.
test('whatever set of records comes to harm, each page is true or reported', {
  timeout: 240_000,
}, async () => {
  const random = generator(20_260_801);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const met = { lost: 0, older: 0 };
  for (let round = 0; round < 100; round++) {
    let outcome = whole;
    const victims = new Set<(typeof records)[number]>();
    for (let n = 1 + Math.floor(random() * 8); n > 0; n--) victims.add(pick(records));
    for (const [store, key] of victims) outcome = pick(HARMS).inflict(outcome, store, key);
    const found = await expectHonest(outcome);
    met.lost += found.lost;
    met.older += found.older;
  }
  expect(met.lost).toBeGreaterThan(0);
  expect(met.older).toBeGreaterThan(0);
});

/** A small generator of numbers in [0, 1), the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('without its file record, and without any commit record, the map is enough', async () => {
  let outcome = whole;
  for (const key of keysOf(whole, 'commits')) outcome = LOST.inflict(outcome, 'commits', key);
  const { lost } = await expectHonest(outcome);
  expect(lost).toBe(0);
  const nothing = LOST.inflict(outcome, 'files', PATH);
  await expect(salvaged(simulated(nothing))).rejects.toMatchObject({ code: 'OPTION' });
});

test('without any map, the segments are enough', async () => {
  let outcome = whole;
  for (const key of keysOf(whole, 'maps')) outcome = LOST.inflict(outcome, 'maps', key);
  await expectHonest(outcome);
});

test('the first page lost is said in so many words', async () => {
  const harmed = keysOf(whole, 'segments').reduce<Outcome>(
    (outcome, key) => LOST.inflict(outcome, 'segments', key),
    whole,
  );
  await expect(open(simulated(harmed))).resolves.toBeDefined();
  const { report } = await salvaged(simulated(harmed));
  expect(report).toMatchObject({ headerLost: true, blocksSaved: 0 });
  expect(report.lost[0]).toMatchObject({ first: 1 });
});

test('the new path must be free', async () => {
  const factory = simulated(whole);
  await salvaged(factory);
  await expect(salvaged(factory)).rejects.toMatchObject({ code: 'OPTION' });
  expect(keysOf(await outcomeOf(factory), 'commits')).toContainEqual([FILE + 1, 1]);
});
