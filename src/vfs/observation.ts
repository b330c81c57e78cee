/**
 * What is counted, measured and told of the block store's work.
 *
 * While nobody listens and nothing is to be measured, a commit costs no more than its counters.
 */
import type { PreparedCommit } from '../blockstore/prepare.js';
import type { Durability } from '../types.js';
import type { Emitter, RecoveryReport, VFSEventType } from './events.js';
import { Measures } from './measures.js';
import { Metrics } from './metrics.js';
import type { ResolvedOptions } from './options.js';
import { contextEstimate, QuotaWatch } from './quota.js';

export class Observation {
  readonly metrics: Metrics = new Metrics(performance.now());
  readonly #measures: Measures | undefined;
  readonly #quota: QuotaWatch;

  constructor(
    emitter: Emitter,
    { measure, quotaWarningRatio }: Pick<ResolvedOptions, 'measure' | 'quotaWarningRatio'>,
  ) {
    this.#measures = measure ? new Measures() : undefined;
    this.#quota = new QuotaWatch({
      estimate: contextEstimate(),
      warningRatio: quotaWarningRatio,
      isHeard: () => emitter.hears('quota'),
      warn: (warning) => emitter.emit('quota', () => warning),
    });
  }

  /** A commit is complete. Numbers, as in the block store: an object would be for nobody. */
  committed(
    commit: PreparedCommit,
    durationMs: number,
    endedMs: number,
    durability: Durability,
  ): void {
    this.metrics.committed(commit, durationMs, endedMs);
    this.#measures?.committed(commit, durability, {
      startMs: endedMs - durationMs,
      endMs: endedMs,
    });
    this.#quota.look(endedMs);
  }

  /** A file was opened and its state recovered. */
  opened(report: RecoveryReport): void {
    const nowMs = performance.now();
    this.metrics.recovered({ fellBack: report.fellBack !== undefined });
    this.#measures?.opened(report, nowMs);
    this.#quota.look(nowMs);
  }

  /** An open file is read anew. @returns to be called when that is over. */
  reloading(path: string): (() => void) | undefined {
    this.metrics.reloaded();
    const measures = this.#measures;
    if (!measures) return undefined;
    const startMs = performance.now();
    return () => measures.reloaded(path, { startMs, endMs: performance.now() });
  }

  /** Somebody begins to listen. */
  listening(type: VFSEventType): void {
    if (type === 'quota') this.#quota.ask(performance.now());
  }

  close(): void {
    this.#measures?.clear();
  }
}
