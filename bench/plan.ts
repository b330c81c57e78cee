/**
 * The steps of one repetition.
 *
 * Contenders take turns within each workload, so that what disturbs the machine disturbs neighbours
 * alike, and each repetition begins with another contender.
 */
import { CONTENDERS } from './contenders/index.ts';
import type { Contender, Phase, Step, Workload } from './types.ts';
import { WORKLOADS } from './workloads/index.ts';

export interface Selection {
  /** Parts of contender names; none: all that are not optional. */
  readonly only: readonly string[];
  /** Parts of workload names; none: all. */
  readonly workloads: readonly string[];
}

/** @throws if a name selects nothing. */
export function select({ only, workloads }: Selection): {
  contenders: Contender[];
  workloads: Workload[];
} {
  const contenders = matching(CONTENDERS, only).filter(
    ({ build, optional }) => !optional || only.some((part) => part.includes(build)),
  );
  return { contenders, workloads: matching(WORKLOADS, workloads) };
}

function matching<T extends { readonly name: string }>(
  all: readonly T[],
  parts: readonly string[],
): T[] {
  for (const part of parts) {
    if (all.some(({ name }) => name.includes(part))) continue;
    throw new Error(`"${part}" is in none of: ${all.map(({ name }) => name).join(', ')}`);
  }
  return all.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
}

export function planOf(selection: Selection, repetition: number): Step[] {
  const { contenders, workloads } = select(selection);
  const turn = repetition % contenders.length;
  const order = [...contenders.slice(turn), ...contenders.slice(0, turn)];
  const prepared = new Set<string>();
  return workloads.flatMap((workload) =>
    (['prepare', 'run', 'check'] as const).flatMap((phase) =>
      order.flatMap((contender) => stepOf(contender, workload, phase, prepared) ?? []),
    ),
  );
}

function stepOf(
  contender: Contender,
  workload: Workload,
  phase: Phase,
  prepared: Set<string>,
): Step | undefined {
  const database = `${contender.name}/${workload.database}`;
  const step = { contender: contender.name, workload: workload.name, database };
  if (workload.takes?.(contender) === false) return undefined;
  if (!contender.persistent) {
    if (workload.cold || phase !== 'run') return undefined;
    return { ...step, phases: ['prepare', 'run', 'check'] };
  }
  if (phase !== 'run' && !workload[phase]) return undefined;
  if (phase === 'prepare') {
    if (prepared.has(database)) return undefined;
    prepared.add(database);
  }
  return { ...step, phases: [phase] };
}
