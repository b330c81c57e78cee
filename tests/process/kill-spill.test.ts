import { expect, test } from 'vitest';
import { anyBuild, killedAt, outcomesOf } from '../support/kill-trials.ts';

const SPILLING = { workload: 'spilling', step: 2 } as const;

// Goal: what a dead writer sent ahead of its commit is invisible, and gone after the next writer. Method:
// sqliteTxs ten times the spill limit; hold the page at points of the spill and of the commit behind
// it, kill the browser, count the segments above the marker before and after the next step.
test('killed while it spills, a sqliteTx leaves nothing to be seen and no orphans', async () => {
  const trials = [
    killedAt('spill:opened', { ...SPILLING, build: anyBuild(0) }),
    killedAt('spill:stored', { ...SPILLING, nth: 5, build: anyBuild(1) }),
    killedAt('spill:complete', { ...SPILLING, build: anyBuild(2) }),
    killedAt('commit:record', { ...SPILLING, build: anyBuild(0) }),
  ];
  const outcomes = await outcomesOf(trials);
  expect(outcomes.map(({ found }) => found)).toEqual([1, 1, 1, 1]);
  const [, , afterSpill, inCommit] = outcomes;
  expect(afterSpill?.orphans).toBeGreaterThan(0);
  expect(inCommit?.orphans).toBeGreaterThan(0);
  expect(inCommit?.recoveries).toMatchObject([{ foundAbove: true, deletedAbove: true }]);
});

// Goal: recovery may itself be killed. Method: leave orphans, kill the next page at the start and at the
// end of the idbTx that deletes them, each with another engine, then look.
test('killed while it recovers, a database recovers the next time', async () => {
  const left = killedAt('spill:complete', { ...SPILLING, inspect: false });
  const { volume } = left;
  const recovering = { workload: 'spilling', volume, step: 0 } as const;
  const [outcome] = await outcomesOf([
    left,
    killedAt('recovery:opened', { ...recovering, build: 'shared', inspect: false }),
    killedAt('recovery:complete', { ...recovering, build: 'mirror' }),
  ]);
  expect(outcome).toMatchObject({ found: 1, orphans: 0 });
});
