/**
 * The checkers on histories of a model database: one with a planted bug is found wherever the bug has made
 * a difference, and a correct one is found correct, with kills, rollbacks and unknown outcomes in it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkListAppend } from '../../support/history/list-append.ts';
import type { Anomaly, History } from '../../support/history/record.ts';
import { BUGS, type Bug, simulate } from '../../support/history/simulate.ts';
import { checkVersions } from '../../support/history/versions.ts';

const RUNS = 150;
/** Seconds on an idle core. */
const TIMEOUT_MS = 120_000;

const SIZE = fc.record({
  contexts: fc.integer({ min: 2, max: 6 }),
  keys: fc.integer({ min: 2, max: 5 }),
  sqliteTxs: fc.integer({ min: 10, max: 120 }),
  seed: fc.nat(),
});

/** What cannot be told from a correct history without versions, in every case or in some. */
const LISTS_BLIND: readonly Bug[] = ['skipped version'];
const LISTS_SOMETIMES: readonly Bug[] = ['torn snapshot', 'other version'];

// Goal: no false alarm. Method: seeds and sizes drawn by fast-check, which names what fails.
test('a correct history has no anomaly for either checker', { timeout: TIMEOUT_MS }, () => {
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(SIZE, (size) => {
      const { history } = simulate(size);
      for (const { outcome } of history.sqliteTxs) outcomes.add(outcome);
      expect(kinds(checkVersions(history))).toEqual([]);
      expect(kinds(checkListAppend(history))).toEqual([]);
    }),
    { numRuns: 4 * RUNS },
  );
  expect(outcomes).toEqual(new Set(['committed', 'aborted', 'unknown']));
});

describe.each(BUGS)('a database with the bug "%s"', { timeout: TIMEOUT_MS }, (bug) => {
  // Goal: every anomaly is found. Method: wherever the model says that the bug made a difference that
  // the checker can see, it must say something; and the bug must have struck often enough to mean it.
  test('is found by its versions', () => {
    expect(shareFound(bug, checkVersions)).toBe(1);
  });

  test('is found by its lists alone, as far as they show it', () => {
    const share = shareFound(bug, checkListAppend);
    if (LISTS_BLIND.includes(bug)) expect(share).toBe(0);
    else if (LISTS_SOMETIMES.includes(bug)) expect(share).toBeGreaterThan(0.5);
    else expect(share).toBe(1);
  });
});

/** Of the histories that the bug struck, how many the checker found something in. */
function shareFound(bug: Bug, check: (history: History) => Anomaly[]): number {
  let struck = 0;
  let found = 0;
  for (const size of fc.sample(SIZE, { numRuns: RUNS, seed: 5 })) {
    const { history, strikes } = simulate(size, bug);
    if (strikes === 0) continue;
    struck++;
    if (check(history).length > 0) found++;
  }
  expect(struck).toBeGreaterThan(RUNS / 10);
  return found / struck;
}

function kinds(anomalies: readonly Anomaly[]): string[] {
  return anomalies.map(({ kind, text }) => `${kind}: ${text}`);
}
