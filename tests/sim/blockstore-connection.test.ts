/**
 * A connection that is lost is opened anew within a budget, what is silent ends, and what fails for a
 * reason of its own is not repeated (I9 of connection.ts).
 *
 * Method: faults at the first points where they can strike, on a clock turned by hand.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Connection } from '../../src/blockstore/connection.js';
import { type Requests, result } from '../../src/blockstore/requests.js';
import { BusyError } from '../../src/errors.js';
import { decodeVolume } from '../../src/format/files.js';
import {
  type Fault,
  FaultInjector,
  type Hit,
  installGlobals,
  SimulatedIndexedDB,
  type Where,
} from '../../src/testing/index.js';
import { isOpen } from '../support/fault-points.ts';
import { HandClock } from '../support/hand-clock.ts';
import { VOLUME } from '../support/store-dsl.ts';

const LIMIT_MS = 4000;
const TICK_MS = LIMIT_MS / 4;
const REOPEN_WAITS_MS = [10, 50, 200];
const LOST = { code: 'CONNECTION_LOST' };
const ALWAYS = { times: Number.POSITIVE_INFINITY };
const isTransaction: Hit = ({ kind }) => kind === 'transaction';

let uninstall: () => void;
beforeAll(() => {
  uninstall = installGlobals();
});
afterAll(() => uninstall());

function setUp(more: { factory?: IDBFactory; waits?: boolean } = {}) {
  const sim = new SimulatedIndexedDB({ trace: false });
  const faults = new FaultInjector(sim);
  const clock = new HandClock((ms) => !more.waits && ms < TICK_MS);
  const connection = new Connection({
    name: VOLUME,
    factory: more.factory ?? faults.factory,
    now: () => 7,
    requestTimeoutMs: LIMIT_MS,
    timer: clock.timer,
  });
  const told: unknown[] = [];
  connection.onlost = () => told.push('lost');
  connection.onhealed = (reopens) => told.push(reopens);
  connection.onversionchange = () => told.push('versionchange');
  return { sim, faults, clock, connection, told };
}

async function opened() {
  const all = setUp();
  await all.connection.open();
  return all;
}

const volumeIn = (r: Requests) => result(r.get('files', ''));

/** Lets everything happen that happens without the clock. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
}

describe('opening', () => {
  test('makes a volume, once for all who wait for it', async () => {
    const { connection, faults, told } = setUp();
    const read = () => connection.read(['files'], volumeIn);
    const [first, second] = await Promise.all([read(), read(), connection.open()]);
    expect(decodeVolume(first)).toEqual({ ok: true, value: { nextFileId: 1, createdMs: 7 } });
    expect(new Uint8Array(second as ArrayBuffer)).toEqual(new Uint8Array(first as ArrayBuffer));
    expect(faults.count(isOpen)).toBe(1);
    expect(connection.counters).toEqual({ requests: 2, transactions: 2, reopens: 0 });
    expect(told).toEqual([]);
  });

  test.each([
    [3, REOPEN_WAITS_MS],
    [1, REOPEN_WAITS_MS.slice(0, 1)],
  ])('that fails %i times as a dead connection does is tried again', async (times, waits) => {
    const { connection, faults, clock, told } = setUp();
    faults.plan({ tag: 'open-error', name: 'UnknownError' }, { times });
    await connection.open();
    expect(faults.count(isOpen)).toBe(times + 1);
    expect(clock.waits.filter((ms) => ms !== TICK_MS)).toEqual(waits);
    expect(told).toEqual([]);
  });

  test.each([
    ['UnknownError', LOST, 4],
    ['DataError', { code: 'STORAGE' }, 1],
    ['QuotaExceededError', { code: 'QUOTA' }, 1],
  ])('that always fails with %s fails', async (name, error, attempts) => {
    const { connection, faults } = setUp();
    faults.plan({ tag: 'open-error', name }, ALWAYS);
    await expect(connection.open()).rejects.toMatchObject(error);
    expect(faults.count(isOpen)).toBe(attempts);
    faults.reset();
    await connection.open();
  });

  test('that is never answered is given up, and stands in nobody’s way', async () => {
    const { connection, faults, clock } = setUp();
    faults.plan({ tag: 'delay', rounds: Number.POSITIVE_INFINITY }, { at: isOpen });
    const opening = connection.open();
    opening.catch(() => undefined);
    await settle();
    await clock.turn(4);
    expect(clock.armed).toBe(1);
    await clock.turn();
    await expect(opening).rejects.toMatchObject(LOST);
    expect(faults.count(isOpen)).toBe(1);
    // It comes after all.
    faults.release();
    await settle();
    expect(faults.count(({ kind }) => kind === 'close')).toBe(1);
    await connection.open();
  });

  test('ends when the connection is closed for good, waiting or not', async () => {
    const { connection, faults, clock } = setUp({ waits: true });
    faults.plan({ tag: 'open-error', name: 'UnknownError' }, { nth: 2 });
    const first = connection.open();
    await settle();
    await first;
    faults.closeAll();
    await settle();
    const waiting = connection.open();
    waiting.catch(() => undefined);
    await settle();
    expect(clock.waits).toContain(REOPEN_WAITS_MS[0]);
    connection.close();
    await clock.turn();
    await expect(waiting).rejects.toMatchObject(LOST);
    expect(faults.count(isOpen)).toBe(2);

    const late = setUp();
    const opening = late.connection.open();
    late.connection.close();
    await expect(opening).rejects.toMatchObject(LOST);
    await settle();
    expect(late.faults.count(({ kind }) => kind === 'close')).toBe(1);
    expect(late.faults.count(isOpen)).toBe(1);
  });

  test.each<[string, (db: IDBDatabase) => unknown]>([
    ['lacks a store', (db) => ['files', 'segments', 'commits'].map((s) => db.createObjectStore(s))],
    [
      'has one more',
      (db) => ['files', 'segments', 'commits', 'maps', 'more'].map((s) => db.createObjectStore(s)),
    ],
    ['has others', (db) => ['a', 'b', 'c', 'd'].map((s) => db.createObjectStore(s))],
  ])('refuses a database that %s, and lets go of it', async (_what, upgrade) => {
    const { sim, faults, connection } = setUp();
    await make(sim, 1, upgrade);
    await expect(connection.open()).rejects.toMatchObject({ code: 'NOT_A_VOLUME' });
    expect(faults.count(({ kind }) => kind === 'close')).toBe(1);
  });

  test('refuses a newer volume, and says which', async () => {
    const { sim, connection } = setUp();
    await make(sim, 5, () => undefined);
    const newer = { code: 'FORMAT_VERSION', found: 5, supported: 1 };
    await expect(connection.open()).rejects.toMatchObject(newer);
  });

  test.each<[string, Partial<IDBFactory>]>([
    ['cannot list databases', { databases: undefined as never }],
    ['fails to', { databases: () => Promise.reject(new Error('no')) }],
    ['does not know it', { databases: () => Promise.resolve([{ name: 'other', version: 9 }]) }],
  ])('refuses a newer volume in a browser that %s', async (_what, changed) => {
    const sim = new SimulatedIndexedDB({ trace: false });
    await make(sim, 5, () => undefined);
    const factory = { open: sim.open.bind(sim), databases: sim.databases.bind(sim), ...changed };
    const { connection } = setUp({ factory: factory as IDBFactory });
    const newer = { code: 'FORMAT_VERSION', found: 2, supported: 1 };
    await expect(connection.open()).rejects.toMatchObject(newer);
  });

  test('that fails in the upgrade says why', async () => {
    const { sim, connection } = setUp();
    sim.faults = {
      commit: () => new DOMException('full', 'QuotaExceededError'),
    };
    await expect(connection.open()).rejects.toMatchObject({ code: 'QUOTA' });
  });
});

/** A database that others made. */
async function make(
  sim: SimulatedIndexedDB,
  version: number,
  upgrade: (db: IDBDatabase) => unknown,
): Promise<void> {
  const request = sim.open(VOLUME, version);
  request.onupgradeneeded = () => upgrade(request.result);
  (await result(request)).close();
}

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
    const { connection, faults, told } = await opened();
    faults.plan({ tag: 'connection-dead' }, ALWAYS);
    await expect(connection.read(['files'], volumeIn)).rejects.toMatchObject(LOST);
    expect(faults.count(isTransaction)).toBe(4);
    expect(told).toEqual(['lost', 1, 'lost', 2, 'lost', 3, 'lost']);
  });

  test('is repeated once after an abort without a reason, on the same connection', async () => {
    const { connection, faults, told } = await opened();
    faults.plan({ tag: 'abort', name: null }, once);
    expect(await connection.read(['files'], volumeIn)).toBeDefined();
    faults.plan({ tag: 'abort', name: null }, { ...once, times: 2 });
    await expect(connection.read(['files'], volumeIn)).rejects.toMatchObject({ code: 'STORAGE' });
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

  test('may take for ever as long as something is answered', async () => {
    const { connection, clock, told } = await opened();
    const reading = connection.read(['files'], async (r) => {
      for (let i = 0; i < 5; i++) {
        const answered = volumeIn(r);
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
  connection.close();
  expect(connection.isShut).toBe(true);
  expect(clock.armed).toBe(0);
  expect(faults.count(({ kind }) => kind === 'close')).toBe(1);
  await expect(connection.read(['files'], volumeIn)).rejects.toMatchObject(LOST);
  await expect(connection.begin(['files'], 'default')).rejects.toMatchObject(LOST);
  expect(faults.count(isOpen)).toBe(1);
});
