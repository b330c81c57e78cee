/**
 * Draws crash trials: from a seed and an index always the same one, whatever else is run.
 *
 *   life    a page that runs the workload until it is killed; a trial has one or two of them, the second
 *           on what the first left, maybe with another engine, and eight checks after the last
 */
import type { BrowserName } from '../../tools/browsers/browser.mjs';
import { BUILDS_OF, type EngineName, returnsEarly, spills } from './kill-engines.ts';
import { enginesOf, type Lane, type LaneName, lanesOf } from './kill-lanes.ts';
import { SHAPES, type WorkloadName } from './kill-model.ts';
import { momentOf, SPILLING } from './kill-moment.ts';
import { NEVER_MS, type Trial, type Victim } from './kill-plan.ts';
import { stratumOf } from './kill-strata.ts';
import { Seeded } from './seeded.ts';
import type { BuildName } from './sqlite.ts';

/** What is not drawn but given. */
export interface Fixed {
  /** Default: chromium. */
  readonly browser?: BrowserName | undefined;
  readonly lane?: LaneName | undefined;
  readonly victim?: Victim | undefined;
  readonly workload?: WorkloadName | undefined;
  readonly durability?: Trial['durability'] | undefined;
  readonly build?: BuildName | undefined;
  readonly reader?: BuildName | undefined;
}

export interface CrashTrial {
  /** From 1. */
  readonly index: number;
  readonly lane: Lane;
  readonly lives: readonly Trial[];
}

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
/** Of commits without `autoSync`: they go by themselves, often while those of a burst are still being made. */
const DUE_CHANCE = 0.25;
const DUE_MS = 20;
/** Of the synchronous engines, whose old line is less in use. */
const LEGACY_CHANCE = 0.25;
/** A point that does not come (a workload may have no spill) must not make a trial long. */
const STEPS_MAX = 12;

export function crashTrial(seed: number, index: number, fixed: Fixed = {}): CrashTrial {
  const random = new Seeded(seed, index);
  const { lane, ...place } = placeOf(index, fixed);
  const engines = enginesOf(lane);
  const stratum = stratumOf(seed, { ...place, engines });
  const lives = random.chance(TWO_LIVES_CHANCE) ? 2 : 1;
  const wantsOrphans = lives === 2 && random.chance(ORPHANS_CHANCE);
  const drawn = {
    workload: random.pick<WorkloadName>(wantsOrphans ? SPILLING : DRAWN_WORKLOADS),
    durability: stratum.durability,
    build: buildOf(random, stratum.writer, lane),
    reader: buildOf(random, stratum.reader, lane),
    seed: random.bits(),
  };
  const spilling = engines.filter((engine) => BUILDS_OF[engine].every(spills));
  const before = buildOf(random, random.pick(wantsOrphans ? spilling : engines), lane);
  const given = Object.entries(fixed).filter(([, value]) => value !== undefined);
  const common = { ...drawn, ...Object.fromEntries(given), volume: `crash-${seed}-${index}` };
  const first = fixed.build ?? before;
  const orphans = wantsOrphans && SPILLING.includes(common.workload) && spills(first);
  const life = (n: number): Trial => {
    const isLast = n === lives;
    const build = isLast ? common.build : first;
    const victims = victimsOf(lane, { leavesOrphans: orphans && !isLast });
    const planned = lifeOf(random, { ...common, build, victims, isFirst: n === 1, orphans });
    return { ...planned, id: index * 2 + n - 1, inspect: isLast };
  };
  return { index, lane, lives: Array.from({ length: lives }, (_, i) => life(i + 1)) };
}

/** Lanes take turns, and each one's trials are dealt by themselves, also when one lane is given. */
function placeOf(index: number, fixed: Fixed): { lane: Lane; laneNumber: number; number: number } {
  const { browser = 'chromium' } = fixed;
  const lanes = lanesOf(browser);
  const laneNumber = (index - 1) % lanes.length;
  const turn = lanes.slice(laneNumber).concat(lanes);
  const lane = turn.find((one) => carries(one, fixed));
  if (!lane) throw new Error(`Not everything that was asked for is there in ${browser}`);
  return { lane, laneNumber, number: Math.floor((index - 1) / lanes.length) };
}

function carries(lane: Lane, fixed: Fixed): boolean {
  const { build, reader, victim } = fixed;
  const builds = [build, reader].filter((name) => name !== undefined);
  const canDie = victim === undefined || [...lane.victims, lane.closing].includes(victim);
  const isAsked = fixed.lane === undefined || fixed.lane === lane.name;
  return isAsked && canDie && builds.every((name) => lane.builds.includes(name));
}

/** A page that outlives its storage leaves nothing unfinished. */
function victimsOf(
  { victims }: Lane,
  { leavesOrphans }: { readonly leavesOrphans: boolean },
): readonly Victim[] {
  return leavesOrphans ? victims.filter((victim) => victim !== 'network') : victims;
}

function buildOf(random: Seeded, engine: EngineName, { builds }: Lane): BuildName {
  const there = BUILDS_OF[engine].filter((build) => builds.includes(build));
  const [current = 'asyncify', ...others] = there;
  if (engine === 'asynchronous') return random.pick([current, ...others]);
  return random.chance(LEGACY_CHANCE) ? random.pick(others) : current;
}

interface Common
  extends Pick<Trial, 'workload' | 'durability' | 'build' | 'reader' | 'seed' | 'volume'> {
  readonly victim?: Victim;
  /** One of them, if it is not given. */
  readonly victims: readonly Victim[];
  readonly isFirst: boolean;
  /** The first of two lives leaves some. */
  readonly orphans: boolean;
}

function lifeOf(random: Seeded, common: Common): Omit<Trial, 'id' | 'inspect'> {
  const { workload, durability, build, reader, seed, volume } = common;
  const drawnVictim = random.pick(common.victims);
  const isQuick = SHAPES[workload].rows[1] <= 12;
  const isLong = isQuick && random.chance(LONG_PRELUDE_CHANCE);
  const prelude = isLong ? random.between(...LONG_PRELUDE) : random.between(...SHORT_PRELUDE);
  const burst = returnsEarly(common) ? random.between(...BURST) : 1;
  const autoSync = !returnsEarly(common) || random.chance(AUTO_SYNC_CHANCE);
  const { kill, noPrelude } = momentOf(random, { ...common, prelude, burst });
  const isDue = !autoSync && random.chance(DUE_CHANCE);
  return {
    ...{ seed, volume, workload, build, reader, durability, autoSync, burst, kill },
    maxDelayMs: isDue ? DUE_MS : NEVER_MS,
    claim: 'promised',
    prelude: noPrelude ? 0 : prelude,
    stepsMax: kill.at === 'time' ? Number.MAX_SAFE_INTEGER : STEPS_MAX,
    victim: common.victim ?? drawnVictim,
  };
}
