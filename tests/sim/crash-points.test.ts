/**
 * The search over crash points can fail: programs with known mistakes, each of which it must find,
 * and the same program without them.
 */
import { expect, test } from 'vitest';
import {
  type CrashPlan,
  everyCrashPoint,
  replayCrashPoint,
  type SimulatedIndexedDB,
} from '../../src/testing/index.js';
import { ended, getAll, openDatabase, put } from '../support/sim-dsl.ts';

type Mistake =
  | 'none'
  | 'answers when the request succeeded'
  | 'two idbTxs for what belongs together'
  | 'strict that is not'
  | 'recovery that repairs in two idbTxs';

/** Moves 1 from one account to the other, in stores `a` and `b`; the sum must stay 100. */
function transfers(mistake: Mistake): CrashPlan<number, IDBDatabase> {
  const durability = mistake === 'strict that is not' ? 'relaxed' : 'strict';
  const move = async (db: IDBDatabase, n: number) => {
    if (mistake === 'two idbTxs for what belongs together') {
      await put(db, [1, 100 - n], { durability });
      await put(db, [1, n], { store: 'b', durability });
      return;
    }
    const tx = db.transaction(['a', 'b'], 'readwrite', { durability });
    tx.objectStore('a').put(100 - n, 1);
    const last = tx.objectStore('b').put(n, 1);
    if (mistake !== 'answers when the request succeeded') return await ended(tx);
    await new Promise((resolve) => {
      last.onsuccess = resolve;
    });
  };
  return {
    workload: async ({ factory, acknowledge }) => {
      const db = await openDatabase(factory);
      for (let n = 1; n <= 3; n++) {
        await move(db, n);
        acknowledge(n);
      }
    },
    recover: async (factory) => {
      const db = await openDatabase(factory);
      if (mistake === 'recovery that repairs in two idbTxs') await rewrite(db);
      return db;
    },
    check: async ({ recovered, acknowledged }) => {
      const [a = 100] = await getAll(recovered, 'a');
      const [b = 0] = await getAll(recovered, 'b');
      if (Number(a) + Number(b) !== 100) throw new Error(`The sum is ${Number(a) + Number(b)}.`);
      if (Number(b) < acknowledged.length) throw new Error(`${acknowledged.length} is lost.`);
    },
  };
}

/** Takes everything out and puts it back: right in the end, wrong in between. */
async function rewrite(db: IDBDatabase): Promise<void> {
  const [b] = await getAll(db, 'b');
  if (b === undefined) return;
  const tx = db.transaction('b', 'readwrite');
  tx.objectStore('b').clear();
  await ended(tx);
  await put(db, [1, b], { store: 'b' });
}

test('a correct program has no violation, however deep the crashes', async () => {
  const report = await everyCrashPoint(transfers('none'), { depth: 2 });
  expect(report.violations).toEqual([]);
  expect(report.recoveries).toBeGreaterThan(15);
});

test.each([
  ['answers when the request succeeded', ['process', 'power']],
  ['two idbTxs for what belongs together', ['process', 'power']],
  ['strict that is not', ['power']],
] as const)('found: %s', async (mistake, kinds) => {
  const { violations } = await everyCrashPoint(transfers(mistake), { violationsMax: 1000 });
  const found = new Set(violations.flatMap(({ points }) => points.map(({ kind }) => kind)));
  expect([...found].sort()).toEqual([...kinds].sort());
});

test('a recovery that is not safe itself is found when it crashes as well, not before', async () => {
  const plan = transfers('recovery that repairs in two idbTxs');
  expect((await everyCrashPoint(plan)).violations).toEqual([]);
  const { violations } = await everyCrashPoint(plan, { depth: 2 });
  expect(violations.length).toBeGreaterThan(0);
  expect(violations[0]?.points).toHaveLength(2);
  await expect(replayCrashPoint(plan, violations[0]?.points ?? [])).rejects.toThrow('The sum is');
});

test('what a power cut took stays lost, also when the process crashes after it', async () => {
  const relaxed = transfers('strict that is not');
  const honest: typeof relaxed = {
    ...relaxed,
    // It writes, so that the second crash has something to fall into.
    recover: async (factory) => {
      const db = await relaxed.recover(factory);
      await put(db, [2, 100]);
      return db;
    },
    check: (crash) =>
      relaxed.check({ ...crash, acknowledged: crash.kind === 'power' ? [] : crash.acknowledged }),
  };
  const { recoveries, violations } = await everyCrashPoint(honest, { depth: 2 });
  expect(violations).toEqual([]);
  expect(recoveries).toBeGreaterThan((await everyCrashPoint(honest)).recoveries);
});

test('a violation says where it is, and can be run again alone', async () => {
  const plan = transfers('two idbTxs for what belongs together');
  const { violations } = await everyCrashPoint(plan, { seed: 7, violationsMax: 1 });
  expect(violations).toHaveLength(1);
  const line = violations[0]?.line ?? '';
  expect(line).toMatch(
    /^replay: \{"seed":7,"points":\[\{"turn":\d+,"kind":"\w+","outcome":\d+\}\]\}$/,
  );
  const { seed, points } = JSON.parse(line.replace('replay: ', ''));
  await expect(replayCrashPoint(plan, points, { seed })).rejects.toThrow('The sum is');
  const whole = transfers('none');
  await expect(
    replayCrashPoint(whole, [{ turn: 0, kind: 'power', outcome: 0 }], { seed }),
  ).resolves.toBe(undefined);
});

test('the same seed gives the same report', async () => {
  const reports = [];
  for (let i = 0; i < 2; i++) {
    const { violations, ...rest } = await everyCrashPoint(transfers('strict that is not'));
    reports.push({ ...rest, lines: violations.map(({ line }) => line) });
  }
  expect(reports[0]).toEqual(reports[1]);
});

test('a recovery that never ends is a violation', async () => {
  const plan: CrashPlan<never, void> = {
    workload: async ({ factory }: { factory: SimulatedIndexedDB }) => {
      await openDatabase(factory);
    },
    recover: () => new Promise(() => undefined),
    check: () => undefined,
  };
  const { violations } = await everyCrashPoint(plan, { timeoutMs: 5, violationsMax: 1 });
  expect(String(violations[0]?.error)).toContain('did not end within 5 ms');
});
