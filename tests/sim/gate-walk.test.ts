/**
 * 10,000 seeds: each draws a workload, faults in it and a crash, and is checked as after every crash
 * (P1, P3, P5, P6, P7, P13). P14: every hundredth is done twice, turn for turn the same.
 *
 * GATE_SEED=n runs that one alone; GATE_SEEDS=n runs so many; GATE_FIRST=n begins there.
 */
import { describe, expect, test } from 'vitest';
import { useGlobals } from '../support/globals.ts';
import { type WalkReport, walk } from '../support/walk.ts';

const ONE = process.env['GATE_SEED'];
const SEEDS = ONE === undefined ? Number(process.env['GATE_SEEDS'] ?? 10_000) : 1;
const FIRST = Number(ONE ?? process.env['GATE_FIRST'] ?? 1);
const PARTS = ONE === undefined ? 10 : 1;
const FAILURES_MAX = 3;

useGlobals();

async function walkAll(first: number, count: number): Promise<WalkReport[]> {
  const reports: WalkReport[] = [];
  const failures: string[] = [];
  for (let seed = first; seed < first + count && failures.length < FAILURES_MAX; seed++) {
    try {
      const twice = seed % 100 === 0 || ONE !== undefined;
      const report = await walk(seed, twice);
      if (twice) expect((await walk(seed, true)).hash).toBe(report.hash);
      reports.push(report);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  expect(failures.join('\n')).toBe('');
  return reports;
}

describe('runs drawn from seeds', { timeout: 600_000 }, () => {
  const size = Math.ceil(SEEDS / PARTS);
  const firsts = Array.from({ length: PARTS }, (_, part) => FIRST + part * size);

  test.each(firsts)(`from seed %i on, ${size} of them`, async (first) => {
    const reports = await walkAll(first, size);
    expect(reports).toHaveLength(size);
    if (size < 100) return;
    // The plans do come about: most runs are cut, many see an error.
    const cut = reports.filter(({ crashedBeforeTheEnd }) => crashedBeforeTheEnd);
    const failed = reports.filter(({ errors }) => errors > 0);
    expect(cut.length).toBeGreaterThan(size / 3);
    expect(failed.length).toBeGreaterThan(size / 20);
  });
});
