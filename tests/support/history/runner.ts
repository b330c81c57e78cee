/** Runs histories in a real browser, one after the other, and has both checkers look at each. */
import { assemble } from './assemble.ts';
import { type BundledPage, HistoryBrowser } from './browser.ts';
import { checkListAppend } from './list-append.ts';
import { type PlanOptions, planHistory } from './plan.ts';
import type { Recording } from './protocol.ts';
import type { Anomaly, History } from './record.ts';
import { checkVersions } from './versions.ts';

export interface Result {
  readonly number: number;
  /** Nothing, if it could not be run to its end. */
  readonly recording: Recording | undefined;
  readonly history: History | undefined;
  readonly anomalies: readonly Found[];
  readonly ms: number;
}

export interface Found extends Anomaly {
  readonly by: 'versions' | 'lists' | 'integrity' | 'run';
}

export interface RunOptions extends PlanOptions {
  readonly seed: number;
  /** Numbers of histories. */
  readonly numbers: readonly number[];
  readonly page: BundledPage;
  /** Default: no. */
  readonly stopsAt?: (result: Result) => boolean;
  readonly onResult?: (result: Result) => void;
}

/** The clocks of the contexts are one, read with a resolution of 1 ms and noise of as much. */
const TOLERANCE_MS = 2;
/** More than that between two clocks of ours, and the clock was set meanwhile. */
const STEP_MS = 2;
/** Histories of one browser: its profile grows. */
const BATCH = 50;

export async function runHistories(options: RunOptions): Promise<Result[]> {
  const results: Result[] = [];
  const left = [...options.numbers];
  while (left.length > 0) {
    const browser = await HistoryBrowser.start(options.page);
    try {
      for (const number of left.splice(0, BATCH)) {
        const result = await runOne(browser, number, options);
        results.push(result);
        options.onResult?.(result);
        if (options.stopsAt?.(result)) return results;
        // Its pages may still be at it.
        if (result.recording === undefined) break;
      }
    } finally {
      await browser.close();
    }
    left.splice(0, left.length, ...options.numbers.slice(results.length));
  }
  return results;
}

async function runOne(
  browser: HistoryBrowser,
  number: number,
  options: RunOptions,
): Promise<Result> {
  const plan = planHistory(options.seed, number, options);
  const started = performance.now();
  const offset = Date.now() - started;
  let recording: Recording;
  try {
    recording = await browser.run(plan);
  } catch (cause) {
    const text = [String(cause), ...browser.errors.splice(0)].join('\n');
    const ms = performance.now() - started;
    const anomalies = [{ by: 'run', kind: 'stopped', text } as const];
    return { number, recording: undefined, history: undefined, anomalies, ms };
  }
  const ms = performance.now() - started;
  const isSteady = Math.abs(Date.now() - performance.now() - offset) < STEP_MS;
  const history = assemble(recording, isSteady ? TOLERANCE_MS : Number.MAX_SAFE_INTEGER);
  const errors = browser.errors
    .splice(0)
    .map((text) => ({ by: 'run', kind: 'error', text }) as const);
  const anomalies = [...check(history), ...defectsOf(recording), ...errors];
  return { number, recording, history, anomalies, ms };
}

/** What both checkers say. */
export function check(history: History): Found[] {
  return [
    ...checkVersions(history).map((anomaly): Found => ({ by: 'versions', ...anomaly })),
    ...checkListAppend(history).map((anomaly): Found => ({ by: 'lists', ...anomaly })),
  ];
}

function defectsOf({ finale }: Recording): Found[] {
  return finale.defects.map((text) => ({ by: 'integrity', kind: 'defect', text }));
}
