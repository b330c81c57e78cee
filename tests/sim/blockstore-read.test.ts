/**
 * How blocks come out of IndexedDB: neighbouring segments by one request, each once, each block checked
 * (P4; DESIGN §4 I7, I9).
 */
import { expect, test } from 'vitest';
import { segmentNumber } from '../../src/blockstore/live.js';
import { ReadAhead } from '../../src/blockstore/readahead.js';
import { BATCH_SEGMENTS_MAX } from '../../src/blockstore/segments.js';
import { editRecords, type RecordEditor } from '../../src/testing/index.js';
import { View } from '../../src/vfs/view.js';
import { Lab, PATH } from '../support/commit-lab.ts';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, VOLUME } from '../support/store-dsl.ts';

const PER_SEGMENT = 120;

useGlobals();

/** A file of `count` segments of one commit, in a store that has nothing of it in memory. */
async function fresh(
  count: number,
  change = (records: RecordEditor) => records,
  rewrittenSegments = 0,
) {
  const lab = new Lab();
  const writer = await lab.open({ spillBytes: 2 ** 30 });
  await writer.commit([blocks(PATH, 0, count * PER_SEGMENT, 1)], 'strict');
  if (rewrittenSegments > 0) {
    await writer.commit([blocks(PATH, 0, rewrittenSegments * PER_SEGMENT, 2)], 'strict');
  }
  await lab.sim.idle();
  const [outcome] = lab.sim.outcomes('process');
  if (!outcome) throw new Error('nothing is stored');
  const sim = lab.sim.fork(change(editRecords(outcome, VOLUME)).outcome());
  const store = await Store.open({ factory: sim, paths: [PATH] });
  const requests: string[] = [];
  sim.faults = { request: ({ operation }) => void requests.push(operation) };
  const file = store.file(PATH);
  const view = new View(file, new ReadAhead(2 ** 24), file.state.map, undefined);
  return { sim, store, file, requests, counters: store.volume.counters, view };
}

const places = (...parts: readonly number[]) => parts.map((part) => ({ version: 1, part }));

