/** Tells of each idbTx with commits when it begins and how it ends; nothing is built while nobody listens. */
import type { SyncEnded } from '../blockstore/committer.js';
import type { PreparedCommit } from '../blockstore/prepare.js';
import { type BlockStoreError, CommitUnknownError, fromDomException } from '../errors.js';
import type { Durability } from '../types.js';
import type { Emitter } from './events.js';

/** Commits that go to IndexedDB together. */
export interface SyncStart {
  /** Files that they change. */
  readonly paths: readonly string[];
  /** One for each sqliteTx and file. */
  readonly commits: number;
  /** Pages that they write. */
  readonly blocks: number;
  /** Bytes of the segments that are sent now, without what was spilled before. */
  readonly bytes: number;
  /** The strongest that one of them asks for. */
  readonly durability: Durability;
}

/** What became of commits that went to IndexedDB together. */
export interface SyncEnd extends SyncStart {
  /**
   * `complete`: they are saved. `failed`: none of them is; a statement or a `loss` event tells who is concerned.
   * `unknown`: the connection was lost, and whether they are saved could not be looked up.
   */
  readonly outcome: 'complete' | 'failed' | 'unknown';
  /** Undefined if they are saved. */
  readonly error: BlockStoreError | undefined;
  /** Milliseconds from `syncstart`. */
  readonly durationMs: number;
  /** Acknowledged commits that are not saved yet; those behind a failed one are lost, or sent singly. */
  readonly pendingCommits: number;
}

export interface SyncsDeps {
  readonly emitter: Emitter;
  /** Name of the volume. */
  readonly volume: string;
  readonly monotonicMs: () => number;
  readonly pendingCommits: () => number;
}

export class Syncs {
  readonly #deps: SyncsDeps;

  constructor(deps: SyncsDeps) {
    this.#deps = deps;
  }

  /** @returns to be called when the idbTx is over; undefined if nobody listens. */
  begin(commits: readonly PreparedCommit[], durability: Durability): SyncEnded | undefined {
    const { emitter } = this.#deps;
    const isHeard = emitter.hears('syncstart') || emitter.hears('syncend');
    return isHeard ? this.#begin(commits, durability) : undefined;
  }

  #begin(commits: readonly PreparedCommit[], durability: Durability): SyncEnded {
    const { emitter, monotonicMs } = this.#deps;
    const start = startOf(commits, durability);
    const startedMs = monotonicMs();
    emitter.emit('syncstart', () => start);
    return (failure) => this.#end(start, startedMs, failure);
  }

  #end(start: SyncStart, startedMs: number, failure: unknown): void {
    const { emitter, volume, monotonicMs, pendingCommits } = this.#deps;
    const error = failure === undefined ? undefined : fromDomException(failure, volume, 'a commit');
    emitter.emit('syncend', () => ({
      ...start,
      outcome: outcomeOf(error),
      error,
      durationMs: monotonicMs() - startedMs,
      pendingCommits: pendingCommits(),
    }));
  }
}

function startOf(commits: readonly PreparedCommit[], durability: Durability): SyncStart {
  const sum = (of: (commit: PreparedCommit) => number) =>
    commits.reduce((total, commit) => total + of(commit), 0);
  return {
    paths: [...new Set(commits.map(({ file }) => file.path))],
    commits: commits.length,
    blocks: sum(({ record }) => record.entryCount),
    bytes: sum(({ bytes }) => bytes),
    durability,
  };
}

function outcomeOf(error: BlockStoreError | undefined): SyncEnd['outcome'] {
  if (error === undefined) return 'complete';
  return error instanceof CommitUnknownError ? 'unknown' : 'failed';
}
