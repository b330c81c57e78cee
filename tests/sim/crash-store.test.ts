/**
 * The block store, crashed after every turn of the simulation under every outcome of the medium.
 *
 * After each recovery: it opens, the commit found is one of those allowed, every file has the content
 * of that commit (so a commit over two files is all or nothing), recovering once more changes
 * nothing, one more commit works.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CrashContext,
  type CrashOptions,
  type CrashPlan,
  editRecords,
  everyCrashPoint,
  installGlobals,
  type SimulatedIndexedDB,
} from '../../src/testing/index.js';
import { type Change, Store, type StoreOptions, VOLUME } from '../support/store-dsl.ts';
import { type Notice, type Step, StoreModel } from '../support/store-model.ts';

const PATHS = ['one.db', 'two.db'];
const EXTRA_MARK = 0xffffff;

let uninstall: () => void;
beforeAll(() => {
  uninstall = installGlobals();
});
afterAll(() => uninstall());

/** Writes `count` blocks from `first` on, each with a mark of its own. */
function blocks(path: string, first: number, count: number, mark: number): Change {
  const writes = new Map<number, number>();
  for (let block = first; block < first + count; block++) writes.set(block, mark * 256 + block);
  return { path, writes };
}

type Options = Omit<StoreOptions, 'factory' | 'paths'>;

function planFor(steps: readonly Step[], options: Options = {}): CrashPlan<Notice, Store> {
  const model = new StoreModel(PATHS, steps);
  const open = (factory: SimulatedIndexedDB, context: number) =>
    Store.open({ ...options, factory, paths: PATHS, context });
  return {
    workload: async ({ factory, acknowledge }) => {
      const store = await open(factory, 1);
      let commit = 0;
      for (const { changes, durability, rolledBack } of steps) {
        if (rolledBack) {
          await store.rollBack(changes, rolledBack);
          continue;
        }
        commit++;
        acknowledge({ commit, what: 'began', durability });
        await store.commit(changes, durability);
        acknowledge({ commit, what: 'acknowledged', durability });
      }
      await store.close();
    },
    recover: (factory) => open(factory, 2),
    check: async (crash) => {
      const commit = await model.verify(crash.recovered, crash);
      if (options.exclusive ?? true) expectNoOrphans(crash);
      await crash.recovered.close();
      await recoverAgain(crash, () => open(crash.factory, 3));
      await commitOnceMore(crash, { model, commit, open: () => open(crash.factory, 4) });
    },
  };
}

/** What nobody committed is gone when the holder of the writer lock has opened the files. */
function expectNoOrphans({ factory, recovered }: CrashContext<Notice, Store>): void {
  const markers = new Map<number, number>();
  for (const { record, state } of recovered.files.values()) {
    if (record) markers.set(record.file, state.map.version);
  }
  for (const outcome of factory.outcomes('process')) {
    const editor = editRecords(outcome, VOLUME);
    const above = editor.keys('segments').filter((key) => {
      const [file, version] = key as [file: number, version: number];
      return version > (markers.get(file) ?? 0);
    });
    if (above.length > 0) throw new Error(`Orphans are left: ${JSON.stringify(above)}`);
  }
}

/** Recovering what is recovered leaves the very same states. */
async function recoverAgain(
  { factory }: CrashContext<Notice, Store>,
  open: () => Promise<Store>,
): Promise<void> {
  await factory.idle();
  const before = factory.outcomes('process');
  await (await open()).close();
  await factory.idle();
  const after = factory.outcomes('process');
  const states = [before, after].map((outcomes) => outcomes.map((o) => [...o.databases.values()]));
  if (states[0]?.length !== 1 || states[1]?.length !== 1) throw new Error('It does not settle.');
  for (const [i, state] of (states[0][0] ?? []).entries()) {
    if (state !== states[1][0]?.[i]) throw new Error('Recovering again changed something.');
  }
}

async function commitOnceMore(
  { acknowledged, kind }: CrashContext<Notice, Store>,
  at: { readonly model: StoreModel; readonly commit: number; readonly open: () => Promise<Store> },
): Promise<void> {
  const store = await at.open();
  const found = await at.model.verify(store, { acknowledged, kind });
  if (found !== at.commit) throw new Error(`First commit ${at.commit} was found, then ${found}.`);
  const writes = new Map([[0, EXTRA_MARK]]);
  await store.commit(
    PATHS.map((path) => ({ path, writes })),
    'strict',
  );
  await store.close();
  const again = await at.open();
  for (const [path, before] of at.model.at(at.commit)) {
    const { version, marks } = await again.read(path);
    expect(version).toBe(before.version + 1);
    expect(marks).toEqual([EXTRA_MARK, ...before.marks.slice(1)]);
  }
  await again.close();
}

