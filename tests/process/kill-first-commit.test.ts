import { expect, test } from 'vitest';
import type { PointName } from '../support/kill-plan.ts';
import { anyBuild, killedAt, outcomesOf } from '../support/kill-trials.ts';

/** Each point of a volume's first steps, and how many steps may be found after a kill there. */
const POINTS: readonly (readonly [name: PointName, step: number, found: readonly number[]])[] = [
  ['volume:upgrading', 0, [0]],
  ['volume:opened', 0, [0]],
  ['create:opened', 1, [0]],
  ['create:commit', 1, [0]],
  ['create:complete', 1, [0]],
  ['commit:opened', 1, [0]],
  ['commit:record', 1, [0]],
  ['commit:recorded', 1, [0]],
  ['commit:commit', 1, [0, 1]],
  ['commit:complete', 1, [1]],
];

// Goal: no kill on the way to a database's first commit damages it. Method: hold the page at each
// point from the volume's creation to the commit's completion, kill the browser, open again, count
// the steps found, and do the next one.
test('killed before its first commit a database is empty and usable, after it whole', async () => {
  const trials = POINTS.map(([name, step], i) => killedAt(name, { step, build: anyBuild(i) }));
  const outcomes = await outcomesOf(trials);
  expect(outcomes).toHaveLength(POINTS.length);
  outcomes.forEach(({ found, phase }, i) => {
    expect(POINTS[i]?.[2], phase).toContain(found);
  });
});
