/** What a program sees of faults of Web Locks, as cases for any LockManager. */
import { expect, test } from 'vitest';
import { FaultyLocks } from '../../src/testing/index.js';
import { pause } from './fault-program.ts';
import { soon } from './soon.ts';

/** @param fresh a manager, and a name that no other case uses */
export function defineLockSuite(
  fresh: () => { readonly locks: LockManager; readonly name: string },
): void {
  /** A holder that goes on until it is told to stop, which it may be before it holds. */
  function hold(locks: LockManager, name: string, options: LockOptions = {}) {
    const log: string[] = [];
    let stop: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const request = locks
      .request(name, options, async (lock) => {
        log.push(lock ? 'held' : 'refused');
        if (!lock) return 'refused';
        await stopped;
        log.push('done');
        return 'result';
      })
      .catch((error: Error) => `rejected: ${error.name}`);
    return { request, log, stop };
  }

  test('without a fault, locks are what they are', async () => {
    const { locks, name } = fresh();
    const faulty = new FaultyLocks(locks);
    const first = hold(faulty, name);
    const second = hold(faulty, name);
    const third = hold(locks, name, { ifAvailable: true });
    await soon(() =>
      expect([first.log, second.log, third.log]).toEqual([['held'], [], ['refused']]),
    );
    expect((await faulty.query()).held?.filter((lock) => lock.name === name)).toHaveLength(1);
    first.stop();
    expect(await first.request).toBe('result');
    await soon(() => expect(second.log).toEqual(['held']));
    second.stop();
    expect(await second.request).toBe('result');
    expect(faulty.trace().map(({ number, mode, fault }) => [number, mode, fault])).toEqual([
      [1, 'exclusive', undefined],
      [2, 'exclusive', undefined],
    ]);
    await expect(
      faulty.request(name, () => {
        throw new RangeError('of the callback');
      }),
    ).rejects.toThrow('of the callback');
  });

  // Goal: 23, a lock released while the old idbTx still runs.
  test.each([
    ['lock-released', 'result'],
    ['lock-stolen', 'rejected: AbortError'],
  ] as const)('%s: another one holds it while the holder runs on', async (tag, told) => {
    const { locks, name } = fresh();
    const faulty = new FaultyLocks(locks);
    faulty.plan({ tag }, { name });
    const first = hold(faulty, name);
    const second = hold(locks, name);
    await soon(() => expect([first.log, second.log]).toEqual([['held'], ['held']]));
    first.stop();
    second.stop();
    expect(await first.request).toBe(told);
    expect(await second.request).toBe('result');
    expect(first.log).toEqual(['held', 'done']);
  });

  test.each([
    ['releaseHeld', 'result'],
    ['stealHeld', 'rejected: AbortError'],
  ] as const)('%s does so at a moment of choice', async (method, told) => {
    const { locks, name } = fresh();
    const faulty = new FaultyLocks(locks);
    const first = hold(faulty, name);
    await soon(() => expect(first.log).toEqual(['held']));
    const second = hold(locks, name);
    await pause();
    expect(second.log).toEqual([]);
    faulty[method]('another name');
    await pause();
    expect(second.log).toEqual([]);
    faulty[method](name);
    await soon(() => expect(second.log).toEqual(['held']));
    first.stop();
    second.stop();
    expect([await first.request, await second.request]).toEqual([told, 'result']);
  });

  test('a delayed one queues behind those that ask later', async () => {
    const { locks, name } = fresh();
    const faulty = new FaultyLocks(locks);
    faulty.plan({ tag: 'lock-delayed', ms: 20 });
    const first = hold(faulty, name);
    const second = hold(faulty, name);
    await soon(() => expect([first.log, second.log]).toEqual([[], ['held']]));
    second.stop();
    await soon(() => expect(first.log).toEqual(['held']));
    first.stop();
    await Promise.all([first.request, second.request]);
  });

  test('one that is never granted ends by its signal, or is not available', async () => {
    const { locks, name } = fresh();
    const faulty = new FaultyLocks(locks);
    faulty.plan({ tag: 'lock-never-granted' }, { times: 2, nth: 2 });
    const free = hold(faulty, name);
    const controller = new AbortController();
    const waiting = hold(faulty, name, { signal: controller.signal });
    expect(await hold(faulty, name, { ifAvailable: true }).request).toBe('refused');
    free.stop();
    await soon(() => expect([free.log, waiting.log]).toEqual([['held', 'done'], []]));
    controller.abort();
    expect(await waiting.request).toBe('rejected: AbortError');
    faulty.plan({ tag: 'lock-never-granted' });
    faulty.stop();
    expect(await faulty.request(name, () => 'granted')).toBe('granted');
  });

  test('frozen, what is granted is held by nobody who knows', async () => {
    const { locks, name } = fresh();
    const faulty = new FaultyLocks(locks);
    faulty.freeze();
    const frozen = hold(faulty, name);
    const other = hold(locks, name);
    await pause();
    expect([frozen.log, other.log]).toEqual([[], []]);
    faulty.thaw();
    await soon(() => expect(frozen.log).toEqual(['held']));
    frozen.stop();
    other.stop();
    expect([await frozen.request, await other.request]).toEqual(['result', 'result']);
  });

  test('a real steal reaches a holder as ever', async () => {
    const { locks, name } = fresh();
    const faulty = new FaultyLocks(locks);
    const first = hold(faulty, name);
    await soon(() => expect(first.log).toEqual(['held']));
    const thief = hold(faulty, name, { steal: true });
    expect(await first.request).toBe('rejected: AbortError');
    await soon(() => expect(thief.log).toEqual(['held']));
    first.stop();
    thief.stop();
    expect(await thief.request).toBe('result');
  });

  test('shared ones are held together, and only for them', async () => {
    const { locks, name } = fresh();
    const [a, b] = [hold(locks, name, { mode: 'shared' }), hold(locks, name, { mode: 'shared' })];
    const writer = hold(locks, name);
    const late = hold(locks, name, { mode: 'shared' });
    await soon(() =>
      expect([a.log, b.log, writer.log, late.log]).toEqual([['held'], ['held'], [], []]),
    );
    a.stop();
    b.stop();
    await soon(() => expect([writer.log, late.log]).toEqual([['held'], []]));
    writer.stop();
    await soon(() => expect(late.log).toEqual(['held']));
    late.stop();
    await Promise.all([a, b, writer, late].map(({ request }) => request));
  });

  test.each([
    ['steal and ifAvailable', { steal: true, ifAvailable: true }],
    ['steal and shared', { steal: true, mode: 'shared' }],
    ['a signal and ifAvailable', { ifAvailable: true, signal: new AbortController().signal }],
  ] as const)('%s exclude each other', async (_name, options) => {
    const { locks, name } = fresh();
    const refused = { name: 'NotSupportedError' };
    await expect(locks.request(name, options, () => 'x')).rejects.toMatchObject(refused);
    await expect(locks.request(`-${name}`, () => 'x')).rejects.toMatchObject(refused);
  });
}
