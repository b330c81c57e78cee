/**
 * A page that is sound is read, whatever became of its neighbours in the segment.
 *
 * Method: one byte of one page changed in a simulated store, every page asked for.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { editRecords, type Outcome, SimulatedIndexedDB } from '../../src/testing/index.js';
import { Lab, PAGE_BYTES, VOLUME } from '../support/shared/lab.ts';

const PAGES = 10;
const DAMAGED = 7;

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.closeAll());

/** What a page that wrote ten pages has left. */
async function written(): Promise<{ sim: SimulatedIndexedDB; outcome: Outcome }> {
  const sim = new SimulatedIndexedDB({ trace: false });
  const writer = await lab.client(await lab.serve(sim, { locks: null }));
  const marks = Array.from({ length: PAGES }, (_, page) => [page, page + 1]);
  expect(await writer.transact(Object.fromEntries(marks))).toBeUndefined();
  await sim.idle();
  return { sim, outcome: sim.outcomes('process')[0] as Outcome };
}

test('a damaged page fails alone, also where it is in the segment of what is read', async () => {
  const { sim, outcome } = await written();
  const store = editRecords(outcome, VOLUME);
  const [key] = store.keys('segments');
  store.flipBit('segments', key as IDBValidKey, 8 * (DAMAGED * PAGE_BYTES + 200));
  const reader = await lab.client(await lab.serve(sim.fork(store.outcome()), { locks: null }));
  for (let page = 0; page < PAGES; page++) {
    const read = reader.read(page);
    if (page === DAMAGED) expect(await read).toMatchObject({ code: 'CORRUPTION' });
    else expect(await read).toMatchObject({ [page]: page + 1 });
  }
});

test('pages that a reply takes along are no hits of the cache', async () => {
  const { sim, outcome } = await written();
  const served = await lab.serve(sim.fork(outcome), { locks: null });
  const reader = await lab.client(served);
  expect(Object.keys(await reader.read(0))).toHaveLength(PAGES);
  const { cacheHits } = served.host.stats();
  expect(Object.keys(await reader.read(0))).toHaveLength(PAGES);
  expect(served.host.stats().cacheHits).toBe(cacheHits + 1);
});
