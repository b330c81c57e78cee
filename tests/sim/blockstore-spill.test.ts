/**
 * A sqliteTx larger than memory: its segments go out ahead of it, in idbTxs of bounded size, and a
 * writer that was overtaken meanwhile mixes nothing into what others wrote (DESIGN §4 I2, I3, I9).
 */
import { expect, test } from 'vitest';
import { SQLITE_BUSY_SNAPSHOT } from '../../src/result-codes.js';
import { Lab, PATH, small } from '../support/commit-lab.ts';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import type { Change } from '../support/store-dsl.ts';

const TX_SEGMENTS_MAX = 256;
/** One block of this size is a segment. */
const LARGE_BYTES = 65_536;

useGlobals();

function segments(count: number, mark: number): Change {
  return { ...blocks(PATH, 0, count, mark), blockBytes: LARGE_BYTES };
}

test('no idbTx of a spill takes many more segments than it may, and each checks whose they are', async () => {
  const lab = new Lab();
  const store = await lab.open();
  const [, ...seen] = await lab.seen(() => store.commit([segments(600, 1)], 'strict'));
  const spills = seen.slice(0, -1);
  const count = (requests: readonly string[], what: string) =>
    requests.filter((request) => request === what).length;
  const added = spills.map(({ requests }) => count(requests, 'add segments'));
  // Batches go on in the idbTx that is open, as long as it takes more.
  expect(added).toHaveLength(4);
  for (const each of added) expect(each).toBeLessThanOrEqual(TX_SEGMENTS_MAX + 1);
  expect(spills[0]?.requests.slice(0, 4)).toEqual([
    'count commits',
    'get files',
    'delete segments',
    'put maps',
  ]);
  for (const { stores, requests } of spills.slice(1)) {
    expect(stores).toEqual(['maps', 'segments']);
    expect(requests[0]).toBe('get maps');
    expect(count(requests, 'get maps')).toBe(1);
    expect(count(requests, 'delete segments') + count(requests, 'put maps')).toBe(0);
  }
  const rest = count(seen.at(-1)?.requests ?? [], 'add segments');
  expect(added.reduce((sum, each) => sum + each, rest)).toBe(600);
  const { marks, blockBytes } = await store.read(PATH);
  expect(blockBytes).toBe(LARGE_BYTES);
  expect(marks.filter((mark, unit) => mark !== 4096 + Math.floor(unit / 128))).toEqual([]);
});

test.each([
  ['committed', 2],
  ['deleted the file', 0],
  ['spilled', 1],
  ['took the lock over', 1],
] as const)('a spill goes no further when another context %s', async (what, version) => {
  const lab = new Lab();
  const slow = await lab.open();
  await slow.commit([segments(1, 1)], 'strict');
  let struck = false;
  const strike = async () => {
    struck = true;
    const factory = lab.sim.openTab();
    if (what === 'deleted the file') {
      const other = await lab.open({ factory, context: 2, paths: [] });
      await other.volume.delete(PATH);
      return;
    }
    const other = await lab.open({ factory, context: 2 });
    if (what === 'committed') await other.commit([segments(1, 2)], 'strict');
    if (what === 'spilled') await other.rollBack([segments(9, 3)], 'late');
  };
  const commit = slow.commit([segments(20, 4)], 'strict', strike);
  await expect(commit).rejects.toMatchObject({ sqliteCode: SQLITE_BUSY_SNAPSHOT });
  expect(struck).toBe(true);
  expect((await slow.read(PATH)).version).toBe(version);
  await slow.commit([small(5)], 'strict');
  expect((await slow.read(PATH)).version).toBe(version + 1);
});

test('a spill on a base that is not the marker any more writes nothing', async () => {
  const lab = new Lab();
  const slow = await lab.open();
  await slow.commit([segments(1, 1)], 'strict');
  const other = await lab.open({ factory: lab.sim.openTab(), context: 2 });
  await other.commit([segments(1, 2)], 'strict');
  const before = await lab.keys('segments');
  const commit = slow.commit([segments(20, 4)], 'strict');
  await expect(commit).rejects.toMatchObject({ sqliteCode: SQLITE_BUSY_SNAPSHOT });
  expect(await lab.keys('segments')).toEqual(before);
  expect(await lab.keys('maps')).toEqual([]);
});

test('a spill that fails is told, leaves the version before, and the next sqliteTx works', async () => {
  const lab = new Lab();
  const store = await lab.open();
  await store.commit([segments(1, 1)], 'strict');
  let added = 0;
  lab.sim.faults = {
    request: ({ operation }) =>
      operation === 'add' && ++added === 5
        ? new DOMException('on purpose', 'QuotaExceededError')
        : undefined,
  };
  await expect(store.commit([segments(20, 2)], 'strict')).rejects.toMatchObject({
    name: 'QuotaError',
  });
  lab.sim.faults = {};
  expect((await store.read(PATH)).version).toBe(1);
  await store.commit([segments(20, 3)], 'strict');
  expect((await store.read(PATH)).version).toBe(2);
  expect(await lab.keys('segments')).toHaveLength(21);
});
