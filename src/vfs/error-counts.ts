/** Errors that VFS methods answered with, by their code, and how many there were lately. */
import { RecentCounts } from './recent-counts.js';

const MINUTE = { slots: 60, slotMs: 1000 } as const;

export class ErrorCounts {
  readonly #byCode: Map<string, number> = new Map();
  readonly #recent: RecentCounts = new RecentCounts(MINUTE);

  add(code: string, nowMs: number): void {
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + 1);
    this.#recent.add(nowMs, 1);
  }

  get byCode(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#byCode);
  }

  /** Those of the last 60 seconds. */
  lastMinute(nowMs: number): number {
    return this.#recent.sum(nowMs);
  }
}

/** What two threads have counted, together. */
export function addCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
