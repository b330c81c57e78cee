/** What the page of `bench/contend.mjs` asks its workers for, and what it reports. */

/** One context's share: so many sqliteTxs on a database that others write to as well. */
export interface IncrementJob {
  readonly contender: string;
  readonly database: string;
  readonly rounds: number;
}

/** Milliseconds of each sqliteTx: until BEGIN IMMEDIATE was granted. */
export interface Waits {
  readonly waitsMs: readonly number[];
  /** SQLITE_BUSY that SQLite's busy handler did not see to. */
  readonly busy: number;
}

/**
 * One-row commits of an engine of ours, in turns: with Web Locks; with `locks: null`, where the store is
 * asked about others each time; and as if there were no others, every lock granted by the page itself.
 * The shared engine's storage worker takes no locks but its own or none.
 */
export interface LoneJob {
  readonly engine: 'IDBBlockVFS' | 'IDBBlockMirrorVFS' | 'IDBBlockSharedVFS';
  readonly blocks: number;
  readonly commitsPerBlock: number;
}

/** Milliseconds of each commit. */
export interface LoneResult {
  readonly engine: LoneJob['engine'];
  readonly withLocksMs: readonly number[];
  readonly withoutMs: readonly number[];
  /** Empty for the shared engine. */
  readonly grantedMs: readonly number[];
}

export interface ContendResult extends Waits {
  readonly contender: string;
  readonly repetition: number;
  /** From when all contexts began until the last was through. */
  readonly elapsedMs: number;
  readonly contexts: number;
  /** What the counter says in the end. */
  readonly count: number;
}

export type WorkerJob =
  | { readonly type: 'open'; readonly job: IncrementJob }
  | { readonly type: 'create' }
  | { readonly type: 'go' }
  | { readonly type: 'count' }
  | { readonly type: 'close' }
  | { readonly type: 'lone'; readonly job: LoneJob };

export type WorkerAnswer =
  | { readonly type: 'done'; readonly value: unknown }
  | { readonly type: 'failed'; readonly message: string };
