import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Watchdog } from '../../../src/blockstore/watchdog.js';
import { hostTimer } from '../../../src/timer.js';
import { HandClock } from '../../support/hand-clock.ts';

// Goal: what IndexedDB leaves unanswered ends, and what is merely slow does not.
// Method: a clock turned by hand; each turn lets the watchdog's one timer run out.

const LIMIT_MS = 400;

function setUp(): { clock: HandClock; dog: Watchdog } {
  const clock = new HandClock();
  return { clock, dog: new Watchdog(LIMIT_MS, clock.timer) };
}

function stateOf(promise: Promise<unknown>): Promise<string> {
  return Promise.race([
    promise.then(
      () => 'resolved',
      (error: Error) => error.name,
    ),
    Promise.resolve().then(() => Promise.resolve('waiting')),
  ]);
}

describe('a watch', () => {
  test('fails with a TimeoutError after the limit and at most a quarter of it more', async () => {
    const { clock, dog } = setUp();
    const { overdue } = dog.watch();
    await clock.turn(4);
    expect(await stateOf(overdue)).toBe('waiting');
    await clock.turn();
    await expect(overdue).rejects.toThrow('did not answer within 400 ms');
    expect(await stateOf(overdue)).toBe('TimeoutError');
    expect(clock.waits).toEqual([100, 100, 100, 100, 100]);
    expect(clock.armed).toBe(0);
  });

  test('that is fed starts over', async () => {
    const { clock, dog } = setUp();
    const watch = dog.watch();
    for (let i = 0; i < 5; i++) {
      await clock.turn(4);
      watch.feed();
    }
    await clock.turn(4);
    expect(await stateOf(watch.overdue)).toBe('waiting');
    await clock.turn();
    expect(await stateOf(watch.overdue)).toBe('TimeoutError');
  });

  test('that ended never fails, and the timer is not armed for nobody', async () => {
    const { clock, dog } = setUp();
    const watch = dog.watch();
    watch.end();
    await clock.turn();
    expect(clock.armed).toBe(0);
    expect(await stateOf(watch.overdue)).toBe('waiting');
  });

  test('fails alone: one that began later goes on', async () => {
    const { clock, dog } = setUp();
    const early = dog.watch();
    await clock.turn(2);
    const late = dog.watch();
    expect(clock.armed, 'one timer for all').toBe(1);
    await clock.turn(3);
    expect(await stateOf(early.overdue)).toBe('TimeoutError');
    expect(await stateOf(late.overdue)).toBe('waiting');
    await clock.turn(2);
    expect(await stateOf(late.overdue)).toBe('TimeoutError');
  });

  test('does not count a freeze: a tick that comes hours late is one tick', async () => {
    const { clock, dog } = setUp();
    const { overdue } = dog.watch();
    // However long the clock stood still, it has run out once.
    await clock.turn();
    expect(await stateOf(overdue)).toBe('waiting');
  });

  test('does not outlive a stopped watchdog', async () => {
    const { clock, dog } = setUp();
    const { overdue } = dog.watch();
    dog.stop();
    expect(clock.armed).toBe(0);
    await clock.turn(10);
    expect(await stateOf(overdue)).toBe('waiting');
    // It may be started again, and stopped when nothing is armed.
    dog.stop();
    const { overdue: next } = dog.watch();
    await clock.turn(5);
    expect(await stateOf(next)).toBe('TimeoutError');
  });
});

describe('limited work', () => {
  test('resolves and rejects as it does, in time', async () => {
    const { clock, dog } = setUp();
    expect(await dog.limit(Promise.resolve(7))).toBe(7);
    await expect(dog.limit(Promise.reject(new Error('own')))).rejects.toThrow('own');
    await clock.turn();
    expect(clock.armed).toBe(0);
  });

  test('that never ends is given up', async () => {
    const { clock, dog } = setUp();
    const limited = dog.limit(new Promise<void>(() => undefined));
    limited.catch(() => undefined);
    await clock.turn(5);
    await expect(limited).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('the timer of the host', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('calls back after so many milliseconds, unless it is called off', () => {
    const called: string[] = [];
    hostTimer(20, () => called.push('on'));
    const callOff = hostTimer(20, () => called.push('off'));
    vi.advanceTimersByTime(19);
    expect(called).toEqual([]);
    callOff();
    vi.advanceTimersByTime(1);
    expect(called).toEqual(['on']);
  });
});
