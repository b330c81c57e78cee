/** Waiting for what is to come, however busy the machine is: a time-out here is a hang. */
import { vi } from 'vitest';

const HANG_MS = 60_000;

/** Asserts again and again, until it holds. @returns what the assertion returns */
export function soon<T>(assertion: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertion, { timeout: HANG_MS, interval: 20 });
}
