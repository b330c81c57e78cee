/**
 * Files of a volume: made, opened by many, listed, deleted, and followed when other contexts make,
 * delete or commit to them (P6, P9; FORMAT.md §2: an id is given once).
 */
import { describe, expect, test } from 'vitest';
import { Connection } from '../../src/blockstore/connection.js';
import { BusyError, CorruptionError, OptionError, QuotaError } from '../../src/errors.js';
import { encodeVolume } from '../../src/format/files.js';
import { CHECKPOINT_COMMITS } from '../../src/format/layout.js';
import { SQLITE_BUSY_SNAPSHOT } from '../../src/result-codes.js';
import { editRecords, SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, VOLUME } from '../support/store-dsl.ts';

const ONE = 'one.db';
const TWO = 'two.db';

useGlobals();

function openIn(factory: IDBFactory, context = 1, paths: readonly string[] = [ONE]) {
  return Store.open({ factory, paths, context, exclusive: context === 1 });
}

async function twoTabs() {
  const sim = new SimulatedIndexedDB({ trace: false });
  const store = await openIn(sim);
  await store.commit([blocks(ONE, 0, 2, 1)], 'strict');
  return { sim, store, other: await openIn(sim.openTab(), 2) };
}

describe('a path', () => {
  test.each(['', 'x'.repeat(513), 'ä'.repeat(257)])(
    'of no or too many bytes is refused',
    async (path) => {
      const { volume } = await openIn(new SimulatedIndexedDB({ trace: false }));
      await expect(volume.acquire(path, true)).rejects.toThrow(OptionError);
      await expect(volume.delete(path)).rejects.toThrow(OptionError);
      await expect(volume.delete(path)).rejects.toThrow('"path"');
    },
  );

  test('of as many bytes as fit is taken', async () => {
    const path = 'ä'.repeat(256);
    const store = await openIn(new SimulatedIndexedDB({ trace: false }), 1, [path]);
    await store.commit([blocks(path, 0, 1, 1)], 'strict');
    expect(await store.volume.list()).toEqual([path]);
  });
});

describe('a volume', () => {
  test('knows the files that are, and makes one only if it is wanted', async () => {
    const { sim, store } = await twoTabs();
    const { volume } = await Store.open({ factory: sim.openTab(), paths: [] });
    expect([await volume.exists(ONE), await volume.exists(TWO)]).toEqual([true, false]);
    expect(await volume.acquire(TWO, false)).toBeUndefined();
    expect(volume.openFiles()).toEqual([]);
    const file = await volume.acquire(TWO, true);
    expect(file?.record).toBeUndefined();
    // Open here, it exists here; in the store only after its first write.
    expect(await volume.exists(TWO)).toBe(true);
    expect(await volume.list()).toEqual([ONE]);
    await file?.create('crc32c');
    expect(await store.volume.list()).toEqual([ONE, TWO]);
    expect(file?.record).toMatchObject({ file: 2, algorithm: 'crc32c', born: false });
  });

  test('gives all users one file, until the last is gone', async () => {
    const { store } = await twoTabs();
    const { volume } = store;
    const file = store.file(ONE);
    expect(await volume.acquire(ONE, false)).toBe(file);
    volume.release(file);
    expect(volume.openFiles()).toEqual([file]);
    expect(volume.cache.bytes).toBeGreaterThan(0);
    volume.release(file);
    expect(volume.openFiles()).toEqual([]);
    expect(volume.cache.bytes).toBe(0);
    const again = await volume.acquire(ONE, false);
    expect(again).not.toBe(file);
    // One that is not open any more takes nobody's place away.
    volume.release(file);
    expect(volume.openFiles()).toEqual([again]);
  });

  test('gives one file also to those who ask at once', async () => {
    const { sim } = await twoTabs();
    const { volume } = await Store.open({ factory: sim.openTab(), paths: [] });
    const [first, second] = await Promise.all([
      volume.acquire(ONE, false),
      volume.acquire(ONE, false),
    ]);
    expect(first).toBeDefined();
    expect(second).toBe(first);
    if (first) volume.release(first);
    expect(volume.openFiles()).toEqual([first]);
  });

  test('deletes a file with everything of it, once, and not while it is open', async () => {
    const { sim, store } = await twoTabs();
    await expect(store.volume.delete(ONE)).rejects.toThrow(BusyError);
    const { volume } = await Store.open({ factory: sim.openTab(), paths: [] });
    expect(await volume.delete(ONE)).toBe(true);
    expect(await volume.delete(ONE)).toBe(false);
    await sim.idle();
    const [outcome] = sim.outcomes('process');
    if (!outcome) throw new Error('nothing is stored');
    const records = editRecords(outcome, VOLUME);
    for (const name of ['segments', 'commits', 'maps']) expect(records.keys(name)).toEqual([]);
    expect(records.keys('files')).toEqual(['']);
  });
});

