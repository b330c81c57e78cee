import { describe, expect, test } from 'vitest';
import { groupSize } from '../support/kill-judge.ts';
import { killedAt, outcomesOf, seed, trial, writersAndReaders } from '../support/kill-trials.ts';
import { Seeded } from '../support/seeded.ts';

/** A step takes some 20 ms, so that a kill in this time can hit any phase of one of many steps. */
const KILL_AFTER_MS = [0, 400] as const;
const BURST = 4;

// Goal: whatever moment the page dies at, nothing acknowledged is lost and nothing is torn. Method: a
// stream of small sqliteTxs, each announced before BEGIN and acknowledged after COMMIT returned; kill at
// a random time; open again with one engine after the other, compare every row with the steps found.
describe('a database whose page died at a random moment has every acknowledged step', () => {
  test('when the whole browser was killed, by each engine in each durability, for each engine', async () => {
    const random = new Seeded(seed, 1);
    const trials = writersAndReaders().map((drawn) => {
      const ms = random.between(...KILL_AFTER_MS);
      const burst = drawn.durability === 'deferred' ? BURST : 1;
      return trial({ ...drawn, burst, volume: 'one', kill: { at: 'time', ms } });
    });
    const outcomes = await outcomesOf(trials);
    expect(outcomes).toHaveLength(9);
  });

  test.each(['renderer', 'tab'] as const)(
    'when only the %s ended and the browser went on',
    async (victim) => {
      const random = new Seeded(seed, 2);
      const trials = (['asyncify', 'shared'] as const).map((build) => {
        const ms = random.between(...KILL_AFTER_MS);
        return trial({ build, victim, volume: victim, kill: { at: 'time', ms } });
      });
      const outcomes = await outcomesOf(trials);
      expect(outcomes).toHaveLength(trials.length);
    },
  );
});

// Goal: a kill in the middle of a commit leaves the database before it or after it, whichever engine commits
// and whichever looks. Method: hold the thread that speaks to IndexedDB, the page or the storage worker,
// at a point of the commit and kill the browser; where commits share an idbTx, amid them.
test('killed inside a commit, the synchronous engines leave a whole version to each engine', async () => {
  const trials = writersAndReaders(1)
    .filter(({ build, durability }) => build !== 'asyncify' && durability !== 'relaxed')
    .map((drawn) => {
      const isDeferred = drawn.durability === 'deferred';
      const name = isDeferred ? 'commit:recorded' : 'commit:commit';
      const together = isDeferred ? { nth: 2, burst: BURST, autoSync: false } : {};
      return killedAt(name, { ...drawn, step: 2, ...together, orLater: isDeferred });
    });
  const outcomes = await outcomesOf(trials);
  expect(outcomes).toHaveLength(4);
  for (const {
    trial: { durability },
    found,
    last,
  } of outcomes) {
    if (durability === 'strict') expect([1, 2]).toContain(found);
    if (durability === 'deferred') expect(groupSize(last?.commits ?? [])).toBeGreaterThan(1);
  }
});

// Goal: COMMIT returns no sooner than IndexedDB has the commit. Method: commits so large that IndexedDB is
// not done with them by the time a kill arrives; hold the page as COMMIT returns, kill the browser.
test('killed as its COMMIT returns, a page has lost nothing, on every engine, strict and relaxed', async () => {
  const trials = [
    { build: 'asyncify', durability: 'strict' } as const,
    { build: 'jspi', durability: 'relaxed' } as const,
    { build: 'mirror', durability: 'strict' } as const,
    { build: 'shared', durability: 'relaxed' } as const,
  ].map((drawn) => killedAt('step:committed', { ...drawn, step: 2, workload: 'bulk' }));
  const outcomes = await outcomesOf(trials);
  expect(outcomes.map(({ found }) => found)).toEqual(trials.map(() => 2));
});
