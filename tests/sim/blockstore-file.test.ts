/**
 * What a file that is open knows of itself: since when, by which commit, and when it has to ask the
 * store anew (I1, I6 of file.ts).
 */
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/errors.js';
import { decodeFile, decodeVolume } from '../../src/format/files.js';
import { editRecords, type Outcome, type SimulatedIndexedDB } from '../../src/testing/index.js';
import {
  afterReads,
  blocks,
  committed,
  open,
  outcomeOf,
  PATH,
  simulated,
} from '../support/damaged.ts';
import { useGlobals } from '../support/globals.ts';
import { VOLUME } from '../support/store-dsl.ts';

const FILE = 1;

useGlobals();

const none = () => committed([], { paths: [] });
const one = () => committed([blocks(0, 2, 1)]);

/** The stored record of a file, or of the volume. */
const recordIn = (outcome: Outcome, key: string) =>
  editRecords(outcome, VOLUME).get('files', key) as ArrayBuffer;

async function twoTabs(outcome: Outcome) {
  const factory = simulated(outcome);
  return {
    factory,
    writer: await open(factory, { context: 2 }),
    reader: await open(factory.openTab(), { context: 3, exclusive: false }),
  };
}

describe('a file that was never written', () => {
  test('has no id, algorithm or reader to be asked for', async () => {
    const file = (await open(simulated(await none()))).file(PATH);
    for (const ask of [() => file.file, () => file.algorithm, () => file.reader]) {
      expect(ask).toThrow(InvariantError);
    }
    expect(file.state.map).toMatchObject({ version: 0, blockSize: 4096, fileBytes: 0 });
    expect(file.fenceOf(file.state.map.version)).toEqual({ from: 0, count: 0 });
    await file.reload();
    expect(file.recovery).toBeUndefined();
  });

  test('is made in one idbTx with its id, and born with its first commit', async () => {
    const factory = simulated(await none());
    const store = await open(factory, { now: () => 77 });
    const file = store.file(PATH);
    await file.create('crc32c');
    const made = { path: PATH, file: FILE, algorithm: 'crc32c', born: false, createdMs: 77 };
    expect(file.record).toEqual(made);
    const stored = await outcomeOf(factory);
    expect(decodeFile(recordIn(stored, PATH), PATH)).toEqual({ ok: true, value: made });
    expect(decodeVolume(recordIn(stored, ''))).toMatchObject({ value: { nextFileId: 2 } });
    await store.commit([blocks(0, 1, 1)], 'strict');
    expect(file.record).toEqual({ ...made, born: true });
    const born = recordIn(await outcomeOf(factory), PATH);
    expect(decodeFile(born, PATH)).toEqual({ ok: true, value: { ...made, born: true } });
  });

  test('is not born before its first commit, whoever makes that and however late it is seen', async () => {
    const factory = simulated(await none());
    const store = await open(factory);
    const file = store.file(PATH);
    await file.create('crc32c');
    const other = await open(factory.openTab(), { context: 2 });
    for (const ask of [() => file.reload(), () => file.load()]) {
      await ask();
      expect(file.record?.born).toBe(false);
    }
    // Between the reading of the file's record and that of its commits.
    afterReads(store.volume.connection, ['files', 'commits'], async () => {
      await other.commit([blocks(0, 1, 1)], 'strict');
    });
    await file.load();
    expect(file.state.map.version).toBe(1);
    expect(file.record?.born).toBe(true);
  });

  test('is not made where another context made it, nor with a damaged volume record', async () => {
    const factory = simulated(await none());
    const [late, first] = [await open(factory), await open(factory.openTab(), { context: 2 })];
    await first.file(PATH).create('xxhash32');
    const before = (await outcomeOf(factory)).databases.get(VOLUME);
    const making = late.file(PATH).create('crc32c');
    await expect(making).rejects.toMatchObject({ code: 'BUSY_SNAPSHOT' });
    expect(late.file(PATH)).toMatchObject({ suspect: true, record: undefined });
    expect((await outcomeOf(factory)).databases.get(VOLUME)).toBe(before);

    const other = simulated(await none());
    const store = await open(other);
    await store.volume.connection.write(['files'], 'strict', (r) => {
      r.put('files', '', new ArrayBuffer(8));
    });
    await expect(store.file(PATH).create('crc32c')).rejects.toMatchObject({
      location: { volume: VOLUME, store: 'files', key: '' },
    });
  });
});

test('a file knows when it was last known to be the newest', async () => {
  let nowMs = 1000;
  const factory = simulated(await one());
  const store = await open(factory, { now: () => nowMs, exclusive: false });
  const file = store.file(PATH);
  expect(file.validatedAtMs).toBe(1000);
  nowMs = 2000;
  await file.refresh();
  expect(file.validatedAtMs).toBe(2000);
  nowMs = 3000;
  file.exclusive = true;
  await store.commit([blocks(0, 1, 2)], 'strict');
  expect(file.validatedAtMs).toBe(3000);
  file.distrust();
  expect(file).toMatchObject({ suspect: true, validatedAtMs: 0 });
  nowMs = 4000;
  await file.refresh();
  expect(file).toMatchObject({ suspect: false, validatedAtMs: 4000 });
});

