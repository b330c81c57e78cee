/**
 * Salvage takes only what proves itself, and says of every page what became of it: the quick part of
 * `salvage.test.ts`, each page of a file with a checkpoint held against a model.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { editRecords, type Outcome } from '../../src/testing/index.js';
import { blocks, committed, DAMAGES, type Harm, keysOf, LOST, PATH } from '../support/damaged.ts';
import { useGlobals } from '../support/globals.ts';
import { honestyOf } from '../support/honest.ts';
import { type Change, VOLUME } from '../support/store-dsl.ts';
import { StoreModel } from '../support/store-model.ts';

useGlobals();

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
