/**
 * What a commit leaves in memory: its segments, as long as they are needed there (I4, I9), and a state
 * that is the one another context finds in the store (I5 of committer.ts).
 */
import { describe, expect, test } from 'vitest';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks, PATHS } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, type StoreOptions } from '../support/store-dsl.ts';
import { AT_ONCE, TOGETHER } from '../support/write-behind.ts';

const [ONE = ''] = PATHS;
const BLOCK_BYTES = 65_536;
/** Four segments of one block each, with their trailers. */
const CACHE_BYTES = 4 * (BLOCK_BYTES + 8);

useGlobals();

async function opened(options: Partial<StoreOptions> = {}) {
  const sim = new SimulatedIndexedDB({ trace: false });
  const store = await Store.open({ factory: sim, paths: [ONE], ...options });
  return { sim, store, file: store.file(ONE), cache: store.volume.cache };
}

/** One large block, so that each commit has a segment of its own. */
const large = (block: number) => ({ ...blocks(ONE, block, 1, block), blockBytes: BLOCK_BYTES });

describe('the segments of commits', () => {
  const options = { cacheBytes: CACHE_BYTES, spillBytes: 2 ** 30 };

  test('that are complete make room for others', async () => {
    const { store, cache } = await opened(options);
    for (let block = 0; block < 10; block++) await store.commit([large(block)], 'strict');
    expect(cache.bytes).toBe(CACHE_BYTES);
  });

  test('that wait to land can be read, however many they are, and then make room', async () => {
    const { store, file, cache } = await opened({ ...options, writeBehind: TOGETHER });
    for (let block = 0; block < 10; block++) await store.commit([large(block)], 'deferred');
    const { map } = file.state;
    const inMemory = Array.from({ length: 10 }, (_, block) => file.reader.bytesOf(map, block));
    expect(inMemory.map((bytes) => bytes?.byteLength)).toEqual(inMemory.map(() => BLOCK_BYTES));
    expect(store.volume.committer.deferredCommits).toBe(10);
    await store.volume.committer.drained();
    await store.commit([large(0)], 'strict');
    expect(cache.bytes).toBe(CACHE_BYTES);
  });

  test('are known to be what they should', async () => {
    const { store, file } = await opened();
    await store.commit([blocks(ONE, 0, 3, 1)], 'strict');
    const [segment] = file.reader.cached.values();
    expect(segment?.verified).toEqual(new Uint8Array(120).fill(1));
  });
});

test('a map is copied only if somebody else reads by it', async () => {
  const { store, file } = await opened();
  await store.commit([blocks(ONE, 0, 2, 1)], 'strict');
  const { map } = file.state;
  await store.commit([blocks(ONE, 0, 2, 2)], 'strict');
  expect(file.state.map).toBe(map);
  const snapshot = await store.pin(ONE);
  await store.commit([blocks(ONE, 0, 2, 3)], 'strict');
  expect(file.state.map).not.toBe(map);
  expect((await snapshot.read()).version).toBe(2);
  snapshot.release();
});

// Goal: who commits and who follows make the next checkpoint at the same time, and reclaim the same.
// Method: one tab commits several segments at a time, most of which the next commit supersedes; another recovers.
test('what a commit cost is what another context finds', async () => {
  const { sim, store, file } = await opened();
  for (let i = 0; i < 5; i++) await store.commit([blocks(ONE, i, 300, i)], 'strict');
  const other = await Store.open({ factory: sim.openTab(), paths: [ONE], exclusive: false });
  const told = ({ state }: typeof file) => ({
    commits: state.commitsSinceCheckpoint,
    recordBytes: state.recordBytesSinceCheckpoint,
    live: state.live.liveCount,
    superseded: state.live.supersededCount,
  });
  expect(told(file)).toEqual(told(other.file(ONE)));
  expect(file.state.recordBytesSinceCheckpoint).toBeGreaterThan(0);
});

test.each([
  ['strict', 0],
  ['deferred', 40],
] as const)('a %s commit is told with how long it took', async (durability, waitedMs) => {
  const clock = { ms: 1000 };
  const told: unknown[] = [];
  const { sim, store } = await opened({
    writeBehind: { ...(waitedMs > 0 ? TOGETHER : AT_ONCE), monotonicMs: () => clock.ms },
    onCommit: (_path, version, durationMs) => told.push([version, durationMs]),
  });
  await store.file(ONE).create('xxhash32');
  sim.faults = {
    commit: () => {
      clock.ms += 7;
      return undefined;
    },
  };
  await store.commit([blocks(ONE, 0, 1, 1)], durability);
  clock.ms += waitedMs;
  await store.volume.committer.drained();
  expect(told).toEqual([[1, waitedMs + 7]]);
});
