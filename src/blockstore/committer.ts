/**
 * Puts commits in order, waits for them as their durability says, and puts them in force.
 *
 *   I4  Strict and relaxed commits return after `complete`; one that is enqueued returns at once and
 *       is in force in memory only until its idbTx is complete.
 *   I5  A strict or relaxed commit that fails has changed nothing in memory. A deferred one that
 *       fails takes with it every later one, and the state is read from the store again.
 *   I9  At most DEFERRED_BYTES_MAX bytes or DEFERRED_COMMITS_MAX commits wait; then committing waits.
 *
 *   deferred:  queued ──turn comes──▶ sent ──complete──▶ landed
 *                └──an earlier one failed──▶ dropped   └──failed──▶ dropped, with all behind it
 */
import { ConnectionLostError } from '../errors.js';
import type { Durability } from '../types.js';
import type { CachedSegment } from './cache.js';
import type { Connection } from './connection.js';
import type { Draft } from './draft.js';
import type { BlockFile } from './file.js';
import { type PreparedCommit, prepareCommit } from './prepare.js';
import { writeCommits } from './write-commit.js';

const DEFERRED_BYTES_MAX = 16 * 1024 * 1024;
const DEFERRED_COMMITS_MAX = 256;

/** One file's part of a sqliteTx. */
export interface DraftCommit {
  readonly file: BlockFile;
  readonly draft: Draft;
}

export interface CommitterDeps {
  readonly connection: Connection;
  readonly now: () => number;
  readonly monotonicMs: () => number;
  /** A deferred commit failed: `paths` lost acknowledged commits. */
  readonly onLoss: (error: Error, paths: readonly string[]) => void;
  readonly onCommit: (commit: PreparedCommit, durationMs: number) => void;
}

interface Waiting {
  bytes: number;
  commits: number;
  failure: Error | undefined;
  readonly files: Set<BlockFile>;
}

/** A commit in force that waits for its turn. */
interface Enqueued {
  readonly prepared: readonly PreparedCommit[];
  readonly held: readonly CachedSegment[];
  readonly started: number;
  readonly durability: Durability;
}

const IDB_DURABILITY = { strict: 'strict', relaxed: 'default', deferred: 'default' } as const;

export class Committer {
  readonly #deps: CommitterDeps;
  /** Ends when every deferred commit so far has landed or was dropped; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #waiting: Waiting = newWaiting();

  constructor(deps: CommitterDeps) {
    this.#deps = deps;
  }

  get deferredCommits(): number {
    return this.#waiting.commits;
  }

  get deferredBytes(): number {
    return this.#waiting.bytes;
  }

  /** Commits the drafts of one sqliteTx in one idbTx. */
  async commit(drafts: readonly DraftCommit[], durability: Durability): Promise<void> {
    if (durability === 'deferred') {
      if (this.isFull) await this.drained();
      return this.enqueue(drafts, durability);
    }
    if (this.#waiting.commits > 0) await this.drained();
    const started = this.#deps.monotonicMs();
    const prepared = this.#prepare(drafts);
    await this.#write(prepared, durability);
    for (const commit of prepared) putInForce(commit, { pinned: false });
    this.#report(prepared, started);
  }

  /** Resolves when everything acknowledged so far is complete, or its loss is known. */
  settled(): Promise<void> {
    return this.#tail;
  }

  /**
   * Resolves when everything acknowledged so far is complete.
   * @throws what made an acknowledged commit fail.
   */
  async drained(): Promise<void> {
    const waiting = this.#waiting;
    await this.#tail;
    if (waiting.failure) throw waiting.failure;
  }

  #prepare(drafts: readonly DraftCommit[]): PreparedCommit[] {
    const timeMs = this.#deps.now();
    return drafts.map(({ file, draft }) => {
      file.assertNotLost(draft.base);
      return prepareCommit(file, draft, timeMs);
    });
  }