describe('a file that others write to', () => {
  async function follows(change: (factory: SimulatedIndexedDB) => Promise<void>, outcome: Outcome) {
    const { factory, reader } = await twoTabs(outcome);
    const file = reader.file(PATH);
    const { recovery } = file;
    await change(factory);
    await file.refresh();
    return { file, anew: file.recovery !== recovery };
  }
  const commit =
    (...changes: readonly ReturnType<typeof blocks>[]) =>
    async (factory: SimulatedIndexedDB) => {
      const store = await open(factory.openTab(), { context: 4 });
      for (const change of changes) await store.commit([change], 'strict');
    };

  test('is followed by what its commits list', async () => {
    const { file, anew } = await follows(commit(blocks(0, 1, 2), blocks(1, 3, 3)), await one());
    expect(anew).toBe(false);
    expect(file.state.map).toMatchObject({ version: 3, fileBytes: 4 * 512 });
    expect([0, 1, 2, 3].map((block) => file.state.map.versionOf(block))).toEqual([2, 3, 3, 3]);
    expect(file.state.commitsSinceCheckpoint).toBe(3);
    const { recordBytesSinceCheckpoint } = file.state;
    await file.reload();
    expect(file.state.recordBytesSinceCheckpoint).toBe(recordBytesSinceCheckpoint);
    expect(file.fenceOf(file.state.map.version)).toEqual({ from: 3, count: 1 });
  });

  test('is followed, and a pinned map stays what it was', async () => {
    const { reader, writer } = await twoTabs(await one());
    const file = reader.file(PATH);
    const pinned = file.pin();
    await writer.commit([blocks(0, 1, 2)], 'strict');
    await file.refresh();
    expect([pinned.version, pinned.versionOf(0)]).toEqual([1, 1]);
    expect(file.state.map.versionOf(0)).toBe(2);
    const unpinned = file.state.map;
    await writer.commit([blocks(0, 1, 3)], 'strict');
    await file.refresh();
    expect(file.state.map).toBe(unpinned);
  });

  test.each([
    ['more blocks than are listed', blocks(0, 2100, 2)],
    ['blocks of another size', { ...blocks(0, 1, 2), blockBytes: 1024 }],
  ])('is recovered anew after a commit of %s', async (_what, change) => {
    const { file, anew } = await follows(commit(change), await one());
    expect(anew).toBe(true);
    expect(file.state.map.version).toBe(2);
    expect(file.state.directoryVersion).toBe(2);
  });

  test('is not followed past a newest commit that is damaged', async () => {
    const { factory, reader } = await twoTabs(await one());
    await commit(blocks(0, 1, 2), blocks(0, 1, 3))(factory);
    await reader.volume.connection.write(['commits'], 'strict', (r) => {
      r.put('commits', [FILE, 3], new ArrayBuffer(9));
    });
    await expect(reader.file(PATH).refresh()).rejects.toMatchObject({
      location: { store: 'commits', key: [FILE, 3] },
    });
  });

  test('is recovered anew when a commit record is damaged, or missing', async () => {
    const change = [blocks(0, 1, 2), blocks(0, 1, 3)];
    for (const value of [new ArrayBuffer(9), undefined]) {
      const { factory, reader } = await twoTabs(await one());
      await commit(...change)(factory);
      await reader.volume.connection.write(['commits'], 'strict', (r) => {
        if (value) r.put('commits', [FILE, 2], value);
        else
          r.delete('commits', [
            [FILE, 2],
            [FILE, 2],
          ]);
      });
      await expect(reader.file(PATH).refresh()).rejects.toMatchObject({
        location: { store: 'commits', key: [FILE, 2] },
      });
      expect(reader.file(PATH).state.map.version).toBe(1);
    }
  });
});

test('what is rolled back, or lies above when a file is opened, is cleared by the next commit', async () => {
  const factory = simulated(await one());
  const store = await open(factory);
  const file = store.file(PATH);
  await store.rollBack([blocks(0, 250, 2)], 'late');
  expect(file.cleanAbove).toBe(true);
  await store.commit([blocks(0, 1, 3)], 'strict');
  expect(file.cleanAbove).toBe(false);
  const keys = editRecords(await outcomeOf(factory), VOLUME).keys('segments');
  expect(keys).toEqual([
    [FILE, 1, 0],
    [FILE, 2, 0],
  ]);
  await store.rollBack([blocks(0, 250, 4)], 'late');
  const next = await open(factory.openTab(), { context: 5, exclusive: false });
  expect(next.file(PATH)).toMatchObject({ cleanAbove: true, recovery: { pendingAbove: true } });
});

test('the cache has nothing of a file that is closed, lost commits or became another', async () => {
  const factory = simulated(await one());
  const store = await open(factory);
  const file = store.file(PATH);
  const { cache } = store.volume;
  const filled = async () => {
    await store.read(PATH);
    return cache.bytes;
  };
  expect(await filled()).toBeGreaterThan(0);
  await file.lose(new Error('it'));
  expect(cache.bytes).toBe(0);
  expect(file).toMatchObject({ lossCount: 1, suspect: false });
  expect(await filled()).toBeGreaterThan(0);
  const { reader } = file;
  // Read anew, it keeps what it has.
  await file.load();
  expect(file.reader).toBe(reader);
  expect(cache.bytes).toBeGreaterThan(0);
  const other = await open(factory.openTab(), { context: 2, paths: [] });
  await other.volume.delete(PATH);
  await (await open(factory.openTab(), { context: 3 })).commit([blocks(0, 1, 5)], 'strict');
  file.distrust();
  await file.refresh();
  expect(cache.bytes).toBe(0);
  expect(file.reader).not.toBe(reader);
  expect(await filled()).toBeGreaterThan(0);
  file.close();
  expect(cache.bytes).toBe(0);
});
