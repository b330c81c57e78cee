import { expect, test } from 'vitest';
import type { PointName } from '../support/kill-plan.ts';
import { anyBuild, killedAt, outcomesOf } from '../support/kill-trials.ts';

/** The second step commits one page, and vacuums: what spills and the second commit are VACUUM's. */
const POINTS: readonly (readonly [name: PointName, nth: number])[] = [
  ['spill:stored', 2],
  ['commit:opened', 2],
  ['commit:record', 2],
  ['commit:commit', 2],
  ['commit:complete', 2],
];

/** With the rows that it draws VACUUM spills. */
const SEED = 127002;

// Goal: VACUUM, which rewrites every page and may change their size, leads from whole to whole. Method:
// hold the page at points of VACUUM's spill and commit and kill the browser; the rows must be the same.
test('killed in the middle of VACUUM, a database has all rows in the old pages or the new', async () => {
  const trials = POINTS.map(([name, nth], i) =>
    killedAt(name, { nth, step: 2, workload: 'vacuum', seed: SEED, build: anyBuild(i) }),
  );
  const outcomes = await outcomesOf(trials);
  expect(outcomes.map(({ found }) => found)).toEqual(POINTS.map(() => 2));
});