  /** True if so much waits that nothing should be enqueued before it has landed. */
  get isFull(): boolean {
    const { bytes, commits } = this.#waiting;
    return bytes > DEFERRED_BYTES_MAX || commits >= DEFERRED_COMMITS_MAX;
  }

  /** Puts a commit in force at once, to land in its turn with the durability given. */
  enqueue(drafts: readonly DraftCommit[], durability: Durability): void {
    const { connection } = this.#deps;
    // What can never land is not acknowledged.
    if (connection.isShut) throw new ConnectionLostError(connection.name, 'the VFS was closed');
    const started = this.#deps.monotonicMs();
    const prepared = this.#prepare(drafts);
    const held = prepared.flatMap((commit) => putInForce(commit, { pinned: true }));
    const waiting = this.#waiting;
    for (const commit of prepared) {
      waiting.bytes += commit.bytes;
      waiting.files.add(commit.file);
    }
    waiting.commits++;
    this.#tail = this.#tail.then(() =>
      this.#land(waiting, { prepared, held, started, durability }),
    );
  }

  async #land(waiting: Waiting, { prepared, held, started, durability }: Enqueued): Promise<void> {
    if (!waiting.failure) {
      try {
        // It may have been built on one that was lost while that was being settled.
        for (const { file, draft } of prepared) file.assertNotLost(draft.base);
        await this.#write(prepared, durability);
        this.#report(prepared, started);
      } catch (cause) {
        waiting.failure = cause instanceof Error ? cause : new Error(String(cause), { cause });
      }
    }
    for (const segment of held) segment.pinned = false;
    for (const commit of prepared) waiting.bytes -= commit.bytes;
    waiting.commits--;
    if (waiting.commits === 0) await this.#settle(waiting);
  }

  /** The queue is empty: after a failure its files go back to what the store has. */
  async #settle(waiting: Waiting): Promise<void> {
    this.#waiting = newWaiting();
    const { failure } = waiting;
    if (!failure) return;
    const files = [...waiting.files];
    // What cannot be read now is read by the next statement: its connection sees the loss first.
    await Promise.allSettled(files.map((file) => file.lose(failure)));
    this.#deps.onLoss(
      failure,
      files.map((file) => file.path),
    );
  }

  async #write(prepared: readonly PreparedCommit[], durability: Durability): Promise<void> {
    try {
      await writeCommits(this.#deps.connection, prepared, {
        durability: IDB_DURABILITY[durability],
        now: this.#deps.now,
      });
    } catch (cause) {
      // Another context may have got ahead, or the outcome be unknown: the store is asked next time.
      for (const { file } of prepared) file.distrust();
      throw cause;
    }
  }

  #report(prepared: readonly PreparedCommit[], started: number): void {
    const durationMs = this.#deps.monotonicMs() - started;
    for (const commit of prepared) {
      commit.file.committed(commit.record);
      this.#deps.onCommit(commit, durationMs);
    }
  }
}

function newWaiting(): Waiting {
  return { bytes: 0, commits: 0, failure: undefined, files: new Set() };
}

/** Moves the file's state to the commit's version and keeps its segments in the cache. */
function putInForce(
  commit: PreparedCommit,
  { pinned }: { readonly pinned: boolean },
): CachedSegment[] {
  const { file, change, record, checkpoint, draft } = commit;
  const written = { endPart: record.endPart, recordBytes: commit.encoded.byteLength };
  const { state } = file;
  state.marker = record.nonce;
  if (checkpoint) {
    state.adopt(checkpoint.next, change, written);
    state.checkpointed(checkpoint.plan, record.version);
  } else {
    // Its writer's own pin does not count: that connection moves on with the commit.
    state.apply(change, written, state.map.pins > 1);
  }
  const held = commit.segments.map(({ part, buffer }) => {
    const bytes = new Uint8Array(buffer);
    const slots = draft.blocksPerSegment;
    return file.reader.insertOwn(record.version, part, bytes, { slots, pinned });
  });
  file.tidy();
  return held;
}
