/** With the option `measure` a browser's profiler shows what the block store does; without it there is nothing. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Fault } from '../../src/testing/index.js';
import { isCommit } from '../support/fault-points.js';
import { insert, Rig } from '../support/rig.js';
import { ONE_OF_EACH } from '../support/sqlite.js';

const FAILED: Fault = { tag: 'abort-at-commit', name: 'DataError' };
const CHECKPOINT_COMMITS = 64;

function entries(): PerformanceMeasure[] {
  const all = performance.getEntriesByType('measure') as PerformanceMeasure[];
  return all.filter(({ name }) => name.startsWith('idb-block-vfs: '));
}

// The shared engine's storage is in this page here, and so are its entries.
describe.each(ONE_OF_EACH)('%s', (build) => {
  let rig: Rig;
  afterEach(() => rig.close().catch(() => undefined));

  async function work(): Promise<void> {
    await rig.db.run('PRAGMA synchronous=NORMAL');
    await rig.fill(1);
    for (let i = 0; i < CHECKPOINT_COMMITS; i++) await rig.db.run(insert(1));
    rig.faults.plan(FAILED, { at: isCommit, times: Number.POSITIVE_INFINITY });
    await rig.try(insert(1));
    rig.faults.reset();
    await rig.db.run(insert(1));
  }

  test('openings, commits, checkpoints and reloads are measured, until the VFS is closed', async () => {
    const before = performance.now();
    rig = await Rig.create(build, { measure: true });
    await work();
    const { commits, reloads } = await rig.context.vfs.stats();
    const after = performance.now();
    const found = entries();
    const named = (what: string) =>
      found.filter(({ name }) => name === `idb-block-vfs: ${what} test.db`);
    expect(named('open')).toHaveLength(1);
    expect(named('commit')).toHaveLength(commits);
    expect(named('checkpoint').length).toBeGreaterThanOrEqual(1);
    expect(named('reload')).toHaveLength(reloads);
    expect(reloads).toBeGreaterThan(0);
    const kinds = ['open', 'commit', 'checkpoint', 'reload'].flatMap(named);
    expect(kinds).toHaveLength(found.length);
    for (const { startTime, duration } of found) {
      expect(startTime).toBeGreaterThanOrEqual(before);
      expect(startTime + duration).toBeLessThanOrEqual(after);
    }
    const [commit] = named('commit');
    expect(commit?.duration).toBeGreaterThan(0);
    expect(commit?.detail).toMatchObject({ version: 1, blocks: 2, durability: 'relaxed' });
    expect(named('open')[0]?.detail).toMatchObject({ version: 0, replayedCommits: 0 });
    await rig.close();
    expect(entries()).toEqual([]);
  });

  test('nothing is measured unless it is asked for', async () => {
    rig = await Rig.create(build);
    await work();
    expect(entries()).toEqual([]);
  });
});
