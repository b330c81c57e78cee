/**
 * Commits that are in force in memory and wait to land: their order, when they are sent, and together.
 *
 *   I2  Commits that wait share an idbTx, each with its own record: whatever lands ends with a commit.
 *   I5  When one fails, every later one is dropped with it, and the state is read from the store again.
 *   I9  Commits wait at most `maxDelayMs`, and go at once when more than half of a limit is used, when somebody
 *       waits for them, or when one of them is not deferred.
 *
 *   queued ──sent in its turn──▶ sent ──complete──▶ landed
 *     └──an earlier one failed──▶ dropped └──failed──▶ dropped, with all behind it
 */
import { QuotaError } from '../errors.js';
import { type Durability, strongest } from '../types.js';
import type { CachedSegment } from './cache.js';
import type { PreparedCommit } from './prepare.js';

/** Bytes of segments that an idbTx takes, unless its only commit has more. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** A timer that finds the last commit so recent does not take the context for idle, in milliseconds. */
const QUIET_MS = 5;

export interface WriteBehindLimits {
  /** Bytes of segments that may wait. */
  readonly maxDirtyBytes: number;
  /** Commits that may wait. */
  readonly maxDirtyCommits: number;
  /** Milliseconds a commit may wait before it is sent; 0 sends each as soon as its turn comes. */
  readonly maxDelayMs: number;
}

/**
 * Calls back when the context is idle, after `ms` at the latest, unless it is called off. `isIdle` is
 * false if nothing is known but that time has passed.
 */
export type IdleTimer = (ms: number, callback: (isIdle: boolean) => void) => () => void;

/** One sqliteTx that waits for its turn. */
export interface Enqueued {
  readonly prepared: readonly PreparedCommit[];
  /** Kept in the cache until it has landed. */
  readonly held: readonly CachedSegment[];
  readonly started: number;
  readonly durability: Durability;
}

/** Commits that landed in one idbTx. */
export interface Flush {
  /** How many: one for each sqliteTx and file. */
  readonly commits: number;
  /** Bytes of their segments. */
  readonly bytes: number;
  /** Milliseconds from sending to `complete`. */
  readonly durationMs: number;
}

export interface WriteBehindDeps {
  readonly limits: WriteBehindLimits;
  readonly idleTimer: IdleTimer;
  readonly monotonicMs: () => number;
  /** Writes commits in one idbTx. What it returns is called when all was told of them. */
  readonly write: (
    prepared: readonly PreparedCommit[],
    durability: Durability,
  ) => Promise<(() => void) | undefined>;
  readonly onLanded: (commit: Enqueued) => void;
  readonly onFlush: (flush: Flush) => void;
  /** `paths` lost acknowledged commits. */
  readonly onLoss: (error: Error, paths: readonly string[]) => void;
}

/** What somebody who asks for durability knows of. */
export interface LossesSeen {
  losses: number;
}

interface Waiter {
  /** Number of the last commit that is waited for. */
  readonly last: number;
  readonly resolve: () => void;
}

export class WriteBehind {
  readonly #deps: WriteBehindDeps;
  #queue: Enqueued[] = [];
  /** Those that were sent and have not landed, or are being given up. */
  #sent: readonly Enqueued[] = [];
  #waiters: Waiter[] = [];
  /** Commits that were ever enqueued, and those that have landed or were dropped. */
  #enqueued = 0;
  #done = 0;
  /** Commits up to this number do not wait any longer. */
  #urgent = 0;
  #bytes = 0;
  #lastAddedMs = 0;
  /** So many at the head of the queue had no room together, and are tried each by itself. */
  #singly = 0;
  #isSending = false;
  #cancelTimer: (() => void) | undefined;
  #losses = 0;
  #lastLoss: Error | undefined;

  constructor(deps: WriteBehindDeps) {
    this.#deps = deps;
  }

