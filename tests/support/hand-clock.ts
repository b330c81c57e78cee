/** A clock turned by hand, for what waits for a timer: each turn lets those run out that are armed. */
import type { Timer } from '../../src/timer.js';

export class HandClock {
  /** Milliseconds of every timer there was, in order. */
  readonly waits: number[] = [];
  readonly #armed = new Set<() => void>();
  readonly #atOnce: (ms: number) => boolean;

  /** @param atOnce waits that pass by themselves. Default none. */
  constructor(atOnce: (ms: number) => boolean = () => false) {
    this.#atOnce = atOnce;
  }

  readonly timer: Timer = (ms, callback) => {
    this.waits.push(ms);
    if (this.#atOnce(ms)) queueMicrotask(callback);
    else this.#armed.add(callback);
    return () => this.#armed.delete(callback);
  };

  /** Timers that have not run out. */
  get armed(): number {
    return this.#armed.size;
  }

  async turn(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      const due = [...this.#armed];
      this.#armed.clear();
      for (const callback of due) callback();
      await Promise.resolve();
    }
  }
}
