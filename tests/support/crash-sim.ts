/**
 * Simulated crashes without end: workloads of several kinds, each drawn from a number, each crashed after
 * every turn under every outcome, recoveries included, until so many recoveries were checked.
 */
import { parseArgs } from 'node:util';
import {
  type CrashOptions,
  type CrashReport,
  everyCrashPoint,
  installGlobals,
  SimulatedIndexedDB,
} from '../../src/testing/index.js';
import type { Durability } from '../../src/types.js';
import { complaintsOf, outcomeOf, planFor, type StorePlan } from './crash-plan.ts';
import { OPERATIONS, pathsOf, smallCommits, stepsOf } from './operations.ts';
import { drawSteps } from './random-steps.ts';
import { Seeded } from './seeded.ts';
import { SqlCrashes } from './sql-crash.ts';
import { SQL_WORKLOADS } from './sql-workloads.ts';
import { Store } from './store-dsl.ts';

const NAMES = Object.keys(OPERATIONS);
const STRICT_OR_RELAXED: readonly Durability[] = ['strict', 'relaxed'];

/** Crashes the workload that `number` stands for. */
type Kind = (number: number) => Promise<CrashReport>;

async function crash(plan: StorePlan, seed: number, options: CrashOptions = {}) {
  return await everyCrashPoint(plan, { seed, depth: 2, ...options });
}

/** A sequence of operations, each with its durability; `number` counts through them all. */
function sequence(length: number): Kind {
  return async (number) => {
    let rest = number;
    const draw = <T>(choices: readonly T[]): T => {
      const choice = choices[rest % choices.length] as T;
      rest = Math.floor(rest / choices.length);
      return choice;
    };
    const names = Array.from({ length }, () => draw(NAMES));
    const durabilities = names.map(() => draw(STRICT_OR_RELAXED));
    const steps = stepsOf(names, { durabilities });
    return await crash(planFor(steps, { paths: pathsOf(steps) }), number);
  };
}

/** Begun where a checkpoint is near. */
async function afterMany(number: number): Promise<CrashReport> {
  const random = new Seeded(number, 13);
  const prior = smallCommits(random.pick([62, 63, 126, 127]));
  const names = [random.pick(NAMES), random.pick(NAMES)];
  const durabilities = names.map(() => random.pick(STRICT_OR_RELAXED));
  const steps = stepsOf(names, { durabilities, prior });
  const from = await outcomeOf(
    prior,
    (factory) => Store.open({ factory, paths: ['one.db'] }),
    new SimulatedIndexedDB({ trace: false }),
  );
  const paths = pathsOf([...prior, ...steps]);
  return await crash(planFor(steps, { paths, prior }), number, { from });
}

async function drawn(number: number): Promise<CrashReport> {
  const { steps } = drawSteps(new Seeded(number, 14), {
    steps: { least: 3, most: 8 },
    durabilities: ['strict', 'relaxed', 'deferred'],
  });
  return await crash(planFor(steps, { paths: pathsOf(steps) }), number);
}

async function sql(number: number): Promise<CrashReport> {
  const workloads = Object.values(SQL_WORKLOADS);
  const workload = workloads[number % workloads.length];
  if (!workload) throw new Error('There is no SQL workload.');
  const plan = new SqlCrashes(workload).plan();
  return await everyCrashPoint(plan, { seed: number, timeoutMs: 60_000 });
}

/** Each with the part of all recoveries that it is given. */
const KINDS: Readonly<Record<string, { readonly run: Kind; readonly part: number }>> = {
  'two operations': { run: sequence(2), part: 0.2 },
  'three operations': { run: sequence(3), part: 0.4 },
  'two operations after many commits': { run: afterMany, part: 0.1 },
  'drawn workloads': { run: drawn, part: 0.25 },
  'SQL workloads': { run: sql, part: 0.05 },
};

export interface Tally {
  readonly kind: string;
  workloads: number;
  turns: number;
  recoveries: number;
  readonly violations: string[];
}

export interface SimOptions {
  readonly recoveries: number;
  readonly seed: number;
  readonly kind?: string | undefined;
}

/** Numbers of one seed do not meet those of the next. */
const NUMBERS_PER_SEED = 100_000;
const VIOLATIONS_MAX = 10;

export async function simulateCrashes(options: SimOptions): Promise<Tally[]> {
  const uninstall = installGlobals();
  try {
    const tallies: Tally[] = [];
    for (const [kind, { run, part }] of Object.entries(KINDS)) {
      if (options.kind !== undefined && options.kind !== kind) continue;
      const wanted = options.recoveries * (options.kind === undefined ? part : 1);
      const tally: Tally = { kind, workloads: 0, turns: 0, recoveries: 0, violations: [] };
      tallies.push(tally);
      let number = options.seed * NUMBERS_PER_SEED;
      while (tally.recoveries < wanted && tally.violations.length < VIOLATIONS_MAX) {
        const report = await run(number);
        tally.workloads++;
        tally.turns += report.turns;
        tally.recoveries += report.recoveries;
        if (report.violations.length > 0) {
          tally.violations.push(`${kind} ${number}: ${complaintsOf(report)}`);
        }
        number++;
      }
    }
    return tallies;
  } finally {
    uninstall();
  }
}

/** @returns the exit status */
export async function main(words: string[]): Promise<number> {
  const { values } = parseArgs({
    args: words,
    options: {
      recoveries: { type: 'string', default: '20000' },
      seed: { type: 'string', default: String(Date.now() % 10_000) },
      kind: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  const started = performance.now();
  const { kind } = values;
  const tallies = await simulateCrashes({ recoveries: Number(values.recoveries), seed, kind });
  print(tallies);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`\nseed ${seed}, ${seconds} s; again: npm run crash:sim -- --seed ${seed}`);
  return tallies.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

function print(tallies: readonly Tally[]): void {
  for (const { violations } of tallies) for (const violation of violations) console.log(violation);
  console.log('| workloads | number | turns | recoveries | violations |');
  console.log('|---|---|---|---|---|');
  const sum: Tally = { kind: 'all', workloads: 0, turns: 0, recoveries: 0, violations: [] };
  for (const tally of tallies) {
    sum.workloads += tally.workloads;
    sum.turns += tally.turns;
    sum.recoveries += tally.recoveries;
    sum.violations.push(...tally.violations);
  }
  for (const { kind, workloads, turns, recoveries, violations } of [...tallies, sum]) {
    const cells = [kind, workloads, turns, recoveries, violations.length];
    console.log(`| ${cells.map((cell) => cell.toLocaleString('en')).join(' | ')} |`);
  }
}
