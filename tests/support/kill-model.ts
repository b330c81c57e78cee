/**
 * What each step of a workload writes, as a function of its seed: the page does it in SQL, and the
 * same function says what must be found after any number of steps, byte for byte.
 */
import { Seeded } from './seeded.ts';

export type WorkloadName =
  | 'one-row'
  | 'small'
  | 'batch'
  | 'bulk'
  | 'spilling'
  | 'attached'
  | 'vacuum';

interface Shape {
  /** Databases that each step writes to; the first is main, the others are attached. */
  readonly paths: readonly string[];
  /** Rows written by one step, least and most. */
  readonly rows: readonly [number, number];
  /** Bytes of a row's body, least and most. Never 0: wa-sqlite binds an empty blob as NULL. */
  readonly bytes: readonly [number, number];
  /** Rows that there can be in one database. */
  readonly ids: number;
  readonly spillBytes: number;
  /** Every other step writes no rows and ends with a VACUUM. */
  readonly vacuums: boolean;
}

const KIB = 1024;
const COMMON = { paths: ['a.db'], spillBytes: 64 * KIB, vacuums: false } as const;

export const SHAPES: Readonly<Record<WorkloadName, Shape>> = {
  'one-row': { ...COMMON, rows: [1, 1], bytes: [1, 2000], ids: 60 },
  small: { ...COMMON, rows: [1, 12], bytes: [1, 3000], ids: 80 },
  /** Some 40 pages a step: a commit of several segments. */
  batch: { ...COMMON, rows: [20, 60], bytes: [1, 4000], ids: 150, spillBytes: KIB ** 2 },
  /** 4 MB in one idbTx: IndexedDB takes far longer to complete it than a kill takes to arrive. */
  bulk: { ...COMMON, rows: [50, 50], bytes: [90_000, 110_000], ids: 50, spillBytes: 16 * KIB ** 2 },
  /** Some 600 KiB a step, ten times the spill limit. */
  spilling: { ...COMMON, rows: [80, 120], bytes: [2000, 9000], ids: 200 },
  attached: { ...COMMON, paths: ['a.db', 'b.db'], rows: [2, 16], bytes: [1, 3000], ids: 60 },
  vacuum: { ...COMMON, rows: [40, 80], bytes: [1, 6000], ids: 150, vacuums: true },
};

export interface Write {
  /** Index into the shape's paths. */
  readonly database: number;
  readonly id: number;
  /** Bytes of the body; undefined deletes the row. */
  readonly length: number | undefined;
}

export interface Step {
  readonly writes: readonly Write[];
  /** Rows written and rolled back to a savepoint, before the others. */
  readonly undone: readonly Write[];
  /** The page size to vacuum to, after the step's COMMIT. */
  readonly vacuumTo: number | undefined;
}

const DELETE_CHANCE = 0.2;
const UNDONE_CHANCE = 0.3;
const PAGE_BYTES = [4096, 1024, 8192] as const;

export function stepOf(workload: WorkloadName, seed: number, number: number): Step {
  const shape = SHAPES[workload];
  const random = new Seeded(seed, number);
  const write = (): Write => ({
    database: random.between(0, shape.paths.length - 1),
    id: random.between(1, shape.ids),
    length: random.chance(DELETE_CHANCE) ? undefined : random.between(...shape.bytes),
  });
  const some = () => Array.from({ length: random.between(...shape.rows) }, write);
  if (shape.vacuums && number % 2 === 0) {
    return { undone: [], writes: [], vacuumTo: random.pick(PAGE_BYTES) };
  }
  const undone = random.chance(UNDONE_CHANCE) ? some() : [];
  return { undone, writes: some(), vacuumTo: undefined };
}

export function bodyOf(seed: number, step: number, id: number, length: number): Uint8Array {
  return new Seeded(seed, step, id).bytes(length);
}

/** Id → the step that wrote the row last, and its length. */
export type Rows = Map<number, { readonly step: number; readonly length: number }>;

/** The rows of each database after `steps` steps. */
export function rowsAfter(workload: WorkloadName, seed: number, steps: number): Rows[] {
  const databases: Rows[] = SHAPES[workload].paths.map(() => new Map());
  for (let step = 1; step <= steps; step++) {
    for (const { database, id, length } of stepOf(workload, seed, step).writes) {
      if (length === undefined) databases[database]?.delete(id);
      else databases[database]?.set(id, { step, length });
    }
  }
  return databases;
}
