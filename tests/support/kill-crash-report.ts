/** What a run of crash trials says at its end. */
import type { CrashTrial } from './kill-draw.ts';
import { ENGINES, engineOf, returnsEarly } from './kill-engines.ts';
import { groupSize } from './kill-judge.ts';
import type { Point } from './kill-plan.ts';
import { counted, counts } from './kill-report.ts';
import type { Outcome } from './kill-runner.ts';
import { DURABILITIES } from './kill-strata.ts';

export interface Result {
  readonly crash: CrashTrial;
  readonly outcome: Outcome;
}

/** Before the first point, or after the last step. */
const NOWHERE = 'none';
/** With none seen in n trials, the true rate is below 3/n with 95 % confidence. */
const RULE_OF_THREE = 3;

export function report(results: readonly Result[]): string {
  const broken = results.filter(isBroken).length;
  const trials = results.map(({ outcome }) => outcome.trial);
  const kills = results.reduce((sum, { crash }) => sum + crash.lives.length, 0);
  return [
    section('phase the last kill hit', (r) => r.outcome.phase),
    counts('last killed in ↓, written by →', results, {
      rows: MOMENTS,
      columns: ENGINES,
      cellOf: ({ outcome: { last, trial } }) => [momentOf(last), engineOf(trial.build)],
    }),
    section('recovered', recovered),
    counts('written by ↓, read by →', trials, {
      rows: ENGINES,
      columns: ENGINES,
      cellOf: ({ build, reader }) => [engineOf(build), engineOf(reader)],
    }),
    counts('written by ↓, durability →', trials, {
      rows: ENGINES,
      columns: DURABILITIES,
      cellOf: ({ build, durability }) => [engineOf(build), durability],
    }),
    section('builds, written and read by', ({ outcome: { trial } }) =>
      [trial.build, trial.reader].join(', '),
    ),
    groups(results),
    section('durability, where, victim', ({ crash, outcome: { trial } }) =>
      [trial.durability, crash.lane.name, trial.victim].join(', '),
    ),
    survivals(results),
    section('workload', ({ outcome: { trial } }) => trial.workload),
    section('orphans', ({ outcome }) => (outcome.orphans > 0 ? 'left by the kill' : 'none')),
    `${results.length} trials, ${kills} kills, ${broken} with a violation; ${bound(results)}`,
  ].join('\n');

  function section(title: string, labelOf: (result: Result) => string): string {
    return `${title}\n${counted(results.map(labelOf))}\n`;
  }
}

export function isBroken({ outcome }: Result): boolean {
  return outcome.problems.length > 0;
}

const MOMENTS = ['volume', 'create', 'recovery', 'step', 'spill', 'commit', NOWHERE];

/** Of what the last point is, which the page told of. */
function momentOf(last: Point | undefined): string {
  return last?.name.split(':')[0] ?? NOWHERE;
}

/** Of runs whose commits may share an idbTx. */
function groups(results: readonly Result[]): string {
  const last = results.flatMap(({ outcome }) =>
    returnsEarly(outcome.trial) ? [outcome.last] : [],
  );
  const underWay = last.flatMap((point) => (point && isUnderWay(point) ? [point.commits] : []));
  const largest = last.map((point) => point?.largestGroup ?? 0);
  return [
    'commits that return early: their largest group in one idbTx, before the last kill',
    `${counted(largest.map(String))}\n`,
    'and the commits of the idbTx that the kill hit, so far',
    `${counted(underWay.map((commits) => String(groupSize(commits))))}\n`,
  ].join('\n');
}

/** Of pages whose IndexedDB was killed under them. */
function survivals(results: readonly Result[]): string {
  const told = results.flatMap(({ outcome }) => (outcome.survival ? [outcome.survival] : []));
  return `outlived the process of IndexedDB\n${counted(told) || '     0'}\n`;
}

function isUnderWay({ name }: Point): boolean {
  return name.startsWith('commit:') && name !== 'commit:complete' && name !== 'commit:aborted';
}

/** How far the recovered step is from the last one acknowledged. */
export function recovered({ outcome: { found, bounds } }: Result): string {
  if (found === undefined) return 'nothing';
  const ahead = found - bounds.least;
  if (ahead === 0) return 'the last acknowledged step';
  return ahead < 0 ? `${-ahead} before the last acknowledged step` : `${ahead} after it`;
}

function bound(results: readonly Result[]): string {
  const broken = results.filter(isBroken).length;
  const percent = (share: number) => `${Number((share * 100).toPrecision(2))} %`;
  if (results.length === 0) return 'nothing was tried';
  if (broken > 0) return `violations in ${percent(broken / results.length)} of the trials`;
  const rate = Math.min(1, RULE_OF_THREE / results.length);
  return `fewer than ${percent(rate)} of such kills break a promise (95 % confidence, 3/N)`;
}

/** The eight checks that failed, and how to run the trial again. */
export function describeViolation({ crash, outcome }: Result, replay: string): string {
  const lines = outcome.problems.map(({ check, text }) => `  ${check}: ${text}`);
  const { phase, bounds, found, trial } = outcome;
  const steps = `${found} steps found, ${bounds.least} to ${bounds.most} allowed`;
  return [
    `VIOLATION in trial ${crash.index} (${crash.lane.name}, killed at ${phase}; ${steps})`,
    ...lines,
    `  trial: ${JSON.stringify(trial)}`,
    `  replay: ${replay}`,
  ].join('\n');
}
