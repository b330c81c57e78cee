/**
 * Two contexts on one file: snapshots stay readable, commits become visible, what is not committed
 * does not, and of two writers at one version one fails whole (P9, P11, DESIGN §4 I3 and I8).
 *
 * Both are tabs of one simulated IndexedDB. The cache is dropped before a read that must ask the store.
 */
import { expect, test } from 'vitest';
import { BlockStoreError, BusyError, QuotaError } from '../../src/errors.js';
import { CHECKPOINT_COMMITS } from '../../src/format/layout.js';
import { editRecords, SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { type Content, type Snapshot, Store, UNIT_BYTES, VOLUME } from '../support/store-dsl.ts';

const PATH = 'one.db';

useGlobals();

function marked(version: number, count: number, mark: number): Content {
  const marks = Array.from({ length: count }, (_, block) => mark * 4096 + block);
  return { version, blockBytes: UNIT_BYTES, marks };
}

async function twoTabs() {
  const sim = new SimulatedIndexedDB({ trace: false });
  const open = (factory: IDBFactory, context: number) =>
    Store.open({ factory, paths: [PATH], exclusive: context === 1, context });
  const writer = await open(sim, 1);
  await writer.commit([blocks(PATH, 0, 3, 1)], 'strict');
  return { sim, writer, reader: await open(sim.openTab(), 2), open };
}

async function segmentCount(sim: SimulatedIndexedDB): Promise<number> {
  await sim.idle();
  const [outcome] = sim.outcomes('process');
  return outcome ? editRecords(outcome, VOLUME).keys('segments').length : 0;
}

test('a snapshot of this context is readable after any number of checkpoints', async () => {
  const { sim, writer } = await twoTabs();
  const snapshot = await writer.pin(PATH);
  const rewrite = async (times: number) => {
    for (let i = 0; i < times; i++) await writer.commit([blocks(PATH, 0, 3, i)], 'relaxed');
  };
  await rewrite(4 * CHECKPOINT_COMMITS);
  writer.forgetCached(PATH);
  expect(await snapshot.read()).toEqual(marked(1, 3, 1));
  const held = await segmentCount(sim);
  snapshot.release();
  await rewrite(2 * CHECKPOINT_COMMITS);
  // What the snapshot held back is reclaimed once it is gone.
  expect(held).toBeGreaterThan(4 * CHECKPOINT_COMMITS);
  expect(await segmentCount(sim)).toBeLessThan(3 * CHECKPOINT_COMMITS);
});

test('a snapshot keeps its version while others commit, in this context and in another', async () => {
  const { writer, reader } = await twoTabs();
  const [here, there] = [await writer.pin(PATH), await reader.pin(PATH)];
  await writer.commit([blocks(PATH, 0, 5, 2)], 'strict');
  for (const store of [writer, reader]) expect(await store.read(PATH)).toEqual(marked(2, 5, 2));
  for (const snapshot of [here, there]) expect(await snapshot.read()).toEqual(marked(1, 3, 1));
});

test('a commit in flight is not read, by a connection of its own context neither', async () => {
  const { sim, writer } = await twoTabs();
  const pinned: Promise<Snapshot>[] = [];
  sim.faults = {
    commit: ({ mode }) => {
      if (mode !== 'readwrite') return undefined;
      pinned.push(writer.pin(PATH));
      return new DOMException('on purpose', 'QuotaExceededError');
    },
  };
  await expect(writer.commit([blocks(PATH, 0, 3, 2)], 'strict')).rejects.toThrow(QuotaError);
  sim.faults = {};
  const read = await Promise.all(pinned.map(async (snapshot) => await (await snapshot).read()));
  expect(read).toEqual([marked(1, 3, 1)]);
});

test('while no connection can be opened, nothing is read from memory for new', async () => {
  const { sim, writer, reader } = await twoTabs();
  expect(await reader.read(PATH)).toEqual(marked(1, 3, 1));
  await writer.commit([blocks(PATH, 0, 3, 2)], 'strict');
  sim.faults = { open: () => new DOMException('on purpose', 'UnknownError') };
  sim.forceClose();
  await sim.idle();
  await expect(reader.read(PATH)).rejects.toThrow(BlockStoreError);
  await expect(reader.read(PATH)).rejects.toThrow(BlockStoreError);
  sim.faults = {};
  expect(await reader.read(PATH)).toEqual(marked(2, 3, 2));
});

test('what another context committed is read next, also where older bytes are cached', async () => {
  const { writer, reader } = await twoTabs();
  expect(await reader.read(PATH)).toEqual(marked(1, 3, 1));
  await writer.commit([blocks(PATH, 0, 3, 2)], 'strict');
  expect(await reader.read(PATH)).toEqual(marked(2, 3, 2));
});

test('what another context spilled is not read before it is committed', async () => {
  const { sim, writer, reader, open } = await twoTabs();
  const before = await segmentCount(sim);
  const seen: Content[] = [];
  let spilled = 0;
  await writer.commit([blocks(PATH, 0, 300, 2)], 'strict', async () => {
    spilled = (await segmentCount(sim)) - before;
    seen.push(await reader.read(PATH));
    seen.push(await (await open(sim.openTab(), 3)).read(PATH));
  });
  expect(spilled).toBeGreaterThan(1);
  expect(seen).toEqual([marked(1, 3, 1), marked(1, 3, 1)]);
  expect(await reader.read(PATH)).toEqual(marked(2, 300, 2));
});

test.each([
  ['commit', blocks(PATH, 1, 2, 3)],
  ['spill', blocks(PATH, 1, 300, 3)],
])(
  'of two writers at one version the second fails whole at its %s, then follows',
  async (_at, change) => {
    const { sim, writer, open } = await twoTabs();
    // It was frozen while it held the lock, and does not know that it lost it.
    const thawed = await open(sim.openTab(), 1);
    await writer.commit([blocks(PATH, 0, 3, 2)], 'strict');
    await expect(thawed.commit([change], 'strict')).rejects.toThrow(BusyError);
    for (const store of [writer, thawed]) {
      store.forgetCached(PATH);
      expect(await store.read(PATH)).toEqual(marked(2, 3, 2));
    }
    await thawed.commit([blocks(PATH, 0, 3, 4)], 'strict');
    expect(await thawed.read(PATH)).toEqual(marked(3, 3, 4));
  },
);
