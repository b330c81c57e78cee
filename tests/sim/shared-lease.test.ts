/**
 * A lease that is taken back takes nothing with it: what the client sent under it is committed whole,
 * and the connection goes on from what the store has.
 *
 * Method: clients and storage workers in one thread over a simulated IndexedDB; a client's requests are
 * held up in its ring while its lease ends.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as rc from '../../src/result-codes.js';
import { FaultInjector, SimulatedIndexedDB, SimulatedLocks } from '../../src/testing/index.js';
import type { ServedVolume } from '../../src/vfs/shared/served-volume.js';
import { Lab, type LabClient } from '../support/shared/lab.ts';
import { soon } from '../support/soon.ts';

const { SQLITE_LOCK_SHARED: SHARED, SQLITE_LOCK_RESERVED: RESERVED } = rc;
const ONES = { 0: 1, 1: 1, 2: 1 };
const OTHERS = { 3: 3 };
const TWOS = { 0: 2, 1: 2, 2: 2 };

let lab: Lab;
let sim: SimulatedIndexedDB;
let faults: FaultInjector;
let locks: LockManager;
let served: ServedVolume;
let client: LabClient;

beforeEach(async () => {
  lab = new Lab();
  sim = new SimulatedIndexedDB({ trace: false });
  faults = new FaultInjector(sim);
  locks = new SimulatedLocks() as unknown as LockManager;
  served = await lab.serve(faults.factory, { locks });
  client = await lab.client(served);
});
afterEach(() => lab.closeAll());

/** A storage worker of another page. */
function otherPage(options: { readonly locks: LockManager | null }): Promise<ServedVolume> {
  return lab.serve(sim.openTab(), options);
}

/** Resolves when the client has no lease any more. */
async function leaseEnds(): Promise<void> {
  await soon(() => expect(client.isLeased).toBe(false));
}

describe('a sqliteTx whose requests are on their way when its lease ends', () => {
  const ENDS: readonly [string, () => Promise<unknown>][] = [
    ['another client writes', async () => await (await lab.client(served)).transact(OTHERS)],
    [
      'another page writes',
      async () => await (await lab.client(await otherPage({ locks }))).transact(OTHERS),
    ],
    ['the connection is lost', async () => faults.closeAll()],
  ];

  test.each(ENDS)('is committed whole when %s', async (_how, end) => {
    await client.transact(ONES);
    expect(client.isLeased).toBe(true);
    // The first write alone is acted on.
    client.pauseAfter(1);
    await client.transact(TWOS, 'deferred');
    const ending = end();
    await leaseEnds();
    client.resume();
    await ending;
    expect(await client.marks()).toMatchObject(TWOS);
    await client.storage.durable();
    const fresh = await lab.client(await otherPage({ locks: null }));
    expect(await fresh.marks()).toMatchObject(TWOS);
  });

  test('keeps its lock until a commit under way has ended', async () => {
    // The first commit of a file waits for its record.
    const committing = client.begun('commit');
    await client.transact(ONES, 'deferred');
    const other = await lab.client(served);
    await committing;
    // Its snapshot is of before.
    expect(await other.transact(OTHERS)).toMatchObject({ code: 'BUSY_SNAPSHOT' });
    expect(await other.transact(OTHERS)).toBeUndefined();
    expect(await other.marks()).toEqual({ ...ONES, ...OTHERS });
    expect(await client.marks()).toEqual({ ...ONES, ...OTHERS });
  });

  test('ends before the client locks by request', async () => {
    await client.transact(ONES);
    client.pauseAfter(1);
    await client.transact(TWOS, 'deferred');
    faults.closeAll();
    await leaseEnds();
    const again = client.transact({ 2: 3 });
    client.resume();
    expect(await again).toBeUndefined();
    expect(await client.marks()).toEqual({ ...TWOS, 2: 3 });
  });
});

