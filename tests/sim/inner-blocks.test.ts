/**
 * Inner blocks outlive their segments in the cache: a lookup in a large file reads its leaf alone, and
 * nothing is kept that is not the file's (DESIGN §4 I7, I9).
 */
import { expect, test } from 'vitest';
import { ReadAhead } from '../../src/blockstore/readahead.js';
import { editRecords, type RecordEditor } from '../../src/testing/index.js';
import { View } from '../../src/vfs/view.js';
import { Lab, PATH } from '../support/commit-lab.ts';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, VOLUME } from '../support/store-dsl.ts';

const PER_SEGMENT = 120;
const SEGMENTS = 12;
/** Room for two segments, or for one and 16 KiB of inner blocks. */
const CACHE_BYTES = 128 * 1024;
const INNER = 7;

useGlobals();

/** A file of twelve segments, a cache for two of them, and blocks that count as inner. */
async function opened({
  isInner = (block: Uint8Array) => block[0] === INNER,
  change = (records: RecordEditor) => records,
  cacheBytes = CACHE_BYTES,
} = {}) {
  const lab = new Lab();
  const writer = await lab.open({ spillBytes: 2 ** 30 });
  await writer.commit([blocks(PATH, 0, SEGMENTS * PER_SEGMENT, 1)], 'strict');
  await lab.sim.idle();
  const [outcome] = lab.sim.outcomes('process');
  if (!outcome) throw new Error('nothing is stored');
  const sim = lab.sim.fork(change(editRecords(outcome, VOLUME)).outcome());
  const store = await Store.open({
    factory: sim,
    paths: [PATH],
    cacheBytes,
    isInner,
  });
  const file = store.file(PATH);
  const map = file.pin();
  const view = new View(file, new ReadAhead(0), map, undefined);
  /** Reads the first block of each segment but the first. */
  const push = async () => {
    for (let part = 1; part < SEGMENTS; part++) await view.load(part * PER_SEGMENT + 1);
  };
  const inMemory = (block: number) => file.reader.bytesOf(map, block);
  return { store, file, reader: file.reader, map, view, push, inMemory };
}

test('an inner block that was read stays when its segment goes, and is a hit', async () => {
  const { store, file, view, push, inMemory } = await opened();
  const inner = await view.load(INNER);
  await view.load(INNER + 1);
  await push();
  expect(file.reader.has({ version: 1, part: 0 })).toBe(false);
  const { segmentsRead, cacheHits } = store.volume.counters;
  expect(inMemory(INNER)).toEqual(inner);
  expect(inMemory(INNER)?.buffer).not.toBe(inner?.buffer);
  expect(view.peek(INNER)).toEqual(inner);
  expect(file.reader.glance(file.state.map, INNER)).toEqual(inner);
  expect(inMemory(INNER + 1)).toBeUndefined();
  expect(store.volume.counters).toMatchObject({ segmentsRead, cacheHits: cacheHits + 3 });
});

test('one that nobody has read goes with its segment, for nobody has checked it', async () => {
  const { view, push, inMemory } = await opened();
  await view.load(INNER + 1);
  await push();
  expect(inMemory(INNER)).toBeUndefined();
});

test('one that is damaged is never kept', async () => {
  const flip = (records: RecordEditor) =>
    records.flipBit('segments', [1, 1, 0], 8 * 512 * INNER + 99);
  const { view, push, inMemory } = await opened({ change: flip });
  await expect(view.load(INNER)).rejects.toMatchObject({ code: 'CORRUPTION' });
  await push();
  expect(inMemory(INNER)).toBeUndefined();
  await expect(view.load(INNER)).rejects.toMatchObject({ code: 'CORRUPTION' });
});

test('a segment that comes back brings its own', async () => {
  const { view, push, inMemory, reader } = await opened();
  await view.load(INNER);
  await push();
  const kept = inMemory(INNER);
  await view.load(INNER + 1);
  const segment = reader.cached.get(2 ** 20);
  if (!segment) throw new Error('the segment is not in memory');
  expect(inMemory(INNER)?.buffer).toBe(segment.bytes.buffer);
  expect(inMemory(INNER)).toEqual(kept);
});

test.each([
  ['one segment is dropped', (reader) => reader.drop(2 ** 20)],
  ['a version is rolled back', (reader) => reader.forget(1, 1)],
  ['versions above one are', (reader) => reader.forgetAbove(0)],
  ['all are', (reader) => reader.clear()],
] satisfies [string, (reader: Awaited<ReturnType<typeof opened>>['reader']) => void][])(
  'nothing is left of it when %s',
  async (_what, forget) => {
    const { view, push, inMemory, reader } = await opened();
    await view.load(INNER);
    await push();
    expect(inMemory(INNER)).toBeDefined();
    forget(reader);
    expect(inMemory(INNER)).toBeUndefined();
  },
);

test('nor when a segment of our own takes its name', async () => {
  const { view, push, inMemory, reader } = await opened();
  await view.load(INNER);
  await push();
  const own = new Uint8Array(PER_SEGMENT * 512).fill(9);
  reader.insertOwn(1, 0, own, { slots: PER_SEGMENT });
  await push();
  expect(reader.has({ version: 1, part: 0 })).toBe(false);
  expect(inMemory(INNER)).toBeUndefined();
});

test('of an older version it is not the newer one', async () => {
  const { store, file, view, push } = await opened();
  await view.load(INNER);
  await push();
  await store.commit([blocks(PATH, INNER, 1, 2)], 'strict');
  const { map } = file.state;
  const newer = new View(file, new ReadAhead(0), map, undefined);
  expect((await newer.load(INNER))?.[1]).not.toBe(view.peek(INNER)?.[1]);
});

test('however many there are, the cache stays within its limit', async () => {
  const { store, view } = await opened({ isInner: () => true });
  let most = 0;
  for (let round = 0; round < 2; round++) {
    for (let block = 0; block < SEGMENTS * PER_SEGMENT; block++) {
      if (view.peek(block) === undefined) await view.load(block);
      most = Math.max(most, store.volume.cachedBytes);
    }
  }
  expect(most).toBeLessThanOrEqual(CACHE_BYTES);
  // One segment, and as many inner blocks as may be kept.
  expect(most).toBeGreaterThanOrEqual(PER_SEGMENT * 512 + CACHE_BYTES / 8);
});

test('a cache without room for two segments keeps none', async () => {
  const { view, push, inMemory } = await opened({ cacheBytes: CACHE_BYTES - 1 });
  await view.load(INNER);
  await push();
  expect(inMemory(INNER)).toBeUndefined();
});
