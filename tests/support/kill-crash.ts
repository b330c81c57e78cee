/** The crash runner: draws trials from a seed, runs them in batches, prints what they say together. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserName } from '../../tools/browsers/browser.mjs';
import { bundlePage } from '../../tools/bundle-page.mjs';
import { describeViolation, isBroken, type Result, report } from './kill-crash-report.ts';
import { type CrashTrial, crashTrial, type Fixed } from './kill-draw.ts';
import { type Lane, lanesOf } from './kill-lanes.ts';
import { type Evidence, KILL_PAGE, KillRunner, type Outcome } from './kill-runner.ts';

export interface CrashOptions {
  readonly trials: number;
  readonly seed: number;
  readonly fixed: Fixed;
  /** Only the trial with this index. */
  readonly only: number | undefined;
  /** Words of the command line that repeats what is fixed. */
  readonly arguments: string;
  /** Folder for what is known of trials that broke a promise. */
  readonly evidenceDir: string;
  readonly log: (line: string) => void;
}

/** Where in its profile a browser keeps IndexedDB. */
const STORES: Readonly<Record<BrowserName, string>> = {
  chromium: 'Default/IndexedDB',
  firefox: 'storage/default',
  webkit: 'data',
};
/** Trials of one profile: a long-lived one grows. */
const BATCH = 50;
const PROGRESS_TRIALS = 10;

export async function runCrashTrials(options: CrashOptions): Promise<Result[]> {
  const { seed, fixed, only, log } = options;
  const indexes = only === undefined ? range(options.trials) : [only];
  const all = indexes.map((index) => crashTrial(seed, index, fixed));
  const results: Result[] = [];
  const started = Date.now();
  const onResult = (result: Result) => {
    results.push(result);
    if (isBroken(result)) log(describeViolation(result, replayOf(options, result.crash)));
    if (results.length % PROGRESS_TRIALS === 0 || results.length === all.length) {
      const broken = results.filter(isBroken).length;
      const seconds = Math.round((Date.now() - started) / 1000);
      const { name } = result.crash.lane;
      log(`${results.length} of ${all.length} trials, ${name}, ${broken} broken, ${seconds} s`);
    }
  };
  // Not minified: an error's stack tells where it was.
  const page = await bundlePage(KILL_PAGE, { minify: false });
  for (const lane of lanesOf(fixed.browser ?? 'chromium')) {
    const left = all.filter((trial) => trial.lane === lane);
    while (left.length > 0) {
      const batch = left.slice(0, BATCH);
      const done = await runBatch(lane, batch, { ...options, page, onResult });
      left.splice(0, done);
    }
  }
  log(`\n${report(results)}`);
  return results;
}

interface BatchOptions extends CrashOptions {
  readonly page: { readonly root: string; readonly entry: string };
  readonly onResult: (result: Result) => void;
}

/** @returns how many of the trials have a result: not all, when the browser could not go on */
async function runBatch(
  lane: Lane,
  batch: readonly CrashTrial[],
  options: BatchOptions,
): Promise<number> {
  const runner: KillRunner = await KillRunner.start({
    browser: lane.browser,
    flags: lane.flags,
    env: lane.env,
    page: options.page,
    onViolation: (evidence) => keep(options, { evidence, store: storeOf(lane, runner) }),
  });
  let done = 0;
  const add = (outcome: Outcome) => {
    const crash = batch[done];
    if (!crash) throw new Error('There are more outcomes than trials');
    done++;
    assertBackend(lane, runner);
    options.onResult({ crash, outcome });
  };
  try {
    await runner.run(
      batch.flatMap(({ lives }) => lives),
      add,
    );
  } catch (error) {
    const crash = batch[done];
    const trial = crash?.lives.at(-1);
    if (!crash || !trial) throw error;
    done++;
    options.onResult({ crash, outcome: failedOutcome(trial, error) });
  } finally {
    await runner.close();
  }
  return done;
}

/** What a trial amounts to that could not be run to its end. */
function failedOutcome(trial: Outcome['trial'], error: unknown): Outcome {
  const text = error instanceof Error ? `${error}\n${error.stack}` : String(error);
  return {
    trial,
    phase: 'unknown',
    last: undefined,
    bounds: { least: 0, most: 0 },
    found: undefined,
    orphans: 0,
    recoveries: [],
    survival: undefined,
    problems: [{ check: 'run', text }],
  };
}

/** Chromium, which has two. */
function assertBackend(lane: Lane, runner: KillRunner): void {
  if (lane.browser !== 'chromium') return;
  const folders = readdirSync(storeOf(lane, runner));
  const isLevelDB = folders.some((name) => name.endsWith('.leveldb'));
  const stored = folders.length > 0 && (isLevelDB ? 'leveldb' : 'sqlite');
  if (stored !== lane.name) throw new Error(`Chromium uses ${stored} in spite of its flags`);
}

function storeOf({ browser }: Lane, { profileDir }: KillRunner): string {
  return join(profileDir, STORES[browser]);
}

/** Keeps what the page said, and the store as the inspection left it. */
function keep(
  { evidenceDir, seed, log }: CrashOptions,
  { evidence, store }: { readonly evidence: Evidence; readonly store: string },
): void {
  const folder = join(evidenceDir, `${seed}-${evidence.trial.id}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'messages.json'), JSON.stringify(evidence, undefined, 1));
  log(`  evidence: ${folder}`);
  try {
    cpSync(store, join(folder, 'IndexedDB'), { recursive: true });
  } catch (error) {
    // The browser that looked at it runs on, and may remove a file meanwhile.
    log(`  not all of it could be copied: ${error}`);
  }
}

function replayOf({ seed, arguments: words }: CrashOptions, { index }: CrashTrial): string {
  return `npm run crash -- --seed ${seed} --only ${index}${words}`;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i + 1);
}
