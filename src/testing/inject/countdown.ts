/**
 * Planned faults and their counting: each lets points pass, then strikes so many.
 */

export interface Planned<F, W> {
  readonly fault: F;
  readonly where: W;
}

interface Counting {
  /** The first of the fitting points that is struck, from 1. */
  readonly nth: number;
  readonly times: number;
}

interface Countdown<F, W> extends Planned<F, W> {
  skip: number;
  times: number;
}

export class Countdowns<F, W> {
  #all: Countdown<F, W>[] = [];

  /** False, and nothing added, when `nth` and `times` name no point. */
  add(planned: Planned<F, W>, { nth, times }: Counting): boolean {
    if (!(nth >= 1) || !(times >= 0)) return false;
    this.#all.push({ ...planned, skip: nth - 1, times });
    return true;
  }

  clear(): void {
    this.#all = [];
  }

  /** One point passes: the fault of the first plan that it fits and whose turn has come. */
  pass(fits: (planned: Planned<F, W>) => boolean): F | undefined {
    for (const plan of this.#all) {
      if (plan.times === 0 || !fits(plan)) continue;
      if (plan.skip > 0) {
        plan.skip--;
        continue;
      }
      plan.times--;
      return plan.fault;
    }
    return undefined;
  }
}
