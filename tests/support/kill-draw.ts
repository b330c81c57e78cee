/**
 * Draws crash trials: from a seed and an index always the same one, whatever else is run.
 *
 *   life    a page that runs the workload until it is killed; a trial has one or two of them, the second
 *           on what the first left, maybe with another engine, and eight checks after the last
 */
import { BUILDS_OF, ENGINES, type EngineName, returnsEarly, spills } from './kill-engines.ts';
import { SHAPES, type WorkloadName } from './kill-model.ts';
import { momentOf, SPILLING } from './kill-moment.ts';
import type { Trial } from './kill-plan.ts';
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
/** Of two lives: the first leaves orphans on purpose. */
const ORPHANS_CHANCE = 0.6;
/** More commits than lie between two checkpoints (docs/FORMAT.md §7), for steps that are quick. */
const LONG_PRELUDE_CHANCE = 0.3;
const LONG_PRELUDE = [60, 140] as const;
const SHORT_PRELUDE = [0, 4] as const;
/** Steps whose commits may share an idbTx. */
const BURST = [3, 8] as const;
const AUTO_SYNC_CHANCE = 0.4;
/** Of the synchronous engines, whose old line is less in use. */
const LEGACY_CHANCE = 0.25;
const SPILLING_ENGINES = ENGINES.filter((engine) => BUILDS_OF[engine].every(spills));
/** A point that does not come (a workload may have no spill) must not make a trial long. */
const STEPS_MAX = 12;

export function crashTrial(seed: number, index: number, fixed: Fixed = {}): CrashTrial {
  const random = new Seeded(seed, index);
  const lane = (index - 1) % BACKENDS.length;
  const backend = fixed.backend ?? BACKENDS[lane] ?? 'leveldb';
  const stratum = stratumOf(seed, lane, Math.floor((index - 1) / BACKENDS.length));
  const lives = random.chance(TWO_LIVES_CHANCE) ? 2 : 1;
  const wantsOrphans = lives === 2 && random.chance(ORPHANS_CHANCE);
  const drawn = {
    workload: random.pick<WorkloadName>(wantsOrphans ? SPILLING : DRAWN_WORKLOADS),
    durability: stratum.durability,
    build: buildOf(random, stratum.writer),
    reader: buildOf(random, stratum.reader),
    seed: random.bits(),
  };
  const before = buildOf(random, random.pick(wantsOrphans ? SPILLING_ENGINES : ENGINES));
  const given = Object.entries(fixed).filter(([, value]) => value !== undefined);
  const common = { ...drawn, ...Object.fromEntries(given), volume: `crash-${seed}-${index}` };
  const first = fixed.build ?? before;
  const orphans = wantsOrphans && SPILLING.includes(common.workload) && spills(first);
  const life = (n: number): Trial => {
    const isLast = n === lives;
    const build = isLast ? common.build : first;
    const planned = lifeOf(random, { ...common, build, isFirst: n === 1, orphans });
    return { ...planned, id: index * 2 + n - 1, inspect: isLast };
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
  /** The first of two lives leaves some. */
  readonly orphans: boolean;
}

function lifeOf(random: Seeded, common: Common): Omit<Trial, 'id' | 'inspect'> {
  const { workload, durability, build, reader, seed, volume } = common;
  const drawnVictim = random.pick(VICTIMS);
  const isQuick = SHAPES[workload].rows[1] <= 12;
  const isLong = isQuick && random.chance(LONG_PRELUDE_CHANCE);
  const prelude = isLong ? random.between(...LONG_PRELUDE) : random.between(...SHORT_PRELUDE);
  const burst = returnsEarly(common) ? random.between(...BURST) : 1;
  const autoSync = !returnsEarly(common) || random.chance(AUTO_SYNC_CHANCE);
  const { kill, noPrelude } = momentOf(random, { ...common, prelude, burst });
  return {
    ...{ seed, volume, workload, build, reader, durability, autoSync, burst, kill },
    claim: 'promised',
    prelude: noPrelude ? 0 : prelude,
    stepsMax: kill.at === 'time' ? Number.MAX_SAFE_INTEGER : STEPS_MAX,
    victim: common.victim ?? drawnVictim,
  };
}
