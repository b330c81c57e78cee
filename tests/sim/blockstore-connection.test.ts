/**
 * A connection that is lost is opened anew within a budget, what is silent ends, and what fails for a
 * reason of its own is not repeated (I9 of connection.ts).
 *
 * Method: faults at the first points where they can strike, on a clock turned by hand.
 */
import { describe, expect, test } from 'vitest';
import { result } from '../../src/blockstore/requests.js';
import { BusyError } from '../../src/errors.js';
import type { KeyBounds } from '../../src/format/keys.js';
import type { Fault, Hit, Where } from '../../src/testing/index.js';
import { ALWAYS, LOST, opened, settle, setUp, volumeIn } from '../support/connection-lab.ts';
import { isOpen } from '../support/fault-points.ts';
import { useGlobals } from '../support/globals.ts';
import { VOLUME } from '../support/store-dsl.ts';

const isTransaction: Hit = ({ kind }) => kind === 'transaction';

useGlobals();

describe('reading', () => {
  const once: Where = { mode: 'readonly' };

  test.each<[string, Fault]>([
    ['closed by the browser', { tag: 'close' }],
    ['dead', { tag: 'connection-dead' }],
    ['failing inside', { tag: 'request-error', name: 'UnknownError' }],
  ])('goes on when the connection is found %s', async (_how, fault) => {
    const { connection, faults, told } = await opened();
    faults.plan(fault, once);
    expect(await connection.read(['files'], volumeIn)).toBeDefined();
    expect(told).toEqual(['lost', 1]);
    expect(connection.counters.reopens).toBe(1);
    expect(faults.count(isOpen)).toBe(2);
    faults.closeAll();
    await connection.read(['files'], volumeIn);
    expect(told).toEqual(['lost', 1, 'lost', 2]);
  });

  test('is given up after four dead connections in a row', async () => {
    const { connection, faults, told, whys } = await opened();
    faults.plan({ tag: 'connection-dead' }, ALWAYS);
    const reading = connection.read(['files'], volumeIn);
    const cause = { name: 'InvalidStateError' };
    await expect(reading).rejects.toMatchObject({ ...LOST, cause });
    expect(whys.filter((why) => why)).toHaveLength(4);
    expect(faults.count(isTransaction)).toBe(4);
    expect(told).toEqual(['lost', 1, 'lost', 2, 'lost', 3, 'lost']);
  });

  test('goes on where nobody wants to be told', async () => {
    const { connection, faults, sim } = await opened();
    connection.onlost = undefined;
    connection.onhealed = undefined;
    connection.onversionchange = undefined;
    faults.plan({ tag: 'connection-dead' });
    expect(await connection.read(['files'], volumeIn)).toBeDefined();
    expect(connection.counters.reopens).toBe(1);
    (await result(sim.openTab().open(VOLUME, 2))).close();
  });

  test('is repeated once after an abort without a reason, on the same connection', async () => {
    const { connection, faults, told, clock } = await opened();
    faults.plan({ tag: 'abort', name: null }, once);
    expect(await connection.read(['files'], volumeIn)).toBeDefined();
    faults.plan({ tag: 'abort', name: null }, { ...once, times: 2 });
    await expect(connection.read(['files'], volumeIn)).rejects.toMatchObject({ code: 'STORAGE' });
    // What was aborted is not watched any more.
    await settle();
    await clock.turn(10);
    expect(told).toEqual([]);
    expect(faults.count(isTransaction)).toBe(4);
  });

  test('is not repeated after an error of its own', async () => {
    const { connection, faults, told } = await opened();
    faults.plan({ tag: 'request-error', name: 'DataError' }, once);
    const reading = connection.read(['files'], volumeIn);
    await expect(reading).rejects.toMatchObject({ code: 'STORAGE' });
    const busy = new BusyError('a.db', 'it');
    const own = connection.read(['files'], () => Promise.reject(busy));
    await expect(own).rejects.toBe(busy);
    // Also one that looks as if the connection were lost.
    const lost = Object.assign(new BusyError('a.db', 'it'), { name: 'InvalidStateError' });
    await expect(connection.read(['files'], () => Promise.reject(lost))).rejects.toBe(lost);
    expect(told).toEqual([]);
    expect(faults.count(isTransaction)).toBe(3);
  });

  test.each([
    [1, ['lost', 1]],
    [2, ['lost', 1, 'lost']],
  ])(
    'that is not answered is repeated once, on a new connection (silent: %i)',
    async (n, events) => {
      const { connection, faults, clock, told } = await opened();
      faults.plan({ tag: 'no-answer' }, { kind: 'request', mode: 'readonly', times: n });
      const reading = connection.read(['files'], volumeIn).then(
        (value) => value !== undefined,
        (error) => error.code,
      );
      for (let i = 0; i < n; i++) {
        await settle();
        await clock.turn(5);
      }
      await settle();
      expect(await reading).toBe(n === 1 ? true : LOST.code);
      expect(told).toEqual(events);
      expect(faults.count(({ kind }) => kind === 'abort')).toBe(n);
    },
  );

  test.each([
    ['read', false],
    ['refused', true],
  ])('may take for ever as long as something is answered: %s', async (_what, fails) => {
    const { connection, faults, clock, told } = await opened();
    if (fails) faults.plan({ tag: 'request-error', name: 'DataError' }, ALWAYS);
    const reading = connection.read(['files'], async (r) => {
      for (let i = 0; i < 5; i++) {
        const request = r.get('files', '');
        const answered = new Promise((resolve) => {
          request.onsuccess = resolve;
          request.onerror = (event) => {
            event.preventDefault();
            resolve(event);
          };
        });
        await Promise.all([clock.turn(3), answered]);
      }
      return 'read';
    });
    await settle();
    expect(await reading).toBe('read');
    // What has ended is not watched any more.
    await clock.turn(10);
    expect(told).toEqual([]);
    expect(clock.armed).toBe(0);
  });
});

