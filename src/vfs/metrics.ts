/**
 * What a volume has done since it was opened: commits, how long they took, and how many there were lately.
 *
 *   I9  Of commits the last LATENCIES_MAX durations are kept, and sums of the last seconds.
 *
 * Counting allocates nothing and reads no clock. What is shown is computed when somebody asks for it.
 */
import type { PreparedCommit } from '../blockstore/prepare.js';
import { RecentCounts } from './recent-counts.js';

/** Commits whose durations are kept. */
const LATENCIES_MAX = 1024;
/** Ten whole seconds, and the one that is not over. */
const THROUGHPUT = { slots: 11, slotMs: 1000 } as const;

/** Of the last commits, from the commit point to `complete`, in milliseconds. */
export interface Latency {
  /** The median. */
  readonly p50: number;
  /** 95 % of them took no longer. */
  readonly p95: number;
  /** 99 % of them took no longer. */
  readonly p99: number;
  /** The longest. */
  readonly max: number;
}

/** The part of `stats()` that is kept here. */
export interface MetricsShown {
  readonly commits: number;
  readonly committedBytes: number;
  readonly commitLatencyMs: Latency | undefined;
  readonly commitsPerSecond: number;
  readonly committedBytesPerSecond: number;
  readonly recoveryCount: number;
  readonly fallBackCount: number;
  readonly reloads: number;
  readonly reclaimedSegments: number;
  readonly reclaimedBytes: number;
  readonly lockWaits: number;
  readonly lockWaitMs: number;
}

export class Metrics {
  readonly #startedMs: number;
  readonly #latencies: Float64Array = new Float64Array(LATENCIES_MAX);
  readonly #recentCommits: RecentCounts = new RecentCounts(THROUGHPUT);
  readonly #recentBytes: RecentCounts = new RecentCounts(THROUGHPUT);
  #commits = 0;
  #committedBytes = 0;
  #recoveryCount = 0;
  #fallBackCount = 0;
  #reloads = 0;
  #reclaimedSegments = 0;
  #reclaimedBytes = 0;
  #lockWaits = 0;
  #lockWaitMs = 0;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
  }

  /** A commit is complete. */
  committed({ record, checkpoint }: PreparedCommit, durationMs: number, endedMs: number): void {
    const bytes = record.entryCount * record.blockSize;
    this.#latencies[this.#commits % LATENCIES_MAX] = durationMs;
    this.#commits++;
    this.#committedBytes += bytes;
    this.#recentCommits.add(endedMs, 1);
    this.#recentBytes.add(endedMs, bytes);
    if (!checkpoint) return;
    this.#reclaimedSegments += checkpoint.plan.reclaimed.segments;
    this.#reclaimedBytes += checkpoint.plan.reclaimed.bytes;
  }

  /** A file was opened and its state recovered. */
  recovered({ fellBack }: { readonly fellBack: boolean }): void {
    this.#recoveryCount++;
    if (fellBack) this.#fallBackCount++;
  }

  /** An open file is read anew as a whole. */
  reloaded(): void {
    this.#reloads++;
  }

  /** Somebody had to wait for the writer lock. */
  waited(ms: number): void {
    this.#lockWaits++;
    this.#lockWaitMs += ms;
  }

  shown(nowMs: number): MetricsShown {
    return {
      commits: this.#commits,
      committedBytes: this.#committedBytes,
      commitLatencyMs: this.#latency(),
      commitsPerSecond: this.#perSecond(this.#recentCommits, nowMs),
      committedBytesPerSecond: this.#perSecond(this.#recentBytes, nowMs),
      recoveryCount: this.#recoveryCount,
      fallBackCount: this.#fallBackCount,
      reloads: this.#reloads,
      reclaimedSegments: this.#reclaimedSegments,
      reclaimedBytes: this.#reclaimedBytes,
      lockWaits: this.#lockWaits,
      lockWaitMs: this.#lockWaitMs,
    };
  }

  /** A volume that was opened less than a second ago counts as a second old. */
  #perSecond(recent: RecentCounts, nowMs: number): number {
    const spanMs = Math.min(recent.spanMs(nowMs), nowMs - this.#startedMs);
    return (recent.sum(nowMs) * 1000) / Math.max(spanMs, 1000);
  }

  #latency(): Latency | undefined {
    const count = Math.min(this.#commits, LATENCIES_MAX);
    if (count === 0) return undefined;
    const sorted = this.#latencies.slice(0, count).sort();
    // The least that so many of a hundred do not exceed.
    const percentile = (percent: number) => sorted[Math.ceil((percent * count) / 100) - 1] ?? 0;
    return { p50: percentile(50), p95: percentile(95), p99: percentile(99), max: percentile(100) };
  }
}
