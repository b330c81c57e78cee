/** What a set is, and ways to pick contenders for one. */
import type { Contender, Workload } from './types.ts';

export interface BenchmarkSet {
  readonly contenders: readonly Contender[];
  readonly workloads: readonly Workload[];
  /** Left out: all take part in all. */
  takes?(contender: Contender, workload: Workload): boolean;
}

/** A set in which each workload has its own contenders. */
export function setOf(
  parts: readonly (readonly [Workload | readonly Workload[], readonly Contender[]])[],
): BenchmarkSet {
  const pairs = parts.flatMap(([some, contenders]) =>
    [some].flat().map((workload: Workload) => [workload, contenders] as const),
  );
  const takers = new Map(pairs);
  return {
    contenders: [...new Set(pairs.flatMap(([, contenders]) => contenders))],
    workloads: pairs.map(([workload]) => workload),
    takes: (contender, workload) => takers.get(workload)?.includes(contender) ?? false,
  };
}

export function onBuild(contenders: readonly Contender[], build: string): Contender[] {
  return contenders.filter((contender) => contender.build === build);
}

export function lasting(
  contenders: readonly Contender[],
  ...durabilities: readonly Contender['durability'][]
): Contender[] {
  return contenders.filter(({ durability }) => durabilities.includes(durability));
}

/** Those whose commits wait for something. */
export function awaited(contenders: readonly Contender[]): Contender[] {
  return lasting(contenders, 'strict', 'relaxed');
}

/** With the pages and the locking that SQLite has when nobody asks for others. */
export function plain(contenders: readonly Contender[]): Contender[] {
  return contenders.filter(
    ({ pageBytes, locking }) => (pageBytes === undefined || pageBytes === 4096) && !locking,
  );
}
