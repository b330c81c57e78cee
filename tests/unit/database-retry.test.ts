import { describe, expect, test } from 'vitest';
import { retrying } from '../../src/database/retry.ts';
import { SqlError } from '../../src/database/sql-error.ts';
import { HandClock } from '../support/hand-clock.ts';
import { soon } from '../support/soon.ts';

const BUSY = new SqlError('busy', { sql: '', sqliteCode: 5 });
const OTHER = new SqlError('constraint', { sql: '', sqliteCode: 19 });

/** Work that fails so often, and how often it was tried. */
function failing(times: number, error: Error) {
  const tried = { count: 0 };
  const work = async () => {
    if (tried.count++ < times) throw error;
    return 'done';
  };
  return { tried, work };
}

// Goal: what is busy is tried again, no more often than allowed, after waits that grow to a limit and are drawn.
// Method: a clock whose timers pass at once, and chance set by hand.
describe('trying again', () => {
  async function waitsOf(random: number, retryCountMax: number): Promise<number[]> {
    const clock = new HandClock(() => true);
    const { work, tried } = failing(Number.POSITIVE_INFINITY, BUSY);
    const host = { timer: clock.timer, random: () => random };
    await expect(retrying(work, host, { retryCountMax, signal: undefined })).rejects.toBe(BUSY);
    expect(tried.count).toBe(retryCountMax + 1);
    return clock.waits;
  }

  test('waits twice as long each time, up to a second', async () => {
    expect(await waitsOf(1, 9)).toEqual([10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    expect(await waitsOf(0, 2)).toEqual([5, 10]);
    expect(await waitsOf(0.5, 0)).toEqual([]);
  });

  test('ends with the first that works', async () => {
    const clock = new HandClock(() => true);
    const host = { timer: clock.timer, random: () => 1 };
    const { work, tried } = failing(2, BUSY);
    expect(await retrying(work, host, { retryCountMax: 5, signal: undefined })).toBe('done');
    expect([tried.count, clock.waits]).toEqual([3, [10, 20]]);
  });

  test('does not repeat what fails otherwise', async () => {
    const clock = new HandClock(() => true);
    const host = { timer: clock.timer, random: () => 1 };
    const { work, tried } = failing(1, OTHER);
    const answer = retrying(work, host, { retryCountMax: 5, signal: undefined });
    await expect(answer).rejects.toBe(OTHER);
    expect([tried.count, clock.waits]).toEqual([1, []]);
  });

  test('is given up while it waits', async () => {
    const clock = new HandClock();
    const host = { timer: clock.timer, random: () => 1 };
    const { work, tried } = failing(1, BUSY);
    const control = new AbortController();
    const answer = retrying(work, host, { retryCountMax: 5, signal: control.signal });
    const refused = expect(answer).rejects.toThrow('given up');
    await soon(() => expect(clock.armed).toBe(1));
    control.abort(new Error('given up'));
    await refused;
    expect([tried.count, clock.armed]).toEqual([1, 0]);
  });
});
