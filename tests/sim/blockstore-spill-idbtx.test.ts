/**
 * The idbTxs of one spill, batch by batch: one batch under way at a time, a new idbTx when the browser
 * has ended the one before, and a failure that stays (I2, I3, I9 of spill.ts).
 */
import { expect, test } from 'vitest';
import { Spill } from '../../src/blockstore/spill.js';
import { encodeFile } from '../../src/format/files.js';
import { decodeSpillOwner } from '../../src/format/spill-owner.js';
import {
  editRecords,
  FaultInjector,
  type Hit,
  SimulatedIndexedDB,
} from '../../src/testing/index.js';
import type { FileId, Version } from '../../src/types.js';
import { settle } from '../support/connection-lab.ts';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, VOLUME } from '../support/store-dsl.ts';

const PATH = 'one.db';
const FILE = 1 as FileId;
const NONCE = [5, 6] as const;
const RECORD = { path: PATH, file: FILE, algorithm: 'xxhash32', born: true, createdMs: 1 } as const;
const isAdd: Hit = ({ kind, method }) => kind === 'request' && method === 'add';

useGlobals();

/** A spill above version 1 of a file, which has left two segments of another above it. */
async function setUp(fence = { from: 1 as Version, count: 1 }) {
  const sim = new SimulatedIndexedDB({ trace: false });
  const faults = new FaultInjector(sim);
  const store = await Store.open({ factory: faults.factory, paths: [PATH] });
  await store.commit([blocks(PATH, 0, 1, 1)], 'strict');
  await store.rollBack([blocks(PATH, 0, 250, 2)], 'late');
  await settle();
  faults.reset();
  const { connection } = store.volume;
  const version = 2 as Version;
  const spill = new Spill({ connection, path: PATH, file: FILE, version, nonce: NONCE, fence });
  const taken: number[] = [];
  let part = 10;
  const send = (count = 2) => {
    const segments = Array.from({ length: count }, () => ({
      part: part++,
      buffer: new ArrayBuffer(8),
    }));
    return spill.send(segments, (each) => taken.push(each));
  };
  const stored = async () => {
    await settle();
    const [outcome] = sim.outcomes('process');
    if (!outcome) throw new Error('nothing is stored');
    const records = editRecords(outcome, VOLUME);
    const owner = decodeSpillOwner(records.get('maps', [FILE, -2]), FILE);
    const parts = records.keys('segments').map((key) => (key as number[])[2]);
    return { parts: parts.slice(1), nonce: owner.ok ? owner.value.nonce : undefined };
  };
  return { faults, spill, send, taken, stored, connection };
}

test('batches that follow each other go into the idbTx that is open', async () => {
  const { faults, spill, send, taken, stored } = await setUp();
  for (let batch = 0; batch < 4; batch++) await send();
  await spill.settled();
  expect(taken).toEqual([10, 11, 12, 13, 14, 15, 16, 17]);
  expect(spill.segmentsSent).toBe(8);
  // The first ends with its batch, for it has the commits in its scope.
  const begun = faults.trace().filter(({ kind }) => kind === 'transaction');
  expect(begun.map(({ stores }) => [...stores].sort())).toEqual([
    ['commits', 'files', 'maps', 'segments'],
    ['maps', 'segments'],
  ]);
  expect(await stored()).toEqual({ parts: taken, nonce: NONCE });
});

test('a batch goes into a new idbTx when the browser has ended the one before', async () => {
  const { faults, spill, send, taken, stored } = await setUp();
  for (let batch = 0; batch < 3; batch++) {
    await send();
    await settle();
  }
  await spill.settled();
  expect(faults.count(({ kind }) => kind === 'transaction')).toBe(3);
  expect(faults.count(({ kind, method }) => kind === 'request' && method === 'get')).toBe(3);
  expect(await stored()).toEqual({ parts: taken, nonce: NONCE });
});

// I9
test('a batch is asked for when the one before was taken, and not earlier', async () => {
  const { faults, send, taken, spill } = await setUp();
  const seen: [added: number, taken: number][] = [];
  faults.onPoint((point) => {
    if (isAdd(point)) seen.push([faults.count(isAdd), taken.length]);
  });
  for (let batch = 0; batch < 3; batch++) await send(3);
  await spill.settled();
  expect(taken).toHaveLength(9);
  expect(seen.map(([added, answered]) => added - answered)).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
});

