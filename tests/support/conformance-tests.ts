import { test } from 'vitest';
import { conformanceCases, type Subject } from './idb-conformance.ts';

/** Makes every case of the conformance suite a test of Vitest's. */
export function defineConformance(subject: Subject): void {
  for (const { group, name, judge } of conformanceCases(subject)) {
    test(`${group} › ${name}`, async () => {
      const verdict = await judge();
      if (verdict.tag === 'failed') throw new Error(verdict.message);
    });
  }
}
