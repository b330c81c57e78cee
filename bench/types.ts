/**
 * The words of the benchmark.
 *
 * - **set**: contenders and workloads measured in one run.
 * - **contender**: one storage engine on one build with one durability.
 * - **workload**: what is measured, with its own database and its own check of the result.
 * - **repetition**: one fresh browser profile in which every workload runs once for each contender.
 * - **step**: one phase of one workload for one contender, in a page load and a worker of its own.
 */

import type { SetName } from './sets.mjs';

export type Value = number | string | Uint8Array | null;
export type Row = readonly (Value | bigint | number[])[];

/** A statement that is prepared once and run often. */
export interface Statement {
  run(parameters?: Value[]): Promise<Row[]>;
  finalize(): Promise<void>;
}

/** One open database, whatever stores it. */
export interface Session {
  exec(sql: string): Promise<Row[]>;
  prepare(sql: string): Promise<Statement>;
  /** The engine's own counters, to explain a figure. */
  counters?(): Record<string, number>;
  /** Waits until every acknowledged commit is complete; absent where acknowledging waits for that. */
  durable?(): Promise<void>;
  /** Instead of SQL. */
  readonly raw?: RawStore;
  close(): Promise<void>;
}

/** An object store under number keys. */
export interface RawStore {
  /** One idbTx, and its `complete`. */
  put(records: readonly (readonly [key: number, bytes: Uint8Array])[]): Promise<void>;
  get(key: number): Promise<Uint8Array | undefined>;
  getAll(first: number, last: number): Promise<Uint8Array[]>;
}

export type DurabilityName = 'strict' | 'relaxed' | 'deferred' | 'none';

/** Opens `database`, creating it, with SQLite's defaults but for `synchronous`. */
export type Open = (database: string) => Promise<Session>;

export interface Contender {
  /** `engine.build.durability`, unique. */
  readonly name: string;
  readonly engine: string;
  readonly build: string;
  readonly durability: DurabilityName;
  /** What an acknowledged commit has waited for. */
  readonly waitsFor: string;
  /** Where it is not SQLite's default. */
  readonly pageBytes?: number;
  /** SQLite's locking mode, where it is not `normal`: this connection is the only one. */
  readonly locking?: 'exclusive';
  /** Everything that it tells is listened to, and it measures its commits. Left out: neither. */
  readonly observed?: true;
  /** False if closing loses the database: then there are no cold figures. */
  readonly persistent: boolean;
  /** IndexedDB alone: it takes part where a workload has a floor. */
  readonly raw?: boolean;
  /** False if a second worker cannot use a database that is open. */
  readonly shareable?: false;
  /** Runs only when `--only` names its build. */
  readonly optional?: boolean;
  /** Left out: it runs in every browser. */
  available?(): boolean;
  /** Called in the page, with the worker that is about to open a database. */
  attach?(worker: Worker): Promise<void>;
  /** Fetches and compiles the engine's code, which no figure counts. */
  load(): Promise<Open>;
}

/** One figure: what one operation took, in milliseconds. */
export interface Measurement {
  /** Elapsed time divided by operations: pauses count. */
  readonly meanMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Of the operations, from the quickest to the slowest in steps of a hundredth. */
  readonly quantilesMs?: readonly number[];
  readonly operations: number;
  /** What else the workload has found, by name. */
  readonly details?: Record<string, number>;
}

/** A workload's like on IndexedDB alone. */
export interface Floor {
  prepare?(store: RawStore): Promise<void>;
  /** @throws if a result is wrong. */
  run(store: RawStore): Promise<Measurement>;
}

export type Phase = 'prepare' | 'run' | 'check';

export interface Workload {
  readonly name: string;
  /** What the figure is, as a table says it. */
  readonly title: string;
  /** Workloads that leave a database as it was may share one. */
  readonly database: string;
  /** Measured on an engine that has just been opened in a fresh page: nothing in its memory. */
  readonly cold: boolean;
  /** Measured in a browser that has just been started on the profile: nothing in its memory either. */
  readonly restart?: boolean;
  /** Runs only when `--workloads` names it. */
  readonly optional?: boolean;
  /** Tell how many bytes the storage has in the end. */
  readonly space?: boolean;
  /** Tell how much memory the page and its workers have in the end. */
  readonly memory?: boolean;
  /** Left out: every contender takes part. */
  takes?(contender: Pick<Contender, 'durability' | 'build' | 'shareable'>): boolean;
  prepare?(session: Session): Promise<void>;
  /** @throws if a result is wrong. */
  run(session: Session): Promise<Measurement>;
  /** What a second worker does that `run` has asked for. */
  partner?(session: Session): Promise<void>;
  /** After a reload: is what was written there? @throws if not. */
  check?(session: Session): Promise<void>;
  /** Where something on IndexedDB alone can be compared with it. */
  readonly floor?: Floor;
}

export interface Step {
  readonly set: SetName;
  readonly contender: string;
  readonly workload: string;
  readonly database: string;
  /** More than one only where a reload would lose the database. */
  readonly phases: readonly Phase[];
  readonly restart?: boolean;
}

/** What a worker may ask of its page: a second worker, how much memory there is, to wait for the profiler. */
export interface Ask {
  readonly ask: 'partner' | 'memory' | 'hold';
}

/** What the page tells a worker: its step, and whether it works as another's partner or is profiled. */
export type Order = Step & { readonly partner?: boolean; readonly profiled?: boolean };

export interface StepResult {
  readonly step: Step;
  /** Opening the database, once the engine's code was loaded. */
  readonly openMs?: number;
  readonly measurement?: Measurement;
  readonly counters?: Record<string, number>;
  readonly error?: string;
}
