/** When a storage worker is given up, and how long what it granted stands. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createShared, type SharedParts, WORD } from '../../../src/vfs/shared/layout.js';
import { Pulse } from '../../../src/vfs/shared/pulse.js';

const TIMEOUT_MS = 1000;
const LOOKS = 10;

let words: SharedParts['words'];
let pulse: Pulse;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  words = createShared(256 * 1024).words;
  pulse = new Pulse(words, TIMEOUT_MS);
});
afterEach(() => {
  vi.useRealTimers();
});

function beat(): void {
  Atomics.store(words, WORD.HEARTBEAT, Date.now() | 0);
}

test('it is given up after as many silent looks as fit into the limit', () => {
  beat();
  pulse.start();
  for (let look = 1; look < LOOKS; look++) expect(pulse.isGone()).toBe(false);
  expect(pulse.isGone()).toBe(true);
  expect(pulse.lookMs * LOOKS).toBe(TIMEOUT_MS);
});

test('a beat begins the count anew, and so does another wait', () => {
  beat();
  pulse.start();
  for (let look = 1; look < LOOKS; look++) pulse.isGone();
  vi.advanceTimersByTime(1);
  beat();
  for (let look = 1; look <= LOOKS; look++) expect(pulse.isGone()).toBe(false);
  pulse.start();
  for (let look = 1; look < LOOKS; look++) expect(pulse.isGone()).toBe(false);
});

test('time in which this thread was frozen is one look', () => {
  beat();
  pulse.start();
  vi.advanceTimersByTime(100 * TIMEOUT_MS);
  expect(pulse.isGone()).toBe(false);
});

test.each([
  ['just beat', 0, true],
  ['beat within the limit', TIMEOUT_MS - 1, true],
  ['is silent for as long as the limit', TIMEOUT_MS, false],
  ['beat, by a clock that was set back since', -1, false],
])('what was granted by one that %s', (_when, ageMs, isFresh) => {
  vi.setSystemTime(2 ** 31 - 500);
  beat();
  vi.setSystemTime(2 ** 31 - 500 + ageMs);
  expect(pulse.isYoungerThan(TIMEOUT_MS)).toBe(isFresh);
});
