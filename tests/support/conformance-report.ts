/** What the conformance suite found in one browser. */
import type { BrowserName } from '../../tools/browsers/browser.mjs';
import type { Verdict } from './idb-conformance.ts';

export interface CaseReport {
  /** Whose IndexedDB it was: the browser's, an injector's over it, the simulation's. */
  readonly subject: string;
  readonly group: string;
  readonly name: string;
  readonly verdict: Verdict;
}

const NAMES: Readonly<Record<BrowserName, true>> = { chromium: true, firefox: true, webkit: true };

export function browserOf(name: string | null): BrowserName {
  const known = (Object.keys(NAMES) as BrowserName[]).find((browser) => browser === name);
  if (known === undefined) throw new Error(`No browser is called "${name}"`);
  return known;
}

/** @returns one line of numbers, one for each difference, and some for each failure */
export function summary(title: string, reports: readonly CaseReport[]): string[] {
  const subjects = new Set(reports.map(({ subject }) => subject));
  const by = (tag: Verdict['tag']) => reports.filter(({ verdict }) => verdict.tag === tag);
  const numbers =
    `${reports.length} cases on ${subjects.size} subjects: ${by('agrees').length} agree, ` +
    `${by('differs').length} differ as listed, ${by('failed').length} unexpected`;
  const differences = by('differs').map(
    ({ group, name, verdict }) =>
      `  differs: ${group} › ${name}: ${verdict.tag === 'differs' ? verdict.why : ''}`,
  );
  const failures = by('failed').flatMap(({ subject, group, name, verdict }) => [
    `  UNEXPECTED: ${subject}: ${group} › ${name}`,
    ...(verdict.tag === 'failed' ? verdict.message.split('\n').map((line) => `    ${line}`) : []),
  ]);
  return [`${title}: ${numbers}`, ...new Set(differences), ...failures];
}
