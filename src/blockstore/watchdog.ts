/**
 * Ends what IndexedDB leaves unanswered: an opening, or an idbTx in which nothing happens any more.
 *
 *   I9  What was started fails between `limitMs` and 1.25 × `limitMs` after the last sign of life.
 *
 * Time is counted in ticks of a quarter of the limit, and a tick counts once however late it comes:
 * a context that was frozen or busy for hours is not taken for an IndexedDB that does not answer.
 */
import type { Timer } from '../timer.js';

const TICKS_MAX = 4;

export interface Watch {
  /** Rejects with a TimeoutError when the limit has passed. */
  readonly overdue: Promise<never>;
  /** There was a sign of life. */
  feed(): void;
  /** There is nothing to wait for any more. */
  end(): void;
}

export class Watchdog {
  readonly #limitMs: number;
  readonly #timer: Timer;
  readonly #watches: Set<{ ticks: number; readonly bark: (error: Error) => void }> = new Set();
  #calledOff: (() => void) | undefined;

  constructor(limitMs: number, timer: Timer) {
    this.#limitMs = limitMs;
    this.#timer = timer;
  }

  watch(): Watch {
    let bark: (error: Error) => void = () => undefined;
    const overdue = new Promise<never>((_, reject) => {
      bark = reject;
    });
    // Whoever waits for it hears; if nobody does any more, it is no news.
    overdue.catch(() => undefined);
    const entry = { ticks: 0, bark };
    this.#watches.add(entry);
    this.#arm();
    return {
      overdue,
      feed: () => {
        entry.ticks = 0;
      },
      end: () => this.#watches.delete(entry),
    };
  }

  /** Resolves as `work` does; rejects if that takes longer than the limit. */
  async limit<T>(work: Promise<T>): Promise<T> {
    const watch = this.watch();
    try {
      return await Promise.race([work, watch.overdue]);
    } finally {
      watch.end();
    }
  }

  // One timer for all, left to run out: an idbTx more or less arms and disarms nothing.
  #arm(): void {
    this.#calledOff ??= this.#timer(this.#limitMs / TICKS_MAX, () => this.#tick());
  }

  #tick(): void {
    this.#calledOff = undefined;
    for (const entry of this.#watches) {
      entry.ticks++;
      if (entry.ticks <= TICKS_MAX) continue;
      this.#watches.delete(entry);
      const what = `IndexedDB did not answer within ${this.#limitMs} ms`;
      entry.bark(new DOMException(what, 'TimeoutError'));
    }
    if (this.#watches.size > 0) this.#arm();
  }

  stop(): void {
    this.#calledOff?.();
    this.#calledOff = undefined;
  }
}
