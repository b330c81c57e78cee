import { expect, test } from 'vitest';
import type { PointName } from '../support/kill-plan.ts';
import { anyBuild, killedAt, outcomesOf } from '../support/kill-trials.ts';

/** Points of a sqliteTx over two files: the step, the nth such point, how many steps may be found. */
const POINTS: readonly {
  readonly name: PointName;
  readonly step: number;
  readonly nth?: number;
  readonly found: readonly number[];
}[] = [
  // The first step creates both files; the first of the two is there when the second is not.
  { name: 'create:complete', step: 1, nth: 1, found: [0] },
  { name: 'create:complete', step: 1, nth: 2, found: [0] },
  { name: 'step:executed', step: 3, found: [2] },
  { name: 'commit:opened', step: 3, found: [2] },
  { name: 'commit:record', step: 3, nth: 2, found: [2] },
  { name: 'commit:commit', step: 3, found: [2, 3] },
  { name: 'commit:complete', step: 3, found: [3] },
];

// Goal: a sqliteTx over two databases of one volume commits in both or in neither. Method: hold the page
// before, between and after the two files' parts of the commit, kill the browser, and compare the
// steps that each file has.
test('killed while it commits to two attached databases, both have the step or neither', async () => {
  const trials = POINTS.map(({ name, step, nth = 1 }, i) =>
    killedAt(name, { nth, step, workload: 'attached', build: anyBuild(i) }),
  );
  const outcomes = await outcomesOf(trials);
  expect(outcomes).toHaveLength(POINTS.length);
  outcomes.forEach(({ found, phase }, i) => {
    expect(POINTS[i]?.found, phase).toContain(found);
  });
});
