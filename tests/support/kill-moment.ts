/** Draws the moment at which a life of a crash trial is ended (kill-draw.ts). */
import { spills } from './kill-engines.ts';
import { SHAPES, type WorkloadName } from './kill-model.ts';
import type { KillMoment, PointName, Trial } from './kill-plan.ts';
import type { Seeded } from './seeded.ts';

export const SPILLING: readonly WorkloadName[] = ['spilling', 'vacuum'];
/** A bulk step takes some 100 ms, others 5 to 50. */
const KILL_AFTER_MS = [0, 400] as const;
const SEQUENCE = [1, 80] as const;
const BIRTH_CHANCE = 0.05;
const RECOVERY_CHANCE = 0.7;

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
/** Of an idbTx that commits share: drawn more often. */
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
/** Those that orphans are left at. */
const ORPHANING: readonly Place[] = [
  ['spill:stored', 'segments'],
  ['spill:complete', 'once'],
  ['commit:opened', 'once'],
  ['commit:record', 'once'],
];
/** Of the deletion of orphans: only where the life before left some. */
const RECOVERY: readonly Place[] = [
  ['recovery:opened', 'once'],
  ['recovery:complete', 'once'],
];
const MANY_SEGMENTS: readonly WorkloadName[] = ['bulk', 'spilling', 'vacuum'];
const SEGMENTS_MAX = 8;

interface Circumstances extends Pick<Trial, 'workload' | 'build'> {
  readonly isFirst: boolean;
  /** The first of two lives leaves some, and the second may be killed as it deletes them. */
  readonly orphans: boolean;
  readonly prelude: number;
  readonly burst: number;
}

/** When to kill a life; some moments are before there could be a prelude. */
export function momentOf(
  random: Seeded,
  circumstances: Circumstances,
): { kill: KillMoment; noPrelude: boolean } {
  const { prelude, isFirst, orphans } = circumstances;
  const isEarly = random.chance(earlyChance(circumstances));
  const kind = random.between(1, 10);
  const isFree = !isEarly && !(isFirst && orphans);
  if (isFree && kind <= 4) {
    return { kill: { at: 'time', ms: random.between(...KILL_AFTER_MS) }, noPrelude: false };
  }
  if (isFree && kind === 5) {
    return { kill: { at: 'sequence', sequence: random.between(...SEQUENCE) }, noPrelude: true };
  }
  const places = isEarly ? earlyPlaces(circumstances) : placesOf(circumstances);
  const [name, often] = random.pick(places);
  const nth = random.between(1, timesOf(often, circumstances));
  const step = isEarly ? 0 : prelude + random.between(1, 3);
  return { kill: { at: 'point', name, nth, step, orLater: true }, noPrelude: isEarly };
}

/** How likely it is killed while it opens. */
function earlyChance({ isFirst, orphans }: Circumstances): number {
  if (isFirst) return orphans ? 0 : BIRTH_CHANCE;
  return orphans ? RECOVERY_CHANCE : 0;
}

function earlyPlaces({ isFirst }: Circumstances): readonly Place[] {
  return isFirst ? BIRTH : RECOVERY;
}

function placesOf({ isFirst, orphans, workload, build, burst }: Circumstances): readonly Place[] {
  if (isFirst && orphans) return ORPHANING;
  const isSpilling = SPILLING.includes(workload) && spills(build);
  if (isSpilling) return [...COMMIT, ...SPILL, ...SPILL];
  return burst > 1 ? [...COMMIT, ...GROUP, ...GROUP] : COMMIT;
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