test('a client has its own second connection write at once', async () => {
  await client.transact(ONES);
  const second = { op: 'open', id: 2, path: 'one.db', create: false } as const;
  expect(await client.call(second)).toMatchObject({ tag: 'opened' });
  const lock = { op: 'lock', id: 2, busyTimeoutMs: 0, exclusive: false, writes: false } as const;
  expect(await client.call({ ...lock, level: SHARED })).toMatchObject({ tag: 'locked' });
  expect(await client.call({ ...lock, level: RESERVED })).toMatchObject({ tag: 'locked' });
});

test('a client that waits for another one in vain is counted', async () => {
  await client.transact(ONES);
  const other = await lab.client(served);
  for (const level of [SHARED, RESERVED]) expect(await client.lock(level)).toBeUndefined();
  const before = served.host.stats();
  expect(await other.lock(SHARED)).toBeUndefined();
  expect(served.host.stats().lockWaits).toBe(before.lockWaits);
  expect(await other.lock(RESERVED)).toMatchObject({ code: 'BUSY' });
  const after = served.host.stats();
  expect(after.lockWaits).toBe(before.lockWaits + 1);
  expect(after.lockWaitMs).toBeGreaterThan(before.lockWaitMs);
  for (const each of [other, client]) each.unlock();
});

describe('without RESERVED nothing is', () => {
  let other: LabClient;
  beforeEach(async () => {
    await client.transact(ONES);
    other = await lab.client(served);
  });

  test('written', async () => {
    other.write({ 0: 9 });
    expect(await other.lock(SHARED)).toMatchObject({ code: 'INVARIANT' });
    other.unlock();
    expect(await other.marks()).toEqual(ONES);
  });

  test('committed', async () => {
    expect(await other.commit()).toMatchObject({ code: 'INVARIANT' });
  });
});

describe('a lease ends', () => {
  test('with a commit that another context came before', async () => {
    await client.transact(ONES);
    const other = await lab.client(await otherPage({ locks: null }));
    await other.transact({ 0: 9 });
    expect(await client.transact({ 1: 5 })).toMatchObject({ code: 'BUSY_SNAPSHOT' });
    expect(client.isLeased).toBe(false);
    expect(await client.marks()).toEqual({ ...ONES, 0: 9 });
    expect(await client.transact({ 1: 5 })).toBeUndefined();
    expect(await client.marks()).toEqual({ ...ONES, 0: 9, 1: 5 });
    expect(client.isLeased).toBe(true);
  });

  test('with the connection, and comes back with what the store has then', async () => {
    await client.transact(ONES);
    const other = await lab.client(await otherPage({ locks: null }));
    await other.transact({ 0: 9 });
    faults.closeAll();
    await leaseEnds();
    expect(await client.marks()).toEqual({ ...ONES, 0: 9 });
    expect(client.isLeased).toBe(true);
  });

  test('when another context deletes the volume', async () => {
    await client.transact(ONES);
    await new Promise((resolve) => {
      sim.openTab().deleteDatabase('volume').onsuccess = resolve;
    });
    expect(client.isLeased).toBe(false);
    expect(await client.lock(SHARED)).toMatchObject({ code: 'BUSY_SNAPSHOT' });
  });

  test('with a commit whose outcome is unknown, and the connection goes on', async () => {
    await client.transact(ONES);
    let commits = 0;
    sim.faults = {
      commit: ({ mode }) => {
        if (mode !== 'readwrite' || ++commits > 3) return undefined;
        const stop = sim.onTurn(() => {
          stop();
          sim.forceClose({ inFlight: commits === 1 ? 'lands' : 'lost' });
        });
        return undefined;
      },
    };
    expect(await client.transact(TWOS)).toMatchObject({ code: 'COMMIT_UNKNOWN' });
    sim.faults = {};
    expect(await client.marks()).toEqual(TWOS);
    expect(await client.transact(OTHERS)).toBeUndefined();
    expect(await client.marks()).toEqual({ ...TWOS, ...OTHERS });
  });
});
