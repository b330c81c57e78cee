/**
 * The fence: a commit on a base that is not the marker any more leaves nothing behind, whoever was asleep,
 * slow or robbed of the lock; and the next one works (P9, P6, DESIGN §4 I3).
 */
import { describe, expect, test } from 'vitest';
import { CHECKPOINT_COMMITS } from '../../src/format/layout.js';
import { SQLITE_BUSY_SNAPSHOT } from '../../src/result-codes.js';
import { FENCE_WINDOW_MS, Lab, PATH, small } from '../support/commit-lab.ts';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';

useGlobals();

describe('the fence', () => {
  const fenced = { name: 'BusyError', sqliteCode: SQLITE_BUSY_SNAPSHOT };

  test('stops a writer that slept while the records it stands on were deleted', async () => {
    const lab = new Lab();
    const sleeper = await lab.open();
    await sleeper.commit([small(1)], 'strict');
    const other = await lab.open({ factory: lab.sim.openTab(), context: 2 });
    for (let v = 2; v <= 4 * CHECKPOINT_COMMITS; v++) await other.commit([small(v)], 'relaxed');
    expect((await lab.keys('commits'))[0]).not.toEqual([1, 2]);
    expect((await lab.keys('segments'))[0]).not.toEqual([1, 2, 0]);
    lab.nowMs += FENCE_WINDOW_MS + 1;
    await expect(sleeper.commit([small(3)], 'strict')).rejects.toMatchObject(fenced);
    expect(await lab.keys('commits')).not.toContainEqual([1, 2]);
    expect(await sleeper.read(PATH)).toEqual(await other.read(PATH));
  });

  test('stops one without the writer lock that was overtaken', async () => {
    const lab = new Lab();
    const other = await lab.open();
    await other.commit([small(1)], 'strict');
    const slow = await lab.open({ factory: lab.sim.openTab(), context: 2, exclusive: false });
    const overtaken = slow.commit([small(3)], 'strict', () => other.commit([small(2)], 'strict'));
    await expect(overtaken).rejects.toMatchObject(fenced);
    expect(await slow.read(PATH)).toMatchObject({ version: 2, marks: [2 * 4096, 2 * 4096 + 1] });
  });

  test('stops a first commit to a file that was deleted, or made anew', async () => {
    for (const anew of [false, true]) {
      const lab = new Lab();
      const slow = await lab.open();
      const first = slow.commit([small(1)], 'strict', async () => {
        const other = await lab.open({ factory: lab.sim.openTab(), context: 2, paths: [] });
        expect(await other.volume.delete(PATH)).toBe(true);
        if (anew) await (await other.volume.acquire(PATH, true))?.create('xxhash32');
      });
      await expect(first).rejects.toMatchObject(fenced);
      expect(await lab.keys('commits')).toEqual([]);
      await slow.commit([small(2)], 'strict');
      expect(await lab.keys('commits')).toEqual([[2, 1]]);
    }
  });

  test('stops a commit whose spilled segments were taken for orphans, or are not its own', async () => {
    for (const spills of [false, true]) {
      const lab = new Lab();
      const slow = await lab.open();
      await slow.commit([small(1)], 'strict');
      const large = (mark: number) => blocks(PATH, 0, 300, mark);
      const commit = slow.commit([large(2)], 'strict', async () => {
        const other = await lab.open({ factory: lab.sim.openTab(), context: 2 });
        if (spills) await other.rollBack([large(3)], 'late');
      });
      await expect(commit).rejects.toMatchObject(fenced);
      expect(await lab.keys('commits')).toEqual([[1, 1]]);
      expect(await slow.read(PATH)).toMatchObject({ version: 1, marks: [4096, 4097] });
    }
  });

  test('looks at every file of a commit, and lets none of them through alone', async () => {
    const lab = new Lab();
    const paths = [PATH, 'two.db'];
    const slow = await lab.open({ paths });
    const both = (mark: number) => paths.map((path) => blocks(path, 0, 1, mark));
    await slow.commit(both(1), 'strict');
    lab.nowMs += FENCE_WINDOW_MS + 1;
    await slow.commit(both(2), 'strict');
    const other = await lab.open({ factory: lab.sim.openTab(), context: 2, paths });
    lab.nowMs += FENCE_WINDOW_MS + 1;
    const commit = slow.commit(both(3), 'strict', () =>
      other.commit([blocks('two.db', 0, 1, 9)], 'strict'),
    );
    await expect(commit).rejects.toMatchObject(fenced);
    expect(await slow.read(PATH)).toMatchObject({ version: 2, marks: [2 * 4096] });
    expect(await slow.read('two.db')).toMatchObject({ version: 3, marks: [9 * 4096] });
  });
});
