/**
 * A volume is made, tried again, given up or refused (I9 of connection.ts; opening.ts).
 *
 * Method: faults at the opening, on a clock turned by hand.
 */
import { describe, expect, test } from 'vitest';
import { result } from '../../src/blockstore/requests.js';
import { decodeVolume } from '../../src/format/files.js';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import {
  ALWAYS,
  LOST,
  REOPEN_WAITS_MS,
  settle,
  setUp,
  TICK_MS,
  volumeIn,
} from '../support/connection-lab.ts';
import { isOpen } from '../support/fault-points.ts';
import { useGlobals } from '../support/globals.ts';
import { VOLUME } from '../support/store-dsl.ts';

useGlobals();

describe('opening', () => {
  test('makes a volume, once for all who wait for it', async () => {
    const { connection, faults, told } = setUp();
    const read = () => connection.read(['files'], volumeIn);
    const [first, second] = await Promise.all([read(), read(), connection.open()]);
    expect(decodeVolume(first)).toEqual({ ok: true, value: { nextFileId: 1, createdMs: 7 } });
    expect(new Uint8Array(second as ArrayBuffer)).toEqual(new Uint8Array(first as ArrayBuffer));
    expect(faults.count(isOpen)).toBe(1);
    expect(connection.counters).toEqual({
      requests: 2,
      transactions: 2,
      bytesWritten: 0,
      reopens: 0,
    });
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
    await connection.close();
    await clock.turn();
    await expect(waiting).rejects.toMatchObject(LOST);
    expect(faults.count(isOpen)).toBe(2);

    const late = setUp();
    const opening = late.connection.open();
    await late.connection.close();
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
