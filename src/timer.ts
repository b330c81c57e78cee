/** Timers, handed in where a test turns the clock by hand. */

/** Calls back after so many milliseconds, unless it is called off. */
export type Timer = (ms: number, callback: () => void) => () => void;

/** What a longer time would overflow into is no time at all. */
export const TIMER_MS_MAX: number = 2 ** 31 - 1;

export function hostTimer(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, Math.min(ms, TIMER_MS_MAX));
  return () => clearTimeout(timer);
}
