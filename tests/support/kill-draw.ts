/**
 * Draws crash trials: from a seed and an index always the same one, whatever else is run.
 *
 *   life    a page that runs the workload until it is killed; a trial has one or two of them, the second
 *           on what the first left, and eight checks after the last
 */
import { BUILDS_OF, type EngineName, returnsEarly, spills } from './kill-engines.ts';
import { SHAPES, type WorkloadName } from './kill-model.ts';
import type { KillMoment, PointName, Trial } from './kill-plan.ts';
import { stratumOf } from './kill-strata.ts';
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
  readonly reader?: BuildName | undefined;
}

export interface CrashTrial {
  /** From 1. */
  readonly index: number;
  readonly backend: Backend;
  readonly lives: readonly Trial[];
}

export const VICTIMS = ['browser', 'renderer'] as const;
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
/** Steps whose commits may share an idbTx. */
const BURST = [2, 8] as const;
/** Of the synchronous engines, whose old line is less in use. */
const LEGACY_CHANCE = 0.25;
/** A bulk step takes some 100 ms, others 5 to 50. */
const KILL_AFTER_MS = [0, 400] as const;
const SEQUENCE = [1, 80] as const;
/** A point that does not come (a workload may have no spill) must not make a trial long. */
const STEPS_MAX = 12;

/** A point and how often a step may come to it: once, or for each of these. */
type Place = readonly [
  name: PointName,
  often: 'once' | 'files' | 'idbTxs' | 'records' | 'segments',
];

const COMMIT: readonly Place[] = [
  ['step:begun', 'once'],
  ['step:executed', 'once'],
  ['commit:opened', 'idbTxs'],
  ['commit:segment', 'segments'],
  ['commit:stored', 'segments'],
  ['commit:record', 'records'],
  ['commit:recorded', 'records'],
  ['commit:commit', 'idbTxs'],
  ['commit:complete', 'idbTxs'],
  ['step:committed', 'once'],
];
/** Of an idbTx that commits share: drawn once more. */
const GROUP: readonly Place[] = [
  ['commit:stored', 'segments'],
  ['commit:record', 'records'],
  ['commit:recorded', 'records'],
  ['commit:commit', 'idbTxs'],
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
  const lane = (index - 1) % BACKENDS.length;
  const backend = fixed.backend ?? BACKENDS[lane] ?? 'leveldb';
  const stratum = stratumOf(seed, lane, Math.floor((index - 1) / BACKENDS.length));
  const lives = random.chance(TWO_LIVES_CHANCE) ? 2 : 1;
  const drawn = {
    workload: random.pick<WorkloadName>(DRAWN_WORKLOADS),
    durability: stratum.durability,
    build: buildOf(random, stratum.writer),
    reader: buildOf(random, stratum.reader),
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

function buildOf(random: Seeded, engine: EngineName): BuildName {
  const [current = 'asyncify', ...others] = BUILDS_OF[engine];
  if (engine === 'asynchronous') return random.pick([current, ...others]);
  return random.chance(LEGACY_CHANCE) ? random.pick(others) : current;
}

interface Common
  extends Pick<Trial, 'workload' | 'durability' | 'build' | 'reader' | 'seed' | 'volume'> {
  readonly victim?: Trial['victim'];
  readonly isFirst: boolean;
}

function lifeOf(random: Seeded, common: Common): Omit<Trial, 'id' | 'inspect'> {
  const { isFirst, workload, durability, build, reader, seed, volume } = common;
  const drawnVictim = random.pick(VICTIMS);
  const isQuick = SHAPES[workload].rows[1] <= 12;
  const isLong = isQuick && random.chance(LONG_PRELUDE_CHANCE);
  const prelude = isLong ? random.between(...LONG_PRELUDE) : random.between(...SHORT_PRELUDE);
  const burst = returnsEarly(common) ? random.between(...BURST) : 1;
  const { kill, noPrelude } = momentOf(random, { isFirst, workload, build, prelude, burst });
  return {
    ...{ seed, volume, workload, build, reader, durability, burst, kill },
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
  readonly burst: number;
}

/** When to kill; some moments are before there could be a prelude. */
function momentOf(
  random: Seeded,
  circumstances: Circumstances,
): { kill: KillMoment; noPrelude: boolean } {
  const { isFirst, prelude } = circumstances;
  const kind = random.between(1, 10);
  if (kind <= 4) {
    return { kill: { at: 'time', ms: random.between(...KILL_AFTER_MS) }, noPrelude: false };
  }
  if (kind === 5) {
    return { kill: { at: 'sequence', sequence: random.between(...SEQUENCE) }, noPrelude: true };
  }
  const isEarly = random.chance(isFirst ? 0.1 : 0.5);
  const places = isEarly ? earlyPlaces(isFirst) : placesOf(circumstances);
  const [name, often] = random.pick(places);
  const nth = random.between(1, timesOf(often, circumstances));
  const step = isEarly ? 0 : prelude + random.between(1, 3);
  return { kill: { at: 'point', name, nth, step, orLater: true }, noPrelude: isEarly };
}

function earlyPlaces(isFirst: boolean): readonly Place[] {
  return isFirst ? BIRTH : RECOVERY;
}

function placesOf({ workload, build, burst }: Circumstances): readonly Place[] {
  const isSpilling = SPILLING.includes(workload) && spills(build);
  if (isSpilling) return [...COMMIT, ...SPILL, ...SPILL];
  return burst > 1 ? [...COMMIT, ...GROUP] : COMMIT;
}

/** How often a place may come, commits that share an idbTx included. */
function timesOf(often: Place[1], { workload, burst }: Circumstances): number {
  switch (often) {
    case 'once':
      return 1;
    case 'files':
      return SHAPES[workload].paths.length;
    case 'idbTxs':
      return SHAPES[workload].vacuums ? 2 : 1;
    case 'records':
      return SHAPES[workload].paths.length * burst * (SHAPES[workload].vacuums ? 2 : 1);
    case 'segments':
      return MANY_SEGMENTS.includes(workload) ? SEGMENTS_MAX : burst;
  }
}
