/** A file of many map chunks opens whole, however its records fall into the requests that read them. */
import { expect, test } from 'vitest';
import { BLOCKS_PER_CHUNK, CHECKPOINT_COMMITS } from '../../src/format/layout.js';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import { useGlobals } from '../support/globals.ts';
import { Store } from '../support/store-dsl.ts';

const PATH = 'one.db';

useGlobals();

// One request reads 64 records: the directory and 63 chunks.
test.each([62, 63, 64, 130])('with %i chunks', async (count) => {
  const sim = new SimulatedIndexedDB({ trace: false });
  const store = await Store.open({ factory: sim, paths: [PATH] });
  const blocks = Array.from({ length: count }, (_, chunk) => chunk * BLOCKS_PER_CHUNK);
  const writes = new Map(blocks.map((block) => [block, block + 1]));
  await store.commit([{ path: PATH, writes }], 'strict');
  for (let v = 2; v <= CHECKPOINT_COMMITS; v++) {
    await store.commit([{ path: PATH, writes: new Map([[1, v]]) }], 'relaxed');
  }
  const { map } = (await Store.open({ factory: sim.openTab(), paths: [PATH] })).file(PATH).state;
  expect(blocks.filter((block) => map.versionOf(block) !== 1)).toEqual([]);
  expect(map.versionOf(1)).toBe(CHECKPOINT_COMMITS);
  expect(map.chunks).toHaveLength(count);
});
