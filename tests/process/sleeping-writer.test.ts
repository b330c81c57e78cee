/**
 * A writer that sleeps is replaced within the limit, and when it wakes it neither commits nor reads what is
 * no longer so.
 *
 * Method: two pages of one Chromium, each engine. One is frozen as the browser freezes tabs (CDP), or its
 * process is stopped (SIGSTOP), inside a sqliteTx or reading on and on with the writer lock kept; the other
 * one writes; then the first one wakes.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Sleep, SleepingPages } from '../support/sleeping-pages.ts';
import { soon } from '../support/soon.ts';
import type { BuildName } from '../support/sqlite.ts';

const STEAL_AFTER_MS = 1500;
/** Much longer than the limit, on a machine that does other things too. */
const PATIENCE = 'PRAGMA busy_timeout=60000';
const BUILDS: readonly BuildName[] = ['asyncify', 'mirror', 'shared'];
const SLEEPS: readonly Sleep[] = ['frozen', 'stopped'];
const CASES = BUILDS.flatMap((build) => SLEEPS.map((sleep) => [build, sleep] as const));

let pages: SleepingPages;
let count = 0;
beforeAll(async () => {
  pages = await SleepingPages.start();
});
beforeEach(async () => {
  await pages.load();
});
afterAll(async () => {
  await pages?.close();
});

async function openBoth(build: BuildName): Promise<void> {
  const options = { idbName: `sleeping-${++count}`, stealAfterMs: STEAL_AFTER_MS };
  for (const page of [pages.first, pages.second]) {
    await page.ask('open', build, options);
    await page.ask('run', PATIENCE);
  }
  await pages.first.ask('run', 'CREATE TABLE t(n); INSERT INTO t VALUES (0)');
}

describe.each(CASES)('%s, %s', (build, sleep) => {
  test('inside a sqliteTx: it is robbed, its commit fails, and then it sees the new state', async () => {
    const { first, second } = pages;
    await openBoth(build);
    expect(await first.ask('run', 'BEGIN IMMEDIATE; UPDATE t SET n = n + 100')).toEqual([]);
    await first.sleep(sleep);
    expect(await second.ask('run', 'BEGIN IMMEDIATE; UPDATE t SET n = n + 1; COMMIT')).toEqual([]);
    await first.wake();
    expect(await first.ask('run', 'COMMIT')).toBe('BUSY_SNAPSHOT');
    await first.ask('run', 'ROLLBACK');
    expect(await first.ask('run', 'SELECT n FROM t')).toEqual([[1]]);
    expect(await first.ask('run', 'BEGIN IMMEDIATE; UPDATE t SET n = n + 10; COMMIT')).toEqual([]);
    expect(await second.ask('run', 'SELECT n FROM t')).toEqual([[11]]);
    expect((await first.ask('writer')).changes).toContain('stolen');
    expect((await second.ask('writer')).changes).toContain('seized');
  });

  test('that wakes before the other one commits loses its sqliteTx all the same', async () => {
    const { first, second } = pages;
    await openBoth(build);
    await first.ask('run', 'BEGIN IMMEDIATE; UPDATE t SET n = n + 100');
    await first.sleep(sleep);
    expect(await second.ask('run', 'BEGIN IMMEDIATE; UPDATE t SET n = n + 1')).toEqual([]);
    await first.wake();
    expect(await first.ask('run', 'COMMIT')).toBe('BUSY_SNAPSHOT');
    await first.ask('run', 'ROLLBACK');
    expect(await second.ask('run', 'COMMIT')).toEqual([]);
    expect(await first.ask('run', 'SELECT n FROM t')).toEqual([[1]]);
  });

  // Goal: not even the first read after it wakes is old. Method: it is put to sleep amid reads that need
  // not ask anybody; what began after the other's commit has its value.
  test('reading on and on with the lock: no read after the other’s commit is old', async () => {
    const { first, second } = pages;
    await openBoth(build);
    await first.ask('readOn', 'SELECT n FROM t');
    await soon(async () => expect((await first.ask('reads')).length).toBeGreaterThan(0));
    await first.sleep(sleep);
    expect(await second.ask('run', 'UPDATE t SET n = n + 1')).toEqual([]);
    const committedMs = Date.now();
    await first.wake();
    const late = await soon(async () => {
      const reads = await first.ask('reads');
      expect(reads[0]?.[1]).toBe(0);
      const found = reads.filter(([beganMs]) => beganMs > committedMs);
      // A count, and not the first: a read that fails ends them.
      expect(found.length).toBeGreaterThan(10);
      return found;
    });
    expect(late.filter(([, value]) => value !== 1)).toEqual([]);
  });
});