test('what was spilled by another is cleared away, and by who committed since is not', async () => {
  const { send, stored, spill } = await setUp();
  const before = await stored();
  expect(before.parts).toEqual([0, 1]);
  await send();
  await spill.settled();
  expect((await stored()).parts).toEqual([10, 11]);

  const late = await setUp({ from: 1 as Version, count: 2 });
  const failed = late.send().then(() => late.spill.settled());
  await expect(failed).rejects.toMatchObject({ code: 'BUSY_SNAPSHOT' });
  expect(await late.stored()).toEqual(before);
  await expect(late.send()).rejects.toMatchObject({ code: 'BUSY_SNAPSHOT' });
});

test.each([
  ['damaged', new ArrayBuffer(8)],
  ['lost', undefined],
])('a spill goes no further when its owner record is %s', async (_how, value) => {
  const { connection, send, spill, stored } = await setUp();
  await send();
  await settle();
  const key = [FILE, -2];
  await connection.write(['maps'], 'default', (r) => {
    if (value) r.put('maps', key, value);
    else r.delete('maps', [key, key]);
  });
  const failed = send().then(() => spill.settled());
  await expect(failed).rejects.toMatchObject({ code: 'BUSY_SNAPSHOT' });
  expect((await stored()).parts).toEqual([10, 11]);
});

test.each([
  ['damaged', () => new ArrayBuffer(8)],
  ['of another file', () => encodeFile({ ...RECORD, file: 9 as FileId })],
])('a spill does not begin when the file record is %s', async (_how, value) => {
  const { connection, send, spill, stored } = await setUp();
  await connection.write(['files'], 'default', (r) => {
    r.put('files', PATH, value());
  });
  const failed = send().then(() => spill.settled());
  await expect(failed).rejects.toMatchObject({ code: 'BUSY_SNAPSHOT' });
  expect((await stored()).parts).toEqual([0, 1]);
});

test.each([
  ['at its first request', 1],
  ['at its last', 2],
])('a batch that fails %s makes the spill fail, then and for ever', async (_when, nth) => {
  const { faults, spill, send, taken, stored } = await setUp();
  await send();
  await settle();
  faults.plan({ tag: 'quota-at-put' }, { at: isAdd, nth });
  await send();
  await expect(send()).rejects.toMatchObject({ code: 'QUOTA' });
  await expect(spill.settled()).rejects.toMatchObject({ code: 'QUOTA' });
  expect(taken).toEqual(nth === 1 ? [10, 11] : [10, 11, 12]);
  expect((await stored()).parts).toEqual([10, 11]);
});

test('a request that is refused at once makes the spill fail', async () => {
  const { spill, stored } = await setUp();
  const refused = spill.send([{ part: Number.NaN, buffer: new ArrayBuffer(8) }], () => undefined);
  await expect(refused).rejects.toMatchObject({ code: 'STORAGE', cause: { name: 'DataError' } });
  await expect(spill.settled()).rejects.toMatchObject({ code: 'STORAGE' });
  await stored();
});

test('an idbTx that does not land makes the spill fail', async () => {
  const { faults, spill, send } = await setUp();
  faults.plan({ tag: 'abort-at-commit', name: 'QuotaExceededError' });
  await send();
  await expect(spill.settled()).rejects.toMatchObject({ code: 'QUOTA' });
});

test('a spill that is abandoned stops where it is', async () => {
  const { spill, send, stored, faults } = await setUp();
  await send();
  await settle();
  await send();
  await spill.abandon();
  expect((await stored()).parts).toEqual([10, 11]);
  expect(faults.count(({ kind }) => kind === 'abort')).toBe(1);
  // And one that never began, or has ended.
  const idle = await setUp();
  await idle.spill.abandon();
  await idle.send();
  await settle();
  await idle.spill.abandon();
  expect((await idle.stored()).parts).toEqual([10, 11]);
});
