import { afterAll, beforeAll, expect, test } from 'vitest';
import { modulePage, startHost } from '../../tools/browser-host.mjs';
import type { OpeningCost } from '../support/pages/spill-cost.ts';

const PAGE = 'tests/support/pages/spill-cost.ts';
const MIB = 1024 ** 2;
const SMALL_BYTES = 2 * MIB;
/** SPILL_MIB=100 measures what docs/RECOVERY.md §4 says. */
const LARGE_BYTES = Number(process.env['SPILL_MIB'] ?? 8) * MIB;
const SEGMENT_BYTES = 60 * 1024;
/** docs/FORMAT.md §7: one for the volume, seven for the file; then a fence and the range deletions. */
const OPEN_REQUESTS_MAX = 12;
/** The header, the way down a tree of two or three levels, and the row's own overflow pages. */
const ROW_REQUESTS_MAX = 8;
const BUILD_TIMEOUT_MS = 240_000;

let host: Awaited<ReturnType<typeof startHost>>;
const costs = new Map<number, OpeningCost>();

beforeAll(async () => {
  host = await startHost();
  for (const bytes of [SMALL_BYTES, LARGE_BYTES]) {
    const volume = `spill-${bytes}`;
    host.open(modulePage(PAGE, { mode: 'die', volume, bytes }));
    await host.waitFor('held', { timeoutMs: BUILD_TIMEOUT_MS });
    await host.restart(modulePage(PAGE, { mode: 'look', volume, bytes }));
    const cost = (await host.waitFor('cost')) as OpeningCost;
    await host.kill();
    costs.set(bytes, cost);
    console.log(`${bytes / MIB} MiB`, cost);
  }
}, 2 * BUILD_TIMEOUT_MS);

afterAll(() => host.close());

function costOf(bytes: number): OpeningCost {
  const cost = costs.get(bytes);
  if (!cost) throw new Error(`${bytes} bytes were not measured`);
  return cost;
}

// Goal: recovery after a kill in mid-spill costs the same however large the database and its orphans are.
// Method: hold the page when half of a database was sent ahead of its commit, kill the browser, open, and
// count the calls of object stores until the orphans are gone and until the first row; small and large.
test('a kill in mid-spill leaves orphans by the size of the sqliteTx, and opening deletes them', () => {
  for (const bytes of [SMALL_BYTES, LARGE_BYTES]) {
    const cost = costOf(bytes);
    expect(cost.databaseBytes).toBeGreaterThan(bytes);
    expect(cost.orphansBefore).toBeGreaterThan(bytes / SEGMENT_BYTES / 4);
    expect(cost).toMatchObject({ orphansAfter: 0, rowIsOld: true });
  }
});

test('opening after it makes the same few requests, however large the database is', () => {
  const { openRequests } = costOf(LARGE_BYTES);
  expect(openRequests).toBe(costOf(SMALL_BYTES).openRequests);
  expect(openRequests).toBeLessThanOrEqual(OPEN_REQUESTS_MAX);
});

test('the first row takes a bounded number of requests more', () => {
  expect(costOf(SMALL_BYTES).rowRequests).toBeLessThanOrEqual(ROW_REQUESTS_MAX);
  expect(costOf(LARGE_BYTES).rowRequests).toBeLessThanOrEqual(ROW_REQUESTS_MAX);
});
