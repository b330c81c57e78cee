/**
 * How long a connection still waits for a lock.
 *
 *   I9  SQLite's busy handler repeats a call that has waited: after the first one, which waits for as
 *       long as it may, those that follow wait only as long as it takes to hand a free lock over.
 */

/** SQLite's busy handler repeats a call within 100 ms; what comes later is another statement. */
const REPEATED_WITHIN_MS = 250;
const HAND_OVER_MS = 20;

export class Patience {
  #since: number | undefined;
  #refused = 0;

  /**
   * Milliseconds that the call that begins now may wait: by the connection's `busy_timeout`, or without
   * one, where it is the program that tries again, for `otherwiseMs` each time.
   */
  waitMs(busyTimeoutMs: number | undefined, otherwiseMs: number): number {
    if (busyTimeoutMs === undefined) return otherwiseMs;
    return busyTimeoutMs > 0 ? this.#left(busyTimeoutMs) : 0;
  }

  #left(waitMs: number): number {
    const now = performance.now();
    if (now - this.#refused > REPEATED_WITHIN_MS) this.#since = undefined;
    this.#since ??= now;
    return Math.max(HAND_OVER_MS, waitMs - (now - this.#since));
  }

  /** The call was refused, having waited. */
  refused(): void {
    this.#refused = performance.now();
  }

  /** It was granted. */
  granted(): void {
    this.#since = undefined;
  }
}
