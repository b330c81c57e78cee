/**
 * P1, P10: SQLite itself, on the simulation in Node, crashed after every turn under every outcome of the
 * medium. The checks after each recovery are those of sql-crash.ts.
 */
import { describe, expect, test } from 'vitest';
import { everyCrashPoint } from '../../src/testing/index.js';
import { complaintsOf } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { SqlCrashes, type SqlWorkload } from '../support/sql-crash.ts';
import { SQL_WORKLOADS } from '../support/sql-workloads.ts';

useGlobals();

// Under load the first recovery waits for SQLite to be compiled.
const TIMEOUT_MS = 60_000;

describe('SQLite, crashed everywhere', { timeout: 300_000 }, () => {
  test.each(Object.entries(SQL_WORKLOADS))('%s', async (_name, workload) => {
    const plan = new SqlCrashes(workload).plan();
    const report = await everyCrashPoint(plan, { violationsMax: 3, timeoutMs: TIMEOUT_MS });
    expect(complaintsOf(report)).toBe('');
    expect(report.recoveries).toBeGreaterThan(10);
  });

  test('null control: what is acknowledged when it begins is lost', async () => {
    const plan = new SqlCrashes(SQL_WORKLOADS['batch-atomic commits'] as SqlWorkload).plan();
    const { violations } = await everyCrashPoint(
      {
        ...plan,
        workload: ({ factory, acknowledge }) =>
          plan.workload({
            factory,
            acknowledge: ({ step }) => {
              acknowledge({ step, what: 'began' });
              acknowledge({ step, what: 'acknowledged' });
            },
          }),
      },
      { violationsMax: 1, timeoutMs: TIMEOUT_MS },
    );
    expect(String(violations[0]?.error)).toMatch(/are allowed/);
  });
});
