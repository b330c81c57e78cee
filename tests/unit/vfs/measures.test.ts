/** The performance timeline gets entries with names and details, and does not grow for ever. */
import { afterEach, expect, test } from 'vitest';
import type { PreparedCommit } from '../../../src/blockstore/prepare.js';
import { ENTRIES_MAX, Measures } from '../../../src/vfs/measures.js';

const SPAN = { startMs: 1000, endMs: 1007 };

let measures: Measures;
afterEach(() => measures.clear());

function commitOf(path: string, version: number, checkpoint = false): PreparedCommit {
  return {
    file: { path },
    record: { version, entryCount: 3 },
    bytes: 12_288,
    checkpoint: checkpoint
      ? { plan: { save: [0, 4], reclaimed: { segments: 9, bytes: 1 } } }
      : undefined,
  } as never;
}

const entries = () =>
  performance
    .getEntriesByType('measure')
    .map((entry) => entry as PerformanceMeasure)
    .map(({ name, startTime, duration, detail }) => ({ name, startTime, duration, detail }));

test('an entry has a name, a span and a detail', () => {
  measures = new Measures();
  measures.committed(commitOf('app.db', 5), 'strict', SPAN);
  measures.committed(commitOf('app.db', 6, true), 'deferred', SPAN);
  measures.reloaded('app.db', SPAN);
  const span = { startTime: 1000, duration: 7 };
  const commit = { version: 5, blocks: 3, bytes: 12_288, durability: 'strict' };
  const checkpoint = { version: 6, chunks: 2, reclaimedSegments: 9 };
  const expected = [
    { name: 'idb-block-vfs: commit app.db', detail: commit },
    {
      name: 'idb-block-vfs: commit app.db',
      detail: { ...commit, version: 6, durability: 'deferred' },
    },
    { name: 'idb-block-vfs: checkpoint app.db', detail: checkpoint },
    { name: 'idb-block-vfs: reload app.db', detail: null },
  ].map((entry) => ({ ...entry, ...span }));
  expect(entries()).toEqual(expected);
});

test('no more than 1,000 are kept, and none of them after all', () => {
  performance.measure('of the app', { start: 0, end: 1 });
  measures = new Measures();
  for (let i = 0; i < 3 * ENTRIES_MAX; i++) {
    measures.committed(commitOf(`${i % 7}.db`, i), 'strict', SPAN);
    expect(entries().length).toBeLessThanOrEqual(ENTRIES_MAX + 1);
  }
  expect(entries().length).toBeGreaterThan(1);
  measures.clear();
  expect(entries().map(({ name }) => name)).toEqual(['of the app']);
  performance.clearMeasures('of the app');
});
