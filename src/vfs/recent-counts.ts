/**
 * Counts what happened lately, by time.
 *
 *   I9  It has a fixed number of slots, whatever happens how often.
 *
 * A slot is a span of time; the newest one is not over yet, and takes the place of the oldest.
 */
export class RecentCounts {
  readonly #slotMs: number;
  readonly #counts: Float64Array;
  /** Number of the newest slot. */
  #newest = 0;

  constructor(shape: { readonly slots: number; readonly slotMs: number }) {
    this.#slotMs = shape.slotMs;
    this.#counts = new Float64Array(shape.slots);
  }

  add(nowMs: number, amount: number): void {
    this.#advance(nowMs);
    const at = this.#newest % this.#counts.length;
    this.#counts[at] = (this.#counts[at] ?? 0) + amount;
  }

  /** What was counted in all slots up to now. */
  sum(nowMs: number): number {
    this.#advance(nowMs);
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** How long the slots reach back from now. */
  spanMs(nowMs: number): number {
    return (this.#counts.length - 1) * this.#slotMs + (nowMs % this.#slotMs);
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    const { length } = this.#counts;
    if (slot - this.#newest >= length) this.#counts.fill(0);
    else for (let over = this.#newest + 1; over <= slot; over++) this.#counts[over % length] = 0;
    this.#newest = Math.max(this.#newest, slot);
  }
}
