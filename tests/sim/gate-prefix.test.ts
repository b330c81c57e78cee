/**
 * P3: relaxed and deferred commits lose a suffix at most, never leave a hole; a browser that dies loses
 * nothing that completed.
 *
 * Method: workloads drawn from seeds, cut after every turn under every outcome of the medium. What is
 * found must be the content after one of the commits, not before the last one that has to stay.
 */
import { describe, expect, test } from 'vitest';
import { everyCrashPoint } from '../../src/testing/index.js';
import { complaintsOf, type PlanOptions, planFor } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { pathsOf } from '../support/operations.ts';
import { drawSteps } from '../support/random-steps.ts';
import { Seeded } from '../support/seeded.ts';

const WORKLOADS = 120;

useGlobals();

function workload(seed: number) {
  const { steps, names } = drawSteps(new Seeded(seed, 3), {
    steps: { least: 4, most: 9 },
    durabilities: ['relaxed', 'deferred', 'deferred'],
    without: ['checkpoint', 'spill', 'spill and roll back', 'many blocks'],
  });
  const options: PlanOptions = { paths: pathsOf(steps), contentOnly: true };
  return { plan: planFor(steps, options), names };
}

describe('relaxed and deferred commits', { timeout: 300_000 }, () => {
  test('are cut off at some commit, and nowhere else', async () => {
    let cuts = 0;
    for (let seed = 1; seed <= WORKLOADS; seed++) {
      const { plan, names } = workload(seed);
      const report = await everyCrashPoint(plan, { seed });
      expect(complaintsOf(report), `seed ${seed}: ${names.join(', ')}`).toBe('');
      cuts += report.recoveries;
      if (seed % 100 !== 0) continue;
      // P14: run again, it is the same.
      expect(await everyCrashPoint(workload(seed).plan, { seed })).toEqual(report);
    }
    expect(cuts).toBeGreaterThan(5000);
  });

  test('null control: taken for strict ones, power cuts lose them', async () => {
    const { plan } = workload(1);
    const { violations } = await everyCrashPoint(
      {
        ...plan,
        workload: ({ factory, acknowledge }) =>
          plan.workload({
            factory,
            acknowledge: (notice) => acknowledge({ ...notice, durability: 'strict' }),
          }),
      },
      { kinds: ['power'], violationsMax: 1 },
    );
    expect(String(violations[0]?.error)).toMatch(/are allowed/);
  });
});