describe('a file that another context', () => {
  test('deleted is gone for who reads next', async () => {
    const { sim, other } = await twoTabs();
    const { volume } = await Store.open({ factory: sim.openTab(), paths: [] });
    expect((await other.read(ONE)).version).toBe(1);
    await volume.delete(ONE);
    expect(await other.read(ONE)).toMatchObject({ version: 0, marks: [] });
    expect(other.file(ONE).record).toBeUndefined();
  });

  test('deleted and made anew is read as the new one, under another id', async () => {
    const { sim, other } = await twoTabs();
    const third = await Store.open({ factory: sim.openTab(), paths: [] });
    await other.read(ONE);
    await third.volume.delete(ONE);
    const anew = await openIn(sim.openTab(), 1);
    await anew.commit([blocks(ONE, 0, 1, 7)], 'strict');
    expect(await other.read(ONE)).toMatchObject({ version: 1, marks: [7 * 4096] });
    expect(other.file(ONE).record).toMatchObject({ file: 2, born: true });
  });

  test('made first is not made twice', async () => {
    const sim = new SimulatedIndexedDB({ trace: false });
    const [store, other] = [await openIn(sim), await openIn(sim.openTab(), 2)];
    await store.file(ONE).create('xxhash32');
    await expect(other.file(ONE).create('xxhash32')).rejects.toMatchObject({
      name: 'BusyError',
      sqliteCode: SQLITE_BUSY_SNAPSHOT,
    });
    // It fails once, then works on the file that is there.
    await other.commit([blocks(ONE, 0, 1, 5)], 'strict');
    expect(other.file(ONE).record?.file).toBe(1);
    await expect(store.commit([blocks(ONE, 0, 1, 6)], 'strict')).rejects.toThrow(BusyError);
    expect(await store.read(ONE)).toMatchObject({ version: 1, marks: [5 * 4096] });
  });

  test('committed to is followed commit by commit, and across checkpoints', async () => {
    const { store, other } = await twoTabs();
    for (let v = 2; v <= 2 * CHECKPOINT_COMMITS + 2; v++) {
      await store.commit([blocks(ONE, v % 3, 1, v)], 'relaxed');
      if (v % 7 === 0) expect(await other.read(ONE)).toEqual(await store.read(ONE));
    }
    expect(await other.read(ONE)).toEqual(await store.read(ONE));
    expect(other.file(ONE).state.directoryVersion).toBe(2 * CHECKPOINT_COMMITS);
    await other.commit([blocks(ONE, 9, 1, 9)], 'strict');
    const file = store.file(ONE);
    file.distrust();
    expect(await store.read(ONE)).toEqual(await other.read(ONE));
  });

  test('committed to one version that fits is read without recovering anew', async () => {
    const { store, other } = await twoTabs();
    await other.read(ONE);
    const before = other.file(ONE).recovery;
    await store.commit([blocks(ONE, 0, 1, 2)], 'strict');
    expect((await other.read(ONE)).version).toBe(2);
    expect(other.file(ONE).recovery).toBe(before);
    // The connection's loss makes it look at everything again.
    other.file(ONE).distrust();
    expect(other.file(ONE)).toMatchObject({ suspect: true, validatedAtMs: 0 });
    await other.read(ONE);
    expect(other.file(ONE).recovery).not.toBe(before);
    expect(other.file(ONE).suspect).toBe(false);
  });
});

test('a volume record that would give an id again makes no file', async () => {
  const { sim } = await twoTabs();
  await sim.idle();
  const [outcome] = sim.outcomes('process');
  if (!outcome) throw new Error('nothing is stored');
  const stale = encodeVolume({ nextFileId: 1, createdMs: 1 });
  const factory = sim.fork(editRecords(outcome, VOLUME).set('files', '', stale).outcome());
  const store = await openIn(factory, 1, [TWO]);
  await expect(store.commit([blocks(TWO, 0, 1, 1)], 'strict')).rejects.toThrow(CorruptionError);
  expect(await store.volume.list()).toEqual([ONE]);
});

test('a file record that is lost while the file is open is damage, not a deletion', async () => {
  const { sim, other } = await twoTabs();
  await other.read(ONE);
  const raw = new Connection({
    name: VOLUME,
    factory: sim.openTab(),
    now: () => 1,
    requestTimeoutMs: 1000,
    timer: () => () => undefined,
  });
  await raw.write(['files'], 'strict', (r) => void r.delete('files', ONE));
  other.file(ONE).distrust();
  await expect(other.read(ONE)).rejects.toThrow(CorruptionError);
});

test('a deferred commit that is lost takes all on top of it, and is told once', async () => {
  const { sim, store } = await twoTabs();
  const file = store.file(ONE);
  const lost = new DOMException('on purpose', 'QuotaExceededError');
  sim.faults = { commit: ({ mode }) => (mode === 'readwrite' ? lost : undefined) };
  for (const mark of [2, 3]) await store.commit([blocks(ONE, 0, 1, mark)], 'deferred');
  const onTop = file.state.map;
  expect((await store.read(ONE)).version).toBe(3);
  await expect(store.volume.committer.drained()).rejects.toThrow(QuotaError);
  sim.faults = {};
  expect(store.losses).toHaveLength(1);
  expect(file).toMatchObject({ lossCount: 1, lastLoss: store.losses[0] });
  expect(() => file.assertNotLost(onTop)).toThrow(QuotaError);
  expect(() => file.assertNotLost(file.state.map)).not.toThrow();
  expect(await store.read(ONE)).toMatchObject({ version: 1, marks: [4096, 4097] });
  await store.commit([blocks(ONE, 0, 1, 4)], 'strict');
  expect(await store.read(ONE)).toMatchObject({ version: 2, marks: [4 * 4096, 4097] });
});

test('pins hold the oldest version, and each is given back once', async () => {
  const { store } = await twoTabs();
  const file = store.file(ONE);
  expect(file.pinnedMin).toBe(Number.POSITIVE_INFINITY);
  const first = file.pin();
  await store.commit([blocks(ONE, 0, 1, 2)], 'strict');
  const [second, third] = [file.pin(), file.pin()];
  expect([file.pinnedMin, file.pinnedCount]).toEqual([1, 2]);
  expect(third).toBe(second);
  file.unpin(first);
  expect([file.pinnedMin, file.pinnedCount]).toEqual([2, 1]);
  file.unpin(second);
  expect(file.pinnedCount).toBe(1);
  file.unpin(second);
  expect([file.pinnedMin, file.pinnedCount]).toEqual([Number.POSITIVE_INFINITY, 0]);
});
