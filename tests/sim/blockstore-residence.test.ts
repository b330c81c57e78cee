/**
 * Files kept whole in memory: no read asks the store, memory has what is needed and not more (I8), and a
 * file that does not fit is refused before it is fetched (I9).
 */
import { describe, expect, test } from 'vitest';
import type { BlockFile } from '../../src/blockstore/file.js';
import { MemoryLimitError } from '../../src/errors.js';
import { editRecords, SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks, onlyOutcome, PATHS } from '../support/crash-plan.ts';
import { afterReads } from '../support/damaged.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, UNIT_BYTES, VOLUME } from '../support/store-dsl.ts';

const [ONE = '', TWO = ''] = PATHS;
const MIB = 1024 * 1024;
const CANTOPEN = 14;
/** What a segment of one block takes: the block, and its entry in the trailer. */
const SEGMENT_BYTES = UNIT_BYTES + 8;

useGlobals();

interface Progress {
  readonly path: string;
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** Two tabs: one that has written `versions` commits of one block each, and one that keeps all in memory. */
async function tabs(versions: number, bytesMax = MIB) {
  const sim = new SimulatedIndexedDB({ trace: false });
  const writer = await Store.open({ factory: sim, paths: [ONE, TWO] });
  for (let i = 0; i < versions; i++) await writer.commit([blocks(ONE, i, 1, i)], 'strict');
  const progress: Progress[] = [];
  const open = (paths: readonly string[] = [ONE, TWO]) =>
    Store.open({
      factory: sim.openTab(),
      paths,
      exclusive: false,
      context: 2,
      resident: { bytesMax, onProgress: (step) => progress.push(step) },
    });
  return { sim, writer, progress, open };
}

/** A deferred commit is lost, and the store can be neither written nor read. */
async function loseInSilence(sim: SimulatedIndexedDB, store: Store): Promise<void> {
  const failure = () => new DOMException('on purpose', 'DataError');
  await store.commit([blocks(ONE, 2, 1, 9)], 'deferred');
  sim.faults = {
    commit: ({ mode }) => (mode === 'readwrite' ? failure() : undefined),
    request: ({ mode }) => (mode === 'readonly' ? failure() : undefined),
  };
  await expect(store.volume.committer.drained()).rejects.toThrow();
}

/** Reads everything, and how many segments were asked for. */
async function readAll(store: Store) {
  const { counters } = store.volume;
  const before = counters.segmentsRead;
  const found = await store.read(ONE);
  return { found, fetched: counters.segmentsRead - before };
}

describe('opening', () => {
  test('brings everything into memory, and tells how far it is', async () => {
    const { writer, progress, open } = await tabs(20);
    const store = await open();
    expect(store.volume.cache.bytes).toBe(20 * SEGMENT_BYTES);
    expect(await readAll(store)).toEqual({ found: await writer.read(ONE), fetched: 0 });
    expect(progress.map(({ path }) => path)).toEqual(progress.map(() => ONE));
    expect(progress.map(({ loadedBytes }) => loadedBytes)).toEqual(
      Array.from({ length: 20 }, (_, i) => (i + 1) * SEGMENT_BYTES),
    );
    expect(progress[0]?.totalBytes).toBe(20 * UNIT_BYTES);
    expect(progress.at(-1)?.totalBytes).toBe(20 * SEGMENT_BYTES);
  });

  test('is refused before anything is fetched, if it would not fit', async () => {
    const { progress, open } = await tabs(20, 20 * UNIT_BYTES - 1);
    const error = await open().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(MemoryLimitError);
    expect(error).toMatchObject({
      wantedBytes: 20 * UNIT_BYTES,
      limitBytes: 20 * UNIT_BYTES - 1,
      sqliteCode: CANTOPEN,
    });
    expect(progress).toEqual([]);
  });

  test('is refused when more comes than the map promised', async () => {
    const { open } = await tabs(20, 20 * UNIT_BYTES);
    await expect(open()).rejects.toBeInstanceOf(MemoryLimitError);
  });

  test.each([1, 8, 20])('says which page is missing: version %i of 20', async (version) => {
    const { sim } = await tabs(20);
    await sim.idle();
    const records = editRecords(onlyOutcome(sim), VOLUME);
    records.drop('segments', [1, version, 0]);
    const reader = Store.open({
      factory: sim.fork(records.outcome()),
      paths: [ONE],
      resident: { bytesMax: MIB, onProgress: () => undefined },
    });
    await expect(reader).rejects.toMatchObject({
      code: 'CORRUPTION',
      location: { store: 'segments', key: [1, version, 0], version },
      message: expect.stringContaining(`page ${version})`),
    });
  });

  test('says which page is missing of a commit of several segments, beyond a hole', async () => {
    const { sim, writer } = await tabs(0);
    await writer.commit([blocks(ONE, 3, 250, 1)], 'strict');
    await sim.idle();
    const records = editRecords(onlyOutcome(sim), VOLUME);
    records.drop('segments', [1, 1, 1]);
    const reader = Store.open({
      factory: sim.fork(records.outcome()),
      paths: [ONE],
      resident: { bytesMax: MIB, onProgress: () => undefined },
    });
    await expect(reader).rejects.toMatchObject({
      location: { store: 'segments', key: [1, 1, 1], version: 1 },
      message: expect.stringContaining('page 124)'),
    });
  });

  test('takes in a file whose pages were written in any order', async () => {
    const { writer, open } = await tabs(0);
    for (let i = 0; i < 20; i++) await writer.commit([blocks(ONE, (i * 7) % 20, 1, i)], 'strict');
    expect(await readAll(await open())).toEqual({ found: await writer.read(ONE), fetched: 0 });
  });

  // Goal: a refused file leaves nothing behind. Method: the second of ten segments is too much, for it holds
  // superseded blocks; the others are on their way by then.
  test('that is refused half-way leaves nothing in memory', async () => {
    const { sim, writer, progress, open } = await tabs(0, 150 * UNIT_BYTES);
    await writer.commit([blocks(ONE, 0, 100, 1)], 'strict');
    await writer.commit([blocks(ONE, 1, 99, 2)], 'strict');
    for (let i = 0; i < 20; i++) await writer.commit([blocks(ONE, i + 1, 1, i)], 'strict');
    const { volume } = await open([TWO]);
    await expect(volume.acquire(ONE, false)).rejects.toBeInstanceOf(MemoryLimitError);
    const told = progress.length;
    await sim.idle();
    expect(volume.cache.bytes).toBe(0);
    expect(progress).toHaveLength(told);
  });

  test('fits to the byte', async () => {
    const { open } = await tabs(20, 20 * SEGMENT_BYTES);
    const store = await open();
    expect((await readAll(store)).fetched).toBe(0);
    // What is there already does not count twice.
    await store.file(ONE).reload();
    expect((await readAll(store)).fetched).toBe(0);
  });
});

describe('what others commit', () => {
  test('is fetched alone, and only what is still listed', async () => {
    const { writer, open } = await tabs(20);
    const store = await open();
    // Block 3 twice: the first of them is superseded by the second.
    for (const block of [3, 4, 3]) await writer.commit([blocks(ONE, block, 1, 99)], 'strict');
    expect(await readAll(store)).toEqual({ found: await writer.read(ONE), fetched: 2 });
    // Two new segments for two that nobody lists any more.
    expect(store.volume.cache.bytes).toBe(20 * SEGMENT_BYTES);
  });

  test('leaves a snapshot what it needs until it is given back', async () => {
    const { writer, open } = await tabs(5);
    const store = await open();
    const file = store.file(ONE);
    const pinned = file.pin();
    await writer.commit([blocks(ONE, 0, 1, 7)], 'strict');
    await file.refresh();
    expect(store.volume.cache.bytes).toBe(6 * SEGMENT_BYTES);
    file.unpin(pinned);
    expect(store.volume.cache.bytes).toBe(5 * SEGMENT_BYTES);
    expect((await readAll(store)).fetched).toBe(0);
  });

  test('leaves a snapshot what it needs also when the file is read anew, and no longer', async () => {
    const { writer, open } = await tabs(5);
    const file = (await open()).file(ONE);
    const pinned = file.pin();
    await writer.commit([blocks(ONE, 0, 1, 7)], 'strict');
    await file.refresh();
    await file.reload();
    expect(file.reader.cached.size).toBe(6);
    file.unpin(pinned);
    expect(file.reader.cached.size).toBe(5);
  });

  test('takes away what a snapshot of that very version does not need', async () => {
    const { writer, open } = await tabs(5);
    const file = (await open()).file(ONE);
    const before = file.pin();
    await writer.commit([blocks(ONE, 0, 1, 7)], 'strict');
    await file.refresh();
    const after = file.pin();
    expect(file.reader.cached.size).toBe(6);
    file.unpin(before);
    expect(file.reader.cached.size).toBe(5);
    file.unpin(after);
  });

  test('is loaded anew when it cannot be followed', async () => {
    const { writer, open } = await tabs(5);
    const store = await open();
    for (let i = 0; i < 200; i++) await writer.commit([blocks(ONE, i % 5, 1, i)], 'relaxed');
    await store.file(ONE).refresh();
    expect(await readAll(store)).toEqual({ found: await writer.read(ONE), fetched: 0 });
    expect(store.volume.cache.bytes).toBe(5 * SEGMENT_BYTES);
  });
});

describe('what others commit meanwhile', () => {
  const commits = async (writer: Store, count: number) => {
    for (let i = 0; i < count; i++) await writer.commit([blocks(ONE, i % 5, 1, i)], 'relaxed');
  };

  /** Two refreshes, of which neither goes on before both have found what is newer. */
  async function bothAtOnce({ volume }: Store, file: BlockFile): Promise<void> {
    let found = 0;
    let goOn = () => {};
    const both = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const wait = () => {
      found++;
      if (found === 2) goOn();
      return both;
    };
    afterReads(volume.connection, ['commits'], wait, 2);
    await Promise.all([file.refresh(), file.refresh()]);
  }

  test('is found by two refreshes at once, and followed by one', async () => {
    const { writer, open } = await tabs(5);
    const store = await open();
    const file = store.file(ONE);
    const { recovery } = file;
    for (const isPinned of [false, true]) {
      const pinned = isPinned ? file.pin() : undefined;
      await writer.commit([blocks(ONE, 1, 2, 8)], 'strict');
      await bothAtOnce(store, file);
      expect(file.recovery).toBe(recovery);
      expect(await readAll(store)).toEqual({ found: await writer.read(ONE), fetched: 0 });
      if (pinned) file.unpin(pinned);
    }
  });

  // Goal: what is reclaimed between its listing and its fetching is no damage, unless that never ends.
  // Method: checkpoints of another tab after each look at the records.
  test.each([
    [1, true],
    [2, true],
    [3, false],
  ])('is read anew if it was reclaimed before it came, %i times', async (times, succeeds) => {
    const { writer, open } = await tabs(5);
    const store = await open();
    await commits(writer, 130);
    const file = store.file(ONE);
    const SCAN = ['commits', 'maps', 'segments'];
    afterReads(store.volume.connection, SCAN, () => commits(writer, 130), times);
    if (!succeeds) {
      const location = { store: 'segments' };
      await expect(file.refresh()).rejects.toMatchObject({ code: 'CORRUPTION', location });
      return;
    }
    await file.refresh();
    expect(await readAll(store)).toEqual({ found: await writer.read(ONE), fetched: 0 });
  });

  test('is recovered if a commit lists too much', async () => {
    const { writer, open } = await tabs(5, 4 * MIB);
    const store = await open();
    await writer.commit([blocks(ONE, 0, 2100, 2)], 'strict');
    await store.file(ONE).refresh();
    expect(await readAll(store)).toEqual({ found: await writer.read(ONE), fetched: 0 });
  });

  test.each([1, 2])('is refused if commit %i of two is damaged', async (which) => {
    const { writer, open } = await tabs(5);
    const store = await open();
    await commits(writer, 2);
    const key: [number, number] = [1, 5 + which];
    await store.volume.connection.write(['commits'], 'strict', (r) => {
      r.put('commits', key, new ArrayBuffer(9));
    });
    const location = { store: 'commits', key };
    await expect(store.file(ONE).refresh()).rejects.toMatchObject({ location });
  });
});

describe('own commits', () => {
  test('stay, and what they supersede goes', async () => {
    const { open } = await tabs(5);
    const store = await open();
    for (let i = 0; i < 5; i++) await store.commit([blocks(ONE, i, 1, 50 + i)], 'strict');
    expect(store.volume.cache.bytes).toBe(5 * SEGMENT_BYTES);
    expect((await readAll(store)).fetched).toBe(0);
  });

  test('that are lost leave what they superseded', async () => {
    const { sim, writer, open } = await tabs(5);
    const store = await open();
    const pinned = store.file(ONE).pin();
    sim.faults = {
      commit: ({ mode }) =>
        mode === 'readwrite' ? new DOMException('on purpose', 'QuotaExceededError') : undefined,
    };
    await store.commit([blocks(ONE, 2, 1, 9)], 'deferred');
    await expect(store.volume.committer.drained()).rejects.toThrow();
    sim.faults = {};
    store.file(ONE).unpin(pinned);
    expect(await readAll(store)).toEqual({ found: await writer.read(ONE), fetched: 0 });
    expect(store.volume.cache.bytes).toBe(5 * SEGMENT_BYTES);
  });

  // Goal: nothing that is live again is let go of. Method: the store cannot be read when the commit is lost.
  test('that are lost leave what they superseded also while the store is silent', async () => {
    const { sim, writer, open } = await tabs(5);
    const store = await open();
    const pinned = store.file(ONE).pin();
    await loseInSilence(sim, store);
    store.file(ONE).unpin(pinned);
    sim.faults = {};
    expect(await readAll(store)).toEqual({ found: await writer.read(ONE), fetched: 0 });
  });

  test('that are lost are not taken for those that another context gives their version', async () => {
    const { sim, writer, open } = await tabs(5);
    const store = await open();
    await loseInSilence(sim, store);
    sim.faults = {};
    await writer.commit([blocks(ONE, 2, 1, 7)], 'strict');
    expect(await readAll(store)).toEqual({ found: await writer.read(ONE), fetched: 1 });
  });
});
