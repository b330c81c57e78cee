/**
 * Draws crash trials: from a seed and an index always the same one, whatever else is run.
 *
 *   life    a page that runs the workload until it is killed; a trial has one or two of them, the second
 *           on what the first left, and eight checks after the last
 */
import { SHAPES, type WorkloadName } from './kill-model.ts';
import type { KillMoment, PointName, Trial } from './kill-plan.ts';
import { Seeded } from './seeded.ts';
import type { BuildName } from './sqlite.ts';

export const BACKENDS = ['leveldb', 'sqlite'] as const;
/** What Chromium keeps IndexedDB in. */
export type Backend = (typeof BACKENDS)[number];

/** What is not drawn but given. */
export interface Fixed {
  readonly backend?: Backend | undefined;
  readonly victim?: Trial['victim'] | undefined;
  readonly workload?: WorkloadName | undefined;
  readonly durability?: Trial['durability'] | undefined;
  readonly build?: BuildName | undefined;
}

export interface CrashTrial {
  /** From 1. */
  readonly index: number;
  readonly backend: Backend;
  readonly lives: readonly Trial[];
}

export const VICTIMS = ['browser', 'renderer'] as const;
export const DURABILITIES = ['strict', 'relaxed', 'deferred'] as const;
export const BUILDS = ['asyncify', 'jspi', 'legacy-asyncify'] as const;
export const WORKLOADS = [
  'one-row',
  'small',
  'batch',
  'bulk',
  'spilling',
  'attached',
  'vacuum',
] as const satisfies readonly WorkloadName[];
/** Those with the most ways to die come twice as often. */
const DRAWN_WORKLOADS = [...WORKLOADS, 'one-row', 'spilling', 'attached', 'vacuum'] as const;

const TWO_LIVES_CHANCE = 0.2;
/** More commits than lie between two checkpoints (docs/FORMAT.md §7), for steps that are quick. */
const LONG_PRELUDE_CHANCE = 0.3;
const LONG_PRELUDE = [60, 140] as const;
const SHORT_PRELUDE = [0, 4] as const;
const BURST = [1, 6] as const;
/** A bulk step takes some 100 ms, others 5 to 50. */
const KILL_AFTER_MS = [0, 400] as const;
const SEQUENCE = [1, 80] as const;
/** A point that does not come (a workload may have no spill) must not make a trial long. */
const STEPS_MAX = 12;

/** A point and how often a step may come to it: once, per database file, or per segment. */
type Place = readonly [name: PointName, often: 'once' | 'files' | 'segments'];

const COMMIT: readonly Place[] = [
  ['step:begun', 'once'],
  ['step:executed', 'once'],
  ['commit:opened', 'files'],
  ['commit:segment', 'segments'],
  ['commit:stored', 'segments'],
  ['commit:record', 'files'],
  ['commit:recorded', 'files'],
  ['commit:commit', 'once'],
  ['commit:complete', 'once'],
  ['step:committed', 'once'],
];
const SPILL: readonly Place[] = [
  ['spill:opened', 'once'],
  ['spill:segment', 'segments'],
  ['spill:stored', 'segments'],
  ['spill:complete', 'once'],
];
/** Of the volume and the files: points of a first life only. */
const BIRTH: readonly Place[] = [
  ['volume:upgrading', 'once'],
  ['volume:opened', 'once'],
  ['create:opened', 'files'],
  ['create:commit', 'files'],
  ['create:complete', 'files'],
];
/** Of the deletion of orphans: only where the life before left some. */
const RECOVERY: readonly Place[] = [
  ['recovery:opened', 'once'],
  ['recovery:complete', 'once'],
];
const SPILLING: readonly WorkloadName[] = ['spilling', 'vacuum'];
const MANY_SEGMENTS: readonly WorkloadName[] = ['bulk', 'spilling', 'vacuum'];
const SEGMENTS_MAX = 8;

