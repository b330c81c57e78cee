import { describe, expect, test } from 'vitest';
import { ENGINES, killedAt, outcomesOf, seed, trial } from '../support/kill-trials.ts';
import { Seeded } from '../support/seeded.ts';

/** A step takes some 20 ms, so that a kill in this time can hit any phase of one of many steps. */
const KILL_AFTER_MS = [0, 400] as const;
const DURABILITIES = ['strict', 'relaxed'] as const;

// Goal: whatever moment the page dies at, nothing acknowledged is lost and nothing is torn. Method: a
// stream of small sqliteTxs, each announced before BEGIN and acknowledged after COMMIT returned; kill at
// a random time; open again with each engine, compare every row with the steps found.
describe('a database whose page died at a random moment has every acknowledged step', () => {
  test('when the whole browser was killed, on each engine and build, strict and relaxed', async () => {
    const random = new Seeded(seed, 1);
    const trials = ENGINES.flatMap((build) =>
      DURABILITIES.map((durability) => {
        const ms = random.between(...KILL_AFTER_MS);
        return trial({ build, durability, volume: 'shared', kill: { at: 'time', ms } });
      }),
    );
    const outcomes = await outcomesOf(trials);
    expect(outcomes).toHaveLength(trials.length);
  });

  test.each(['renderer', 'tab'] as const)(
    'when only the %s ended and the browser went on, on each engine and build',
    async (victim) => {
      const random = new Seeded(seed, 2);
      const trials = ENGINES.map((build) => {
        const ms = random.between(...KILL_AFTER_MS);
        return trial({ build, victim, volume: victim, kill: { at: 'time', ms } });
      });
      const outcomes = await outcomesOf(trials);
      expect(outcomes).toHaveLength(trials.length);
    },
  );
});

// Goal: COMMIT returns no sooner than IndexedDB has the commit. Method: commits so large that IndexedDB is
// not done with them by the time a kill arrives; hold the page as COMMIT returns, kill the browser.
test('killed as its COMMIT returns, a page has lost nothing, on each engine and build, strict and relaxed', async () => {
  const trials = ENGINES.flatMap((build) =>
    DURABILITIES.map((durability) =>
      killedAt('step:committed', { step: 2, workload: 'bulk', build, durability }),
    ),
  );
  const outcomes = await outcomesOf(trials);
  expect(outcomes.map(({ found }) => found)).toEqual(trials.map(() => 2));
});