async function expectNoViolation(
  plan: CrashPlan<Notice, Store>,
  options: CrashOptions = {},
): Promise<number> {
  const report = await everyCrashPoint(plan, options);
  const lines = report.violations.map(
    ({ line, after, error }) => `${line}\n  after ${after.join(', then ')}\n  ${String(error)}`,
  );
  expect(lines.join('\n')).toBe('');
  return report.recoveries;
}

const STRICT_THEN_RELAXED: readonly Step[] = [
  { changes: [blocks('one.db', 0, 3, 1)], durability: 'strict' },
  { changes: [blocks('one.db', 1, 4, 2)], durability: 'relaxed' },
  { changes: [blocks('one.db', 0, 1, 3), blocks('two.db', 0, 2, 3)], durability: 'strict' },
  { changes: [blocks('two.db', 1, 2, 4)], durability: 'relaxed' },
  { changes: [blocks('one.db', 2, 1, 5), blocks('two.db', 0, 1, 5)], durability: 'relaxed' },
  { changes: [{ ...blocks('one.db', 0, 1, 6), truncateTo: 2 }], durability: 'relaxed' },
  { changes: [blocks('one.db', 5, 2, 7)], durability: 'strict' },
  // Cut and extended in one commit: what lies between must read as zeros.
  { changes: [{ ...blocks('one.db', 4, 1, 8), truncateTo: 1 }], durability: 'strict' },
];

const DEFERRED: readonly Step[] = [
  { changes: [blocks('one.db', 0, 2, 1)], durability: 'deferred' },
  { changes: [blocks('one.db', 1, 2, 2), blocks('two.db', 0, 2, 2)], durability: 'deferred' },
  { changes: [blocks('two.db', 0, 1, 3)], durability: 'deferred' },
  { changes: [blocks('one.db', 0, 1, 4)], durability: 'relaxed' },
  { changes: [blocks('one.db', 0, 1, 5)], durability: 'deferred' },
  { changes: [blocks('one.db', 2, 1, 6)], durability: 'deferred' },
  { changes: [blocks('two.db', 1, 1, 7)], durability: 'strict' },
  { changes: [blocks('two.db', 0, 1, 8)], durability: 'deferred' },
];

const SPILLS: readonly Step[] = [
  { changes: [blocks('one.db', 0, 2, 1)], durability: 'strict' },
  { changes: [blocks('one.db', 0, 70, 2)], durability: 'strict' },
  { changes: [blocks('one.db', 10, 50, 3)], durability: 'relaxed', rolledBack: 'late' },
  { changes: [blocks('one.db', 60, 20, 4), blocks('two.db', 0, 40, 4)], durability: 'relaxed' },
  { changes: [blocks('two.db', 0, 45, 5)], durability: 'strict', rolledBack: 'early' },
  { changes: [{ ...blocks('one.db', 3, 1, 6), truncateTo: 5 }], durability: 'strict' },
];

/** 66 commits, so that the 64th is a checkpoint; the last ones over two files. */
const CHECKPOINT: readonly Step[] = Array.from({ length: 66 }, (_, i) => ({
  changes: [
    blocks('one.db', i % 5, 2, i + 1),
    ...(i > 60 ? [blocks('two.db', i % 3, 1, i + 1)] : []),
  ],
  durability: (['strict', 'relaxed', 'relaxed'] as const)[i % 3] ?? 'strict',
}));

describe('at every crash point of the block store', { timeout: 120_000 }, () => {
  test('strict and relaxed commits, over one and two files', async () => {
    await expectNoViolation(planFor(STRICT_THEN_RELAXED));
  });

  test('the same, when every commit is checked against its base', async () => {
    await expectNoViolation(planFor(STRICT_THEN_RELAXED, { exclusive: false }));
  });

  test('deferred commits', async () => {
    await expectNoViolation(planFor(DEFERRED));
  });

  test('spills, and their rollback', async () => {
    await expectNoViolation(planFor(SPILLS));
  });

  test('a checkpoint', async () => {
    await expectNoViolation(planFor(CHECKPOINT));
  });

  test('spills and deferred commits, when the recovery crashes as well', async () => {
    await expectNoViolation(planFor(SPILLS), { depth: 2 });
    await expectNoViolation(planFor(DEFERRED), { depth: 2 });
  });
});
