/** The command line of the crash runner. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type CrashOptions, runCrashTrials } from './kill-crash.ts';
import { isBroken, type Result } from './kill-crash-report.ts';
import { BACKENDS, type Fixed, VICTIMS, WORKLOADS } from './kill-draw.ts';
import { BUILDS } from './kill-engines.ts';
import { DURABILITIES } from './kill-strata.ts';

const EVIDENCE_DIR = fileURLToPath(new URL('../../node_modules/.cache/crash', import.meta.url));
const TRIALS_DEFAULT = 60;
const CHOICES = {
  backend: BACKENDS,
  victim: [...VICTIMS, 'tab'],
  workload: WORKLOADS,
  durability: DURABILITIES,
  build: BUILDS,
  reader: BUILDS,
} as const satisfies Record<keyof Fixed, readonly string[]>;

/** @returns the exit status */
export async function main(words: string[]): Promise<number> {
  const { values } = parseArgs({
    args: words,
    options: {
      trials: { type: 'string', default: String(TRIALS_DEFAULT) },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string' },
      results: { type: 'string' },
      backend: { type: 'string' },
      victim: { type: 'string' },
      workload: { type: 'string' },
      durability: { type: 'string' },
      build: { type: 'string' },
      reader: { type: 'string' },
    },
  });
  const { fixed, text } = fixedOf(values);
  const options: CrashOptions = {
    trials: wholeNumber('trials', values.trials),
    seed: wholeNumber('seed', values.seed),
    only: values.only === undefined ? undefined : wholeNumber('only', values.only),
    fixed,
    arguments: text,
    evidenceDir: EVIDENCE_DIR,
    log: (line) => console.log(line),
  };
  console.log(`crash trials with --seed ${options.seed}${text}`);
  const results = await runCrashTrials(options);
  if (values.results !== undefined) writeResults(values.results, results);
  return results.length > 0 && !results.some(isBroken) ? 0 : 1;
}

function fixedOf(values: Readonly<Record<string, string | undefined>>): {
  fixed: Fixed;
  text: string;
} {
  const entries = Object.entries(CHOICES).flatMap(([option, choices]) => {
    const value = values[option];
    if (value === undefined || (option === 'backend' && value === 'both')) return [];
    if (!choices.some((choice) => choice === value)) {
      throw new Error(`--${option} is one of ${choices.join(', ')}, not "${value}"`);
    }
    return [[option, value] as const];
  });
  const text = entries.map(([option, value]) => ` --${option} ${value}`).join('');
  return { fixed: Object.fromEntries(entries) as Fixed, text };
}

function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new Error(`--${option} is a whole number, not "${value}"`);
  }
  return number;
}

/** One test for each trial, in the shape that tools/count-tests.mjs reads. */
function writeResults(file: string, results: readonly Result[]): void {
  const assertionResults = results.map((result) => ({
    title: `trial ${result.crash.index} on ${result.crash.backend}`,
    status: isBroken(result) ? 'failed' : 'passed',
  }));
  const status = results.some(isBroken) ? 'failed' : 'passed';
  writeFileSync(
    file,
    JSON.stringify({ testResults: [{ status, assertionResults }] }, undefined, 1),
  );
}
