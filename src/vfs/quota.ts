/**
 * Warns before the origin's storage is full.
 *
 *   I9  The browser is asked only while somebody listens: at first, and then with commits and
 *       openings once in INTERVAL_MS at most.
 *
 *   below ──usage reaches the ratio: warn──▶ warned ──usage is below it──▶ below
 */

const INTERVAL_MS = 10_000;

/** What the browser tells of the origin's storage, all of its databases and caches included. */
export interface QuotaWarning {
  /** What the origin uses. */
  readonly usageBytes: number;
  /** What the browser would grant; the disk may be full before. */
  readonly quotaBytes: number;
  /** `usageBytes` ÷ `quotaBytes`. */
  readonly ratio: number;
}

export interface QuotaDeps {
  /** Undefined where the context cannot tell. */
  readonly estimate: (() => Promise<StorageEstimate>) | undefined;
  readonly warningRatio: number;
  readonly isHeard: () => boolean;
  readonly warn: (warning: QuotaWarning) => void;
}

/** What this context can tell of its origin's storage. */
export function contextEstimate(): QuotaDeps['estimate'] {
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  return storage?.estimate && (() => storage.estimate());
}

export class QuotaWatch {
  readonly #deps: QuotaDeps;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isWarned = false;

  constructor(deps: QuotaDeps) {
    this.#deps = deps;
  }

  /** To be called with each commit and each opening. */
  look(nowMs: number): void {
    if (this.#deps.isHeard() && nowMs - this.#askedMs >= INTERVAL_MS) this.ask(nowMs);
  }

  /** Asks the browser at once, if somebody listens. */
  ask(nowMs: number): void {
    const { estimate, isHeard } = this.#deps;
    if (!estimate || !isHeard()) return;
    this.#askedMs = nowMs;
    // A browser that does not tell gives no warning.
    estimate().then(
      (told) => this.#weigh(told),
      () => undefined,
    );
  }

  #weigh({ usage, quota }: StorageEstimate): void {
    if (usage === undefined || !quota) return;
    const ratio = usage / quota;
    const isDue = ratio >= this.#deps.warningRatio;
    if (isDue && !this.#isWarned) {
      this.#deps.warn({ usageBytes: usage, quotaBytes: quota, ratio });
    }
    this.#isWarned = isDue;
  }
}
