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

/** One-row commits of an engine of ours with Web Locks and without, in turns. */
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