describe('what may be written twice', () => {
  const again = (faults: Awaited<ReturnType<typeof opened>>) =>
    faults.connection.rewrite(['files'], 'default', (r) => void r.delete('files', ['x', 'y']));

  test.each<[string, Fault]>([
    ['closed by the browser', { tag: 'close' }],
    ['failing inside', { tag: 'request-error', name: 'UnknownError' }],
  ])('is written again when the connection is found %s', async (_how, fault) => {
    const all = await opened();
    all.faults.plan(fault, { mode: 'readwrite' });
    await again(all);
    expect(all.told).toEqual(['lost', 1]);
  });

  test('fails with an error of ours when no connection lasts', async () => {
    const all = await opened();
    all.faults.plan({ tag: 'request-error', name: 'UnknownError' }, ALWAYS);
    await expect(again(all)).rejects.toMatchObject(LOST);
  });
});

describe('writing', () => {
  const BYTES = new ArrayBuffer(3);

  test('waits until it is complete, with the durability that is asked for', async () => {
    const { connection, sim } = await opened();
    const commits: unknown[] = [];
    sim.faults = { commit: ({ mode, durability }) => void commits.push([mode, durability]) };
    await connection.write(['segments'], 'strict', (r) => {
      r.put('segments', [1, 1, 0], BYTES);
    });
    expect(commits).toEqual([['readwrite', 'strict']]);
    const keys = connection.read(['segments'], (r) => result(r.getAllKeys('segments')));
    expect(await keys).toEqual([[1, 1, 0]]);
  });

  test('that throws leaves nothing', async () => {
    const { connection } = await opened();
    const writing = connection.write(['segments'], 'default', (r) => {
      r.put('segments', [1, 1, 0], BYTES);
      throw new RangeError('it');
    });
    await expect(writing).rejects.toThrow(RangeError);
    const stored = connection.read(['segments'], (r) => result(r.get('segments', [1, 1, 0])));
    expect(await stored).toBeUndefined();
  });

  test('begins on a new connection if the old one is dead, and is not repeated', async () => {
    const { connection, faults, told } = await opened();
    faults.plan({ tag: 'connection-dead' });
    await connection.write(['segments'], 'default', (r) => {
      r.put('segments', [1, 1, 0], BYTES);
    });
    expect(told).toEqual(['lost', 1]);
    faults.plan({ tag: 'abort-at-commit', name: 'QuotaExceededError' });
    let times = 0;
    const failing = connection.write(['segments'], 'default', (r) => {
      times++;
      r.put('segments', [1, 1, 1], BYTES);
    });
    await expect(failing).rejects.toMatchObject({ name: 'QuotaExceededError' });
    expect(times).toBe(1);
  });

  test('that is aborted without a reason says so', async () => {
    const { connection, faults } = await opened();
    faults.plan({ tag: 'abort-at-commit', name: null });
    const failing = connection.write(['segments'], 'default', (r) => {
      r.put('segments', [1, 1, 1], BYTES);
    });
    await expect(failing).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('that is never complete ends', async () => {
    const { connection, faults, clock, told } = await opened();
    faults.plan({ tag: 'no-answer' }, { kind: 'commit' });
    const writing = connection.write(['segments'], 'default', (r) => {
      r.put('segments', [1, 1, 1], BYTES);
    });
    writing.catch(() => undefined);
    await settle();
    await clock.turn(5);
    await expect(writing).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(told).toEqual(['lost']);
  });
});

test('another context that wants the volume in another version gets it', async () => {
  const { connection, sim, told } = await opened();
  (await result(sim.openTab().open(VOLUME, 2))).close();
  expect(told).toEqual(['lost', 'versionchange']);
  const newer = { code: 'FORMAT_VERSION', found: 2 };
  await expect(connection.read(['files'], volumeIn)).rejects.toMatchObject(newer);
});

test('what is closed for good stays closed', async () => {
  const { connection, faults, clock } = await opened();
  await connection.read(['files'], volumeIn);
  expect(connection.isShut).toBe(false);
  expect(clock.armed).toBe(1);
  await connection.close();
  expect(connection.isShut).toBe(true);
  expect(clock.armed).toBe(0);
  expect(faults.count(({ kind }) => kind === 'close')).toBe(1);
  await expect(connection.read(['files'], volumeIn)).rejects.toMatchObject(LOST);
  await expect(connection.begin(['files'], 'default')).rejects.toMatchObject(LOST);
  expect(faults.count(isOpen)).toBe(1);
});

describe('closing', () => {
  // A worker that is terminated before leaves the connection open, in WebKit.
  test('waits for an idbTx that has answered all and is not complete yet', async () => {
    const { connection, faults } = await opened();
    const done = () => faults.count(({ kind, event }) => kind === 'event' && event === 'complete');
    const before = done();
    await connection.read(['files'], volumeIn);
    expect(done()).toBe(before);
    await connection.close();
    expect(done()).toBe(before + 1);
  });

  test('waits also for idbTxs of a connection that another context wanted closed', async () => {
    const { connection, sim, faults } = await opened();
    const done = () => faults.count(({ kind, event }) => kind === 'event' && event === 'complete');
    const before = done();
    const reading = connection.read(['files'], volumeIn);
    const deleting = result(sim.openTab().deleteDatabase(VOLUME));
    await reading;
    await connection.close();
    expect(done()).toBe(before + 1);
    await deleting;
  });

  test('waits for a connection that is being opened, and closes it', async () => {
    const { connection, sim } = setUp();
    const opening = connection.open();
    opening.catch(() => undefined);
    await connection.close();
    await expect(opening).rejects.toMatchObject(LOST);
    const heard: string[] = [];
    const deleting = sim.openTab().deleteDatabase(VOLUME);
    deleting.onblocked = () => heard.push('blocked');
    await result(deleting);
    expect(heard).toEqual([]);
  });

  test('waits no longer than the limit for one that never ends, however often it is asked to', async () => {
    const { connection, faults, clock } = await opened();
    faults.plan({ tag: 'no-answer' }, { kind: 'commit' });
    const writing = connection.write(['segments'], 'default', (r) => {
      r.put('segments', [1, 1, 1], new ArrayBuffer(3));
    });
    writing.catch(() => undefined);
    await settle();
    let closed = 0;
    const closings = [connection.close(), connection.close()].map((closing) =>
      closing.then(() => closed++),
    );
    await settle();
    expect(closed).toBe(0);
    await clock.turn(5);
    await Promise.all(closings);
    await expect(writing).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(clock.armed).toBe(0);
  });
});

test('each request keeps to its store and bounds, and counts as one', async () => {
  const { connection } = await opened();
  const before = connection.counters.requests;
  await connection.write(['files', 'commits'], 'default', (r) => {
    for (const v of [1, 2, 3, 4]) r.add('commits', [1, v], new ArrayBuffer(v));
    for (const path of ['a', 'b']) r.put('files', path, new ArrayBuffer(1));
    r.delete('commits', [
      [1, 2],
      [1, 2],
    ]);
    r.delete('files', 'a');
  });
  const bounds: KeyBounds = [
    [1, 1],
    [1, 3],
  ];
  const found = await connection.read(['files', 'commits'], (r) =>
    Promise.all([
      result(r.getKey('commits', [[1, 2], [9]])),
      result(r.getAllKeys('commits', bounds)),
      result(r.getAllKeys('commits', [[1], [9]], 2)),
      result(r.count('commits', bounds)),
      result(r.getAllKeys('files')),
      result(r.getAll('commits', [[1], [9]], 1)).then((values) => values.length),
    ]),
  );
  const [first, third] = [
    [1, 1],
    [1, 3],
  ];
  expect(found).toEqual([third, [first, third], [first, third], 2, ['', 'b'], 1]);
  expect(connection.counters.requests - before).toBe(8 + 6);
});