  /** Commits that have not landed, those under way included. */
  get commits(): number {
    return this.#enqueued - this.#done;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Blocks of the commits that have not landed, and their bytes. */
  get dirty(): { readonly blocks: number; readonly bytes: number } {
    let blocks = 0;
    let bytes = 0;
    for (const { record } of [...this.#sent, ...this.#queue].flatMap(({ prepared }) => prepared)) {
      blocks += record.entryCount;
      bytes += record.entryCount * record.blockSize;
    }
    return { blocks, bytes };
  }

  /** True if nothing more should be enqueued before something has landed. */
  get isFull(): boolean {
    const { maxDirtyBytes, maxDirtyCommits } = this.#deps.limits;
    return this.#bytes > maxDirtyBytes || this.commits >= maxDirtyCommits;
  }

  add(commit: Enqueued): void {
    this.#queue.push(commit);
    this.#enqueued++;
    this.#bytes += bytesOf(commit.prepared);
    this.#lastAddedMs = commit.started;
    if (commit.durability !== 'deferred') this.#urgent = this.#enqueued;
    this.#next();
  }

  /** Sends what waits now without further delay. */
  flush(): void {
    this.#urgent = this.#enqueued;
    this.#next();
  }

  /** Resolves when everything enqueued so far has landed or was dropped; never rejects. */
  settled(): Promise<void> {
    if (this.commits === 0) return Promise.resolve();
    this.flush();
    return new Promise((resolve) => {
      this.#waiters.push({ last: this.#enqueued, resolve });
    });
  }

  /**
   * Resolves when everything enqueued so far has landed.
   * @throws what made one of it fail.
   */
  drained(): Promise<void> {
    return this.durable({ losses: this.#losses });
  }

  /** Losses so far. */
  get losses(): number {
    return this.#losses;
  }

  /**
   * Resolves when everything enqueued so far has landed.
   * @param seen the losses that the caller knows of; it is told of each once.
   * @throws the last loss, if there is one that the caller has not seen.
   */
  async durable(seen: LossesSeen): Promise<void> {
    await this.settled();
    if (seen.losses === this.#losses) return;
    seen.losses = this.#losses;
    throw this.#lastLoss;
  }

  #next(): void {
    if (this.#isSending || this.#queue.length === 0) return;
    if (!this.#isDue) {
      this.#wait();
      return;
    }
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    void this.#sendDue();
  }

  /** I9 */
  get #isDue(): boolean {
    const { maxDirtyBytes, maxDirtyCommits, maxDelayMs } = this.#deps.limits;
    const [oldest] = this.#queue;
    if (!oldest) return false;
    return (
      this.#done < this.#urgent ||
      this.#bytes * 2 > maxDirtyBytes ||
      this.commits * 2 > maxDirtyCommits ||
      maxDelayMs === 0 ||
      this.#deps.monotonicMs() - oldest.started >= maxDelayMs
    );
  }

  #wait(): void {
    const [oldest] = this.#queue;
    if (this.#cancelTimer || !oldest) return;
    const { idleTimer, limits, monotonicMs } = this.#deps;
    const left = Math.max(0, oldest.started + limits.maxDelayMs - monotonicMs());
    this.#cancelTimer = idleTimer(left, (isIdle) => {
      this.#cancelTimer = undefined;
      if (isIdle || monotonicMs() - this.#lastAddedMs >= QUIET_MS) this.flush();
      else this.#next();
    });
  }

  async #sendDue(): Promise<void> {
    this.#isSending = true;
    // The sqliteTx that calls goes on first, and what it enqueues next goes along.
    await undefined;
    while (this.#isDue) await this.#land(this.#takeGroup());
    this.#isSending = false;
    this.#next();
  }

  /** I2: the commits at the head of the queue that fit into one idbTx. */
  #takeGroup(): Enqueued[] {
    if (this.#singly > 0) {
      this.#singly--;
      return this.#queue.splice(0, 1);
    }
    let count = 0;
    let bytes = 0;
    for (const { prepared } of this.#queue) {
      bytes += bytesOf(prepared);
      if (count > 0 && (bytes > GROUP_BYTES_MAX || prepared.some(goesAlone))) break;
      count++;
      if (prepared.some(goesAlone)) break;
    }
    return this.#queue.splice(0, count);
  }

  async #land(group: readonly Enqueued[]): Promise<void> {
    const { monotonicMs, onLanded, onFlush } = this.#deps;
    this.#sent = group;
    const sentMs = monotonicMs();
    let ended: (() => void) | undefined;
    try {
      ended = await this.#write(group);
    } catch (cause) {
      if (cause instanceof QuotaError && group.length > 1) {
        this.#putBack(group);
        return;
      }
      const failure = cause instanceof Error ? cause : new Error(String(cause), { cause });
      await this.#lose([...group, ...this.#queue.splice(0)], failure);
      return;
    }
    this.#release(group);
    for (const commit of group) onLanded(commit);
    onFlush({
      commits: group.length,
      bytes: bytesOf(group.flatMap(({ prepared }) => prepared)),
      durationMs: monotonicMs() - sentMs,
    });
    ended?.();
    this.#tellWaiters();
  }

  #write(group: readonly Enqueued[]): Promise<(() => void) | undefined> {
    const prepared = group.flatMap((commit) => commit.prepared);
    return this.#deps.write(prepared, strongest(group.map(({ durability }) => durability)));
  }

  /** Those that still fit are not lost for those that do not. */
  #putBack(group: readonly Enqueued[]): void {
    this.#sent = [];
    this.#queue.unshift(...group);
    this.#singly = group.length;
    this.#urgent = Math.max(this.#urgent, this.#done + group.length);
  }

  /** They wait no longer, and need not stay in the cache. */
  #release(commits: readonly Enqueued[]): void {
    this.#sent = [];
    for (const { prepared, held } of commits) {
      for (const segment of held) segment.pinned = false;
      this.#bytes -= bytesOf(prepared);
    }
    this.#done += commits.length;
  }

  /** I5: the one that failed and all behind it; their files go back to what the store has. */
  async #lose(lost: readonly Enqueued[], failure: Error): Promise<void> {
    this.#sent = lost;
    this.#losses++;
    this.#lastLoss = failure;
    this.#singly = 0;
    const files = new Set(lost.flatMap(({ prepared }) => prepared.map(({ file }) => file)));
    // What cannot be read now is read by the next statement: its connection sees the loss first.
    await Promise.allSettled([...files].map((file) => file.lose(failure)));
    this.#release(lost);
    this.#deps.onLoss(
      failure,
      [...files].map((file) => file.path),
    );
    // Whoever waits for them hears of the loss behind its event.
    this.#tellWaiters();
  }

  #tellWaiters(): void {
    const done = this.#waiters.filter(({ last }) => last <= this.#done);
    this.#waiters = this.#waiters.filter(({ last }) => last > this.#done);
    for (const { resolve } of done) resolve();
  }
}

/** Its guard looks at what the store has of it already. */
function goesAlone({ draft }: PreparedCommit): boolean {
  return draft.hasSpilled;
}

function bytesOf(prepared: readonly PreparedCommit[]): number {
  return prepared.reduce((sum, { bytes }) => sum + bytes, 0);
}
