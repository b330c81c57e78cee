/** The command line of the crash runner. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BROWSER_NAMES } from '../../tools/browsers/browser.mjs';
import { type CrashOptions, runCrashTrials } from './kill-crash.ts';
import { isBroken, type Result } from './kill-crash-report.ts';
import { type Fixed, WORKLOADS } from './kill-draw.ts';
import { BUILDS } from './kill-engines.ts';
import { LANE_NAMES } from './kill-lanes.ts';
import { VICTIMS } from './kill-plan.ts';
import { DURABILITIES } from './kill-strata.ts';

const EVIDENCE_DIR = fileURLToPath(new URL('../../node_modules/.cache/crash', import.meta.url));
const TRIALS_DEFAULT = 60;
const CHOICES = {
  browser: [...BROWSER_NAMES, 'all'],
  backend: [...LANE_NAMES, 'both'],
  victim: VICTIMS,
  workload: WORKLOADS,
  durability: DURABILITIES,
  build: BUILDS,
  reader: BUILDS,
} as const satisfies Record<string, readonly string[]>;
/** Choices that fix nothing. */
const ANY = ['all', 'both'];
/** What an option fixes, where it is called otherwise. */
const FIXES: Readonly<Record<string, keyof Fixed>> = { backend: 'lane' };

/** @returns the exit status */
export async function main(words: string[]): Promise<number> {
  const { values } = parseArgs({
    args: words,
    options: {
      trials: { type: 'string', default: String(TRIALS_DEFAULT) },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string' },
      results: { type: 'string' },
      browser: { type: 'string' },
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
  const browsers = values.browser === 'all' ? BROWSER_NAMES : [fixed.browser ?? 'chromium'];
  const runs: (readonly Result[] | undefined)[] = [];
  for (const browser of browsers) {
    const words = values.browser === 'all' ? ` --browser ${browser}${text}` : text;
    console.log(`crash trials with --seed ${options.seed}${words}`);
    runs.push(await runOn({ ...options, fixed: { ...fixed, browser }, arguments: words }));
  }
  const results = runs.flatMap((run) => run ?? []);
  if (values.results !== undefined) writeResults(values.results, results);
  const isWhole = runs.every((run) => run !== undefined && run.length > 0);
  return isWhole && !results.some(isBroken) ? 0 : 1;
}

/** One browser that is missing does not keep the others from being tried. */
async function runOn(options: CrashOptions): Promise<readonly Result[] | undefined> {
  try {
    return await runCrashTrials(options);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function fixedOf(values: Readonly<Record<string, string | undefined>>): {
  fixed: Fixed;
  text: string;
} {
  const entries = Object.entries(CHOICES).flatMap(([option, choices]) => {
    const value = values[option];
    if (value === undefined) return [];
    if (!choices.some((choice) => choice === value)) {
      throw new Error(`--${option} is one of ${choices.join(', ')}, not "${value}"`);
    }
    return ANY.includes(value) ? [] : [[option, value] as const];
  });
  const text = entries.map(([option, value]) => ` --${option} ${value}`).join('');
  const fixed = entries.map(([option, value]) => [FIXES[option] ?? option, value]);
  return { fixed: Object.fromEntries(fixed) as Fixed, text };
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
    title: `trial ${result.crash.index} on ${result.crash.lane.name}`,
    status: isBroken(result) ? 'failed' : 'passed',
    failureMessages: result.outcome.problems.map(({ check, text }) => `${check}: ${text}`),
  }));
  const status = results.some(isBroken) ? 'failed' : 'passed';
  writeFileSync(
    file,
    JSON.stringify({ testResults: [{ status, assertionResults }] }, undefined, 1),
  );
}