test('neighbours come by one request of at most four, others by one each', async () => {
  const { file, requests, counters } = await fresh(12);
  const { map } = file.state;
  await file.reader.fetch(map, 0, places(1, 2, 3, 4, 5, 9, 11));
  // 0 … 3 and 4 … 5 as runs, 9 and 11 alone.
  expect(requests.sort()).toEqual(['get', 'get', 'getAll', 'getAll']);
  expect(counters).toMatchObject({ cacheMisses: 1, segmentsRead: 8, checksumFailures: 0 });
  expect(counters.bytesRead).toBe(8 * PER_SEGMENT * 520);
  expect([0, 5, 6, 9, 10].map((part) => file.reader.has({ version: 1, part }))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
});

test('runs are made of neighbours in the order of their keys, within one version', async () => {
  const { file, requests, counters } = await fresh(4, undefined, 2);
  const at = (version: number, part: number) => ({ version, part });
  file.reader.prefetch(file.state.map, [at(2, 1), at(1, 3), at(2, 0), at(1, 2)]);
  await file.reader.fetch(file.state.map, 0, []);
  expect(requests).toEqual(['getAll', 'getAll']);
  expect(counters.segmentsRead).toBe(4);
  file.reader.clear();
  requests.length = 0;
  // Part 1 of the second version follows part 0 of the first in number only.
  file.reader.prefetch(file.state.map, [at(1, 0), at(2, 1)]);
  await file.reader.fetch(file.state.map, PER_SEGMENT, []);
  expect(requests).toEqual(['get', 'get']);
  expect(file.reader.has(at(1, 0))).toBe(true);
});

// Goal: what was fetched ahead is told apart, and was of use once a block of it was handed out. Method: one segment is
// asked for, three come along; then one of these is read, twice, and one is asked for while it is on its way.
test('segments fetched ahead are counted, and those of use once', async () => {
  const { file, counters } = await fresh(6);
  const { map } = file.state;
  await file.reader.fetch(map, 0, places(1, 2, 3));
  expect(counters).toMatchObject({ readAheadSegments: 3, readAheadUsedSegments: 0 });
  expect(file.reader.bytesOf(map, 0)).toBeDefined();
  expect(counters.readAheadUsedSegments).toBe(0);
  for (const block of [PER_SEGMENT, PER_SEGMENT, PER_SEGMENT + 1]) {
    expect(file.reader.bytesOf(map, block)).toBeDefined();
  }
  expect(counters.readAheadUsedSegments).toBe(1);
  file.reader.prefetch(map, places(4));
  const arrived = await file.reader.fetch(map, 4 * PER_SEGMENT, []);
  if (arrived) file.reader.blockOf(map, 4 * PER_SEGMENT, arrived);
  await file.reader.fetchPlace({ version: 1, part: 5 }, PER_SEGMENT);
  expect(counters).toMatchObject({ readAheadSegments: 4, readAheadUsedSegments: 2 });
});

test('no batch asks for more than so many segments', async () => {
  const { file, counters } = await fresh(BATCH_SEGMENTS_MAX + 4);
  const all = Array.from({ length: BATCH_SEGMENTS_MAX + 3 }, (_, i) => i + 1);
  await file.reader.fetch(file.state.map, 0, places(...all));
  expect(counters.segmentsRead).toBe(BATCH_SEGMENTS_MAX);
});

test('what is on its way or in memory is not asked for again', async () => {
  const { store, file, requests, counters } = await fresh(3);
  const { map } = file.state;
  const [first, second] = await Promise.all([
    file.reader.fetch(map, 0, []),
    file.reader.fetch(map, 1, []),
  ]);
  expect(second).toBe(first);
  expect(requests).toEqual(['get']);
  if (first) first.hot = false;
  expect(file.reader.peek(map, 2)).toBe(first);
  expect(first?.hot).toBe(true);
  expect(file.reader.peek(map, PER_SEGMENT)).toBeUndefined();
  expect(counters).toMatchObject({ cacheHits: 1, cacheMisses: 2, segmentsRead: 1 });
  const { transactions } = store.volume.connection.counters;
  file.reader.prefetch(map, []);
  file.reader.prefetch(map, places(0));
  file.reader.prefetch(map, places(0, 1));
  await file.reader.fetch(map, PER_SEGMENT, []);
  // Where nothing is wanted no idbTx is begun.
  expect(store.volume.connection.counters.transactions).toBe(transactions + 1);
  expect(requests).toEqual(['get', 'get']);
});

test('a block in memory is handed out as the view it was handed out as before', async () => {
  const { file, counters } = await fresh(2);
  const { reader, state } = file;
  const { map } = state;
  const block = PER_SEGMENT + 1;
  expect(reader.bytesOf(map, block)).toBeUndefined();
  // Where nothing was ever written nothing is to be fetched.
  expect(reader.bytesOf(map, 2 * PER_SEGMENT)).toBeNull();
  expect(counters.cacheHits).toBe(0);
  const segment = await reader.fetch(map, block, []);
  if (segment) segment.hot = false;
  const bytes = reader.bytesOf(map, block);
  expect(bytes?.[0]).toBe((4096 + block) & 255);
  expect(segment?.hot).toBe(true);
  expect(reader.bytesOf(map, block)).toBe(bytes);
  expect(counters.cacheHits).toBe(2);
});

test('what we wrote ourselves is not checked', async () => {
  const { store, file, counters } = await fresh(1);
  await store.commit([blocks(PATH, 0, 1, 9)], 'strict');
  const segment = file.reader.cached.get(segmentNumber(2, 0));
  segment?.bytes.fill(7, 0, 512);
  expect(file.reader.bytesOf(file.state.map, 0)).toEqual(new Uint8Array(512).fill(7));
  expect(counters.checksumFailures).toBe(0);
});

test('of a run with a gap the rest is read, and only what is gone is missing', async () => {
  const gone = (records: RecordEditor) => records.drop('segments', [1, 1, 2]);
  const { file, requests } = await fresh(5, gone);
  const { map } = file.state;
  await file.reader.fetch(map, 0, places(1, 2, 3));
  expect(requests).toEqual(['getAll', 'get', 'get', 'get', 'get']);
  expect([0, 1, 2, 3].map((part) => file.reader.has({ version: 1, part }))).toEqual([
    true,
    true,
    false,
    true,
  ]);
  expect(await file.reader.fetch(map, 2 * PER_SEGMENT, [])).toBeUndefined();
  expect(file.reader.missing(map, 2 * PER_SEGMENT)).toMatchObject({
    location: { store: 'segments', key: [1, 1, 2], version: 1 },
  });
});

test('a segment read by its place, and forgotten again', async () => {
  const { file, requests } = await fresh(2);
  const segment = await file.reader.fetchPlace({ version: 1, part: 1 }, PER_SEGMENT);
  expect(segment?.verified).toHaveLength(PER_SEGMENT);
  expect(await file.reader.fetchPlace({ version: 1, part: 7 }, PER_SEGMENT)).toBeUndefined();
  expect(requests).toEqual(['get', 'get']);
  file.reader.forget(1, 1);
  expect(file.reader.has({ version: 1, part: 1 })).toBe(true);
  file.reader.forget(1, 2);
  expect(file.reader.has({ version: 1, part: 1 })).toBe(false);
});

test('a block is checked when it is first handed out; a damaged one is counted and named', async () => {
  const at = PER_SEGMENT + 3;
  const flip = (records: RecordEditor) => records.flipBit('segments', [1, 1, 1], 8 * 3 * 512);
  const { file, view, counters } = await fresh(2, flip);
  const good = await view.load(at + 1);
  expect(good?.[0]).toBe((4096 + at + 1) & 255);
  const segment = file.reader.cached.get(1048576 + 1);
  expect([3, 4, 5].map((slot) => segment?.verified[slot])).toEqual([0, 1, 0]);
  await expect(view.load(at)).rejects.toMatchObject({
    location: { store: 'segments', key: [1, 1, 1], version: 1 },
    expectedChecksum: file.state.map.checksumOf(at),
  });
  expect(counters.checksumFailures).toBe(1);
  // What was checked is not checked again: its bytes are those in memory.
  if (segment) segment.bytes[4 * 512] = 99;
  expect(view.peek(at + 1)?.[0]).toBe(99);
});

test('a truncated segment is counted as damage, whatever is left of it', async () => {
  const cut = (records: RecordEditor) => records.truncate('segments', [1, 1, 0], 5 * 512 - 1);
  const { view, counters } = await fresh(1, cut);
  expect(await view.load(3)).toHaveLength(512);
  for (const block of [4, 5]) {
    await expect(view.load(block)).rejects.toMatchObject({ expectedChecksum: undefined });
  }
  expect(counters.checksumFailures).toBe(2);
});

test('what could not be fetched ahead is fetched when it is wanted', async () => {
  const { sim, file } = await fresh(2);
  const { map } = file.state;
  sim.faults = { request: () => new DOMException('on purpose', 'DataError') };
  file.reader.prefetch(map, places(1));
  await sim.idle();
  sim.faults = {};
  expect(await file.reader.fetch(map, PER_SEGMENT, [])).toBeDefined();
});
