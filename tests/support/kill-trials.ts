/** Ways to write down kill trials, and what every one of them must keep. */
import { expect } from 'vitest';
import { bundlePage } from '../../tools/bundle-page.mjs';
import { describeTrial, PLAIN_TRIAL, type PointName, type Trial } from './kill-plan.ts';
import { histogram } from './kill-report.ts';
import { KILL_PAGE, KillRunner, type Outcome } from './kill-runner.ts';
import { DURABILITIES } from './kill-strata.ts';
import { seedOfRun } from './seeded.ts';
import type { BuildName } from './sqlite.ts';

/** The reader is the build itself, unless another is named. */
export type TrialOptions = Partial<Omit<Trial, 'id'>>;

/** One build of each engine. */
export const ENGINES = ['asyncify', 'mirror', 'shared'] as const satisfies BuildName[];
export const seed: number = seedOfRun();
/** Every engine on the current line's builds, and the first on the old one; those that spill come first. */
const BUILDS = [
  'asyncify',
  'shared',
  'jspi',
  'mirror',
  'legacy-asyncify',
] as const satisfies BuildName[];
let page: ReturnType<typeof bundlePage> | undefined;
let trials = 0;

/** A trial on a volume of its own, unless another is named. */
export function trial(options: TrialOptions): Trial {
  trials++;
  const { build = PLAIN_TRIAL.build, volume = `trial-${trials}` } = options;
  return { id: trials, seed, ...PLAIN_TRIAL, reader: build, ...options, build, volume };
}

/** Killed when the page comes to the nth point of this name in its `step`th step. */
export function killedAt(
  name: PointName,
  { nth = 1, step = 1, orLater = false, ...options }: TrialOptions & Partial<PointOfStep> = {},
): Trial {
  return trial({ ...options, kill: { at: 'point', name, nth, step, orLater } });
}

interface PointOfStep {
  readonly nth: number;
  readonly step: number;
  readonly orLater: boolean;
}

/** One build after the other, for trials that need not run on each. */
export function anyBuild(index: number): BuildName {
  return BUILDS[index % BUILDS.length] ?? 'asyncify';
}

/** Each engine with each durability, and for each of the three one of the engines to read afterwards. */
export function writersAndReaders(turn = 0): Pick<Trial, 'build' | 'durability' | 'reader'>[] {
  return ENGINES.flatMap((build, i) =>
    DURABILITIES.map((durability, j) => {
      const reader = ENGINES[(i + j + turn) % ENGINES.length] ?? build;
      return { build, durability, reader };
    }),
  );
}

/** Runs the trials, prints which phases they hit, and fails with the first broken promise. */
export async function outcomesOf(planned: readonly Trial[]): Promise<Outcome[]> {
  page ??= bundlePage(KILL_PAGE, { minify: false });
  const runner = await KillRunner.start({ page: await page });
  try {
    const outcomes = await runner.run(planned);
    console.log(`${outcomes.length} outcomes, seed ${seed}\n${histogram(outcomes)}`);
    const missed = outcomes.filter(({ trial, phase }) => missedIts(trial, phase));
    expect(missed, 'a kill missed its point, so it proves nothing').toEqual([]);
    const broken = outcomes.filter(({ problems }) => problems.length > 0);
    expect(broken, replayHint(broken)).toEqual([]);
    return outcomes;
  } finally {
    await runner.close();
  }
}

function missedIts({ kill }: Trial, phase: string): boolean {
  return kill.at === 'point' && kill.name !== phase;
}

function replayHint(broken: readonly Outcome[]): string {
  const found = broken.map(
    ({ trial, problems }) => `${describeTrial(trial)}: ${JSON.stringify(problems[0])}`,
  );
  return `replay with KILL_SEED=${seed}\n${found.join('\n')}`;
}
