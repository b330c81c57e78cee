/**
 * The steps of one repetition.
 *
 * Contenders take turns within each workload, so that what disturbs the machine disturbs neighbours
 * alike, and each repetition begins with another contender.
 */

import type { SetName } from './sets.mjs';
import { SETS } from './sets.ts';
import type { Contender, Phase, Step, Workload } from './types.ts';

export interface Selection {
  readonly set: SetName;
  /** Parts of contender names; none: all that are not optional. */
  readonly only: readonly string[];
  /** Parts of workload names; none: all. */
  readonly workloads: readonly string[];
  /** Also the workloads that take minutes, unnamed. */
  readonly long: boolean;
}

/** Both are empty where the set has nothing of these names. */
export function select({ set, only, workloads, long }: Selection): {
  contenders: Contender[];
  workloads: Workload[];
} {
  const contenders = matching(SETS[set].contenders, only).filter(
    ({ build, optional, available }) =>
      (!optional || only.some((part) => part.includes(build))) && available?.() !== false,
  );
  const asked = matching(SETS[set].workloads, workloads).filter(
    ({ name, optional }) => !optional || long || workloads.some((part) => part.includes(name)),
  );
  return { contenders, workloads: asked };
}

function matching<T extends { readonly name: string }>(
  all: readonly T[],
  parts: readonly string[],
): T[] {
  return all.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
}

export function planOf(selection: Selection, repetition: number): Step[] {
  const { set } = selection;
  const { contenders, workloads } = select(selection);
  const turn = contenders.length === 0 ? 0 : repetition % contenders.length;
  const order = [...contenders.slice(turn), ...contenders.slice(0, turn)];
  const prepared = new Set<string>();
  return workloads.flatMap((workload) =>
    (['prepare', 'run', 'check'] as const).flatMap((phase) =>
      order.flatMap((contender) => stepOf({ set, contender, workload }, phase, prepared) ?? []),
    ),
  );
}

function stepOf(
  { set, contender, workload }: { set: SetName; contender: Contender; workload: Workload },
  phase: Phase,
  prepared: Set<string>,
): Step | undefined {
  const database = `${contender.name}/${workload.database}`;
  const step = { set, contender: contender.name, workload: workload.name, database };
  if (workload.takes?.(contender) === false) return undefined;
  if (contender.raw && !workload.floor) return undefined;
  if (SETS[set].takes?.(contender, workload) === false) return undefined;
  if (!contender.persistent) {
    if (workload.cold || phase !== 'run') return undefined;
    return { ...step, phases: ['prepare', 'run', 'check'] };
  }
  const has = contender.raw ? { check: undefined, ...workload.floor } : workload;
  if (phase !== 'run' && !has[phase]) return undefined;
  if (phase === 'prepare') {
    if (prepared.has(database)) return undefined;
    prepared.add(database);
  }
  const restart = phase === 'run' && workload.restart === true;
  return { ...step, phases: [phase], ...(restart ? { restart } : {}) };
}
