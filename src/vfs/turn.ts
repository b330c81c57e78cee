/**
 * Whether a context that others wait for may write once more before it hands the lock over.
 *
 * Handing over takes longer than a small commit. A context that writes again and again does so for TURN_MS
 * at a time, so that all get more done and nobody waits much longer; one that does not is not waited for
 * twice.
 */

/** From getting the lock. */
const TURN_MS = 10;
/** Who begins so soon after it has ended will do so again. */
export const AGAIN_MS = 5;

export class Turn {
  #leftMs: number | undefined;
  #comesAgain = false;

  /** A connection wants to write. `nowMs` is asked for only if others waited when the last one ended. */
  begins(nowMs: () => number): void {
    if (this.#leftMs === undefined) return;
    this.#comesAgain = nowMs() - this.#leftMs < AGAIN_MS;
    this.#leftMs = undefined;
  }

  /** A connection has ended to write, and others wait. @returns true if it is to be waited for */
  ends(nowMs: number, sinceMs: number): boolean {
    this.#leftMs = nowMs;
    return this.#comesAgain && nowMs - sinceMs < TURN_MS;
  }

  /** It was waited for in vain. */
  missed(): void {
    this.#comesAgain = false;
  }
}
