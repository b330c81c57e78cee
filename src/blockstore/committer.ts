/**
 * Puts commits in order, waits for them as their durability says, and puts them in force.
 *
 *   I4  Strict and relaxed commits return after `complete`; one that is enqueued returns at once and
 *       is in force in memory only until its idbTx is complete (write-behind.ts).
 *   I5  A strict or relaxed commit that fails has changed nothing in memory.
 *   I9  When as much waits as may, committing waits.
 */
import { ConnectionLostError } from '../errors.js';
import type { Durability } from '../types.js';
import type { CachedSegment } from './cache.js';
import type { Connection } from './connection.js';
import type { Draft } from './draft.js';
import type { BlockFile } from './file.js';
import { type PreparedCommit, prepareCommit } from './prepare.js';
import { type LossesSeen, WriteBehind, type WriteBehindDeps } from './write-behind.js';
import { writeCommits } from './write-commit.js';

/** One file's part of a sqliteTx. */
export interface DraftCommit {
  readonly file: BlockFile;
  readonly draft: Draft;
}

/** To be called when an idbTx with commits is over. */
export type SyncEnded = (failure?: unknown) => void;

export interface CommitterDeps
  extends Pick<WriteBehindDeps, 'limits' | 'idleTimer' | 'monotonicMs' | 'onFlush' | 'onLoss'> {
  readonly connection: Connection;
  readonly now: () => number;
  /**
   * Called for each commit that is complete. Numbers and no object: nobody may listen. `endedMs`: on the
   * clock of `monotonicMs`.
   */
  readonly onCommit: (
    commit: PreparedCommit,
    durationMs: number,
    endedMs: number,
    durability: Durability,
  ) => void;
  /**
   * Commits are sent in one idbTx. What it returns is called when that is over, and behind `onCommit`; with what
   * went wrong, if something did.
   */
  readonly onSync?: (
    commits: readonly PreparedCommit[],
    durability: Durability,
  ) => SyncEnded | undefined;
  /** Committing waits, because as much waits to land as may; then: it goes on. */
  readonly onPressure: (waits: boolean) => void;
}

/** The durability of the idbTx of a commit. */
export const IDB_DURABILITY = {
  strict: 'strict',
  relaxed: 'default',
  deferred: 'default',
} as const;

export class Committer {
  readonly #deps: CommitterDeps;
  readonly #behind: WriteBehind;
  /** Commits that wait for room. */
  #pressed = 0;
  /** idbTxs with commits that failed, or whose outcome stayed unknown. */
  failedSyncs = 0;

  constructor(deps: CommitterDeps) {
    this.#deps = deps;
    this.#behind = new WriteBehind({
      ...deps,
      write: (prepared, durability) => this.#write(prepared, durability),
      onLanded: ({ prepared, started, durability }) => this.#report(prepared, started, durability),
    });
  }

  get deferredCommits(): number {
    return this.#behind.commits;
  }

  get deferredBytes(): number {
    return this.#behind.bytes;
  }

  /** Blocks of the commits that have not landed, and their bytes. */
  get dirty(): { readonly blocks: number; readonly bytes: number } {
    return this.#behind.dirty;
  }

  /** Commits the drafts of one sqliteTx in one idbTx. */
  async commit(drafts: readonly DraftCommit[], durability: Durability): Promise<void> {
    if (durability === 'deferred') {
      if (this.#behind.isFull) await this.room();
      return this.enqueue(drafts, durability);
    }
    // A loss is this commit's only if it stands on what was lost: preparing it tells.
    if (this.#behind.commits > 0) await this.settled();
    const started = this.#deps.monotonicMs();
    const prepared = this.#prepare(drafts);
    const ended = await this.#write(prepared, durability);
    for (const commit of prepared) putInForce(commit, { pinned: false });
    this.#report(prepared, started, durability);
    ended?.();
  }

  /** Sends what waits without further delay. */
  flush(): void {
    this.#behind.flush();
  }

  /** Resolves when everything acknowledged so far is complete, or its loss is known. */
  settled(): Promise<void> {
    return this.#behind.settled();
  }

  /**
   * Resolves when everything acknowledged so far is complete.
   * @throws what made an acknowledged commit fail.
   */
  drained(): Promise<void> {
    return this.#behind.drained();
  }

  get losses(): number {
    return this.#behind.losses;
  }

  /**
   * Resolves when everything acknowledged so far is complete.
   * @throws the last loss of acknowledged commits, if the caller has not seen it.
   */
  durable(seen: LossesSeen): Promise<void> {
    return this.#behind.durable(seen);
  }

  /** True if so much waits that nothing should be enqueued before it has landed. */
  get isFull(): boolean {
    return this.#behind.isFull;
  }

  /** Resolves when there is room for another commit. */
  async room(): Promise<void> {
    if (this.#pressed++ === 0) this.#deps.onPressure(true);
    await this.settled();
    if (--this.#pressed === 0) this.#deps.onPressure(false);
  }

  /** Puts a commit in force at once, to land in its turn with the durability given. */
  enqueue(drafts: readonly DraftCommit[], durability: Durability): void {
    const { connection } = this.#deps;
    // What can never land is not acknowledged.
    if (connection.isShut) throw new ConnectionLostError(connection.name, 'the VFS was closed');
    const started = this.#deps.monotonicMs();
    const prepared = this.#prepare(drafts);
    const held = prepared.flatMap((commit) => putInForce(commit, { pinned: true }));
    this.#behind.add({ prepared, held, started, durability });
  }

  #prepare(drafts: readonly DraftCommit[]): PreparedCommit[] {
    const timeMs = this.#deps.now();
    return drafts.map(({ file, draft }) => {
      file.assertNotLost(draft.base);
      return prepareCommit(file, draft, timeMs);
    });
  }

  /** @returns to be called when the commits were reported. */
  async #write(
    prepared: readonly PreparedCommit[],
    durability: Durability,
  ): Promise<SyncEnded | undefined> {
    const ended = this.#deps.onSync?.(prepared, durability);
    try {
      await writeCommits(this.#deps.connection, prepared, {
        durability: IDB_DURABILITY[durability],
        now: this.#deps.now,
      });
    } catch (cause) {
      this.failedSyncs++;
      // Another context may have got ahead, or the outcome be unknown: the store is asked next time.
      for (const { file } of prepared) file.distrust();
      ended?.(cause);
      throw cause;
    }
    return ended;
  }

  #report(prepared: readonly PreparedCommit[], started: number, durability: Durability): void {
    const endedMs = this.#deps.monotonicMs();
    const durationMs = endedMs - started;
    for (const commit of prepared) {
      commit.file.committed(commit.record, durationMs);
      this.#deps.onCommit(commit, durationMs, endedMs, durability);
    }
  }
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