export function crashTrial(seed: number, index: number, fixed: Fixed = {}): CrashTrial {
  const random = new Seeded(seed, index);
  const backend = fixed.backend ?? BACKENDS[(index - 1) % BACKENDS.length] ?? 'leveldb';
  const lives = random.chance(TWO_LIVES_CHANCE) ? 2 : 1;
  const drawn = {
    workload: random.pick<WorkloadName>(DRAWN_WORKLOADS),
    durability: random.pick(DURABILITIES),
    build: random.pick(BUILDS),
    seed: random.bits(),
  };
  const given = Object.entries(fixed).filter(([, value]) => value !== undefined);
  const common = { ...drawn, ...Object.fromEntries(given), volume: `crash-${seed}-${index}` };
  const life = (n: number): Trial => {
    const before = lifeOf(random, { ...common, isFirst: n === 1 });
    return { ...before, id: index * 2 + n - 1, inspect: n === lives };
  };
  return { index, backend, lives: Array.from({ length: lives }, (_, i) => life(i + 1)) };
}

interface Common {
  readonly workload: WorkloadName;
  readonly durability: Trial['durability'];
  readonly build: BuildName;
  readonly seed: number;
  readonly volume: string;
  readonly victim?: Trial['victim'];
  readonly isFirst: boolean;
}

function lifeOf(random: Seeded, common: Common): Omit<Trial, 'id' | 'inspect'> {
  const { isFirst, workload, durability, build, seed, volume } = common;
  const drawnVictim = random.pick(VICTIMS);
  const isQuick = SHAPES[workload].rows[1] <= 12;
  const isLong = isQuick && random.chance(LONG_PRELUDE_CHANCE);
  const prelude = isLong ? random.between(...LONG_PRELUDE) : random.between(...SHORT_PRELUDE);
  const burst = durability === 'deferred' ? random.between(...BURST) : 1;
  const { kill, noPrelude } = momentOf(random, { isFirst, workload, build, prelude });
  return {
    ...{ seed, volume, workload, build, durability, burst, kill },
    claim: 'promised',
    prelude: noPrelude ? 0 : prelude,
    stepsMax: kill.at === 'time' ? Number.MAX_SAFE_INTEGER : STEPS_MAX,
    victim: common.victim ?? drawnVictim,
  };
}

interface Circumstances {
  readonly isFirst: boolean;
  readonly workload: WorkloadName;
  readonly build: BuildName;
  readonly prelude: number;
}

/** When to kill; some moments are before there could be a prelude. */
function momentOf(
  random: Seeded,
  circumstances: Circumstances,
): { kill: KillMoment; noPrelude: boolean } {
  const { isFirst, workload, build, prelude } = circumstances;
  const kind = random.between(1, 10);
  // The page does not see what its storage worker does.
  if (kind <= 4 || build.endsWith('shared')) {
    return { kill: { at: 'time', ms: random.between(...KILL_AFTER_MS) }, noPrelude: false };
  }
  if (kind === 5) {
    return { kill: { at: 'sequence', sequence: random.between(...SEQUENCE) }, noPrelude: true };
  }
  const isEarly = random.chance(isFirst ? 0.1 : 0.5);
  const [name, often] = random.pick(isEarly ? earlyPlaces(isFirst) : placesOf(workload));
  const nth = random.between(1, TIMES[often](workload));
  const step = isEarly ? 0 : prelude + random.between(1, 3);
  return { kill: { at: 'point', name, nth, step, orLater: true }, noPrelude: isEarly };
}

function earlyPlaces(isFirst: boolean): readonly Place[] {
  return isFirst ? BIRTH : RECOVERY;
}

function placesOf(workload: WorkloadName): readonly Place[] {
  return SPILLING.includes(workload) ? [...COMMIT, ...SPILL, ...SPILL] : COMMIT;
}

const TIMES: Readonly<Record<Place[1], (workload: WorkloadName) => number>> = {
  once: () => 1,
  files: (workload) => SHAPES[workload].paths.length,
  segments: (workload) => (MANY_SEGMENTS.includes(workload) ? SEGMENTS_MAX : 1),
};
