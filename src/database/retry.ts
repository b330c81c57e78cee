/**
 * Tries work again while another connection is in its way.
 *
 * The waits between grow, and are not the same for everyone, or all would meet again.
 */
import type { Timer } from '../timer.js';
import { SqlError } from './sql-error.js';

/** The wait before the first retry; it doubles with each, up to the greatest. */
const WAIT_MS = 10;
const WAIT_MS_MAX = 1000;

export interface RetryHost {
  readonly timer: Timer;
  /** From 0 up to 1, as `Math.random`. */
  readonly random: () => number;
}

/** @throws what `work` throws; the signal's reason if it is aborted during a wait */
export async function retrying<T>(
  work: () => Promise<T>,
  host: RetryHost,
  {
    retryCountMax,
    signal,
  }: { readonly retryCountMax: number; readonly signal: AbortSignal | undefined },
): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SqlError && error.isBusy) || retries >= retryCountMax) throw error;
      const longest = Math.min(WAIT_MS * 2 ** retries, WAIT_MS_MAX);
      await pause(longest * (0.5 + host.random() / 2), host.timer, signal);
    }
  }
}

function pause(ms: number, timer: Timer, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      callOff();
      reject(signal?.reason);
    };
    const callOff = timer(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
  });
}
