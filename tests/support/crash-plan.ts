/**
 * What a crash of the block store must leave: workloads as plans for `everyCrashPoint`, and the checks
 * after each recovery.
 *
 *   opens · every file has the content of one commit, the same for all · that commit is one of those
 *   allowed · nothing lies above the marker · `verify` finds nothing · recovering again changes nothing
 *   · one more commit works
 */
import {
  type CrashContext,
  type CrashOptions,
  type CrashPlan,
  type CrashReport,
  editRecords,
  everyCrashPoint,
  type Outcome,
  type SimulatedIndexedDB,
} from '../../src/testing/index.js';
import { type Change, type Content, Store, type StoreOptions, VOLUME } from './store-dsl.ts';
import {
  changed,
  describe,
  type Files,
  type Notice,
  readAll,
  type Step,
  StoreModel,
  sameFiles,
} from './store-model.ts';

export const PATHS: readonly string[] = ['one.db', 'two.db'];
const EXTRA_MARK = 0xffffff;

export interface PlanOptions extends Omit<StoreOptions, 'factory' | 'paths' | 'onCommit'> {
  /** Default {@link PATHS}. */
  readonly paths?: readonly string[];
  /** Steps that were done before the workload, whose outcome it starts from. */
  readonly prior?: readonly Step[];
  /** Compare contents only, which is quicker. */
  readonly contentOnly?: boolean;
}

export type StorePlan = CrashPlan<Notice, Store>;
type Crash = CrashContext<Notice, Store>;

/** Writes `count` blocks from `first` on, each with a mark of its own. */
export function blocks(path: string, first: number, count: number, mark: number): Change {
  const writes = new Map<number, number>();
  for (let block = first; block < first + count; block++) writes.set(block, mark * 4096 + block);
  return { path, writes };
}

/** Runs the steps, says what began and what was acknowledged. @returns the store, open */
export async function runSteps(
  open: () => Promise<Store>,
  steps: readonly Step[],
  acknowledge: (notice: Notice) => void,
): Promise<Store> {
  let store = await open();
  let commit = 0;
  for (const { changes, durability, rolledBack, first } of steps) {
    if (first === 'drain') await store.volume.committer.drained();
    if (first === 'reopen') {
      await store.close();
      store = await open();
    }
    if (rolledBack) {
      await store.rollBack(changes, rolledBack);
      continue;
    }
    commit++;
    acknowledge({ commit, what: 'began', durability });
    await store.commit(changes, durability);
    acknowledge({ commit, what: 'acknowledged', durability });
  }
  return store;
}

export function planFor(steps: readonly Step[], options: PlanOptions = {}): StorePlan {
  const { paths = PATHS, prior = [], contentOnly = false, ...rest } = options;
  const model = new StoreModel(paths, [...prior, ...steps]);
  const before = prior.filter(({ rolledBack }) => !rolledBack).length;
  const durabilities = steps.flatMap((s) => (s.rolledBack ? [] : [s.durability]));
  const open = (factory: IDBFactory, context: number, more: Partial<StoreOptions> = {}) =>
    Store.open({ ...rest, factory, paths, context, ...more });
  return {
    workload: async ({ factory, acknowledge }) => {
      const onCommit = (path: string, version: number) => {
        const commit = model.commitOf(path, version);
        const durability = durabilities[commit - before - 1] ?? 'strict';
        acknowledge({ commit, what: 'complete', durability });
      };
      const store = await runSteps(
        () => open(factory, 1, { onCommit }),
        steps,
        (notice) => acknowledge({ ...notice, commit: notice.commit + before }),
      );
      await store.close();
    },
    recover: (factory) => open(factory, 2),
    check: async (crash) => {
      const { recovered, kind } = crash;
      const known: Notice = { commit: before, what: 'acknowledged', durability: 'strict' };
      const acknowledged = [known, ...crash.acknowledged];
      const commit = await model.verify(recovered, { acknowledged, kind });
      if (contentOnly) return;
      await expectSound(recovered);
      if (rest.exclusive ?? true) expectNoOrphans(crash.factory, recovered);
      await recovered.close();
      const again = await recoverAgain(crash, () => open(crash.factory, 3));
      const expected = await commitOnceMore(again, model.at(commit));
      await again.close();
      const last = await open(crash.factory, 4);
      await expectFiles(last, expected, 'one more commit');
      await last.close();
    },
  };
}

/** What a program finds that starts on the outcome of these steps. */
export async function outcomeOf(
  steps: readonly Step[],
  open: (factory: SimulatedIndexedDB) => Promise<Store>,
  sim: SimulatedIndexedDB,
): Promise<Outcome> {
  const store = await runSteps(
    () => open(sim),
    steps,
    () => undefined,
  );
  await store.close();
  await sim.idle();
  return onlyOutcome(sim);
}

/** What is there when nothing is in flight. */
export function onlyOutcome(sim: SimulatedIndexedDB): Outcome {
  const [outcome, ...others] = sim.outcomes('process');
  if (!outcome || others.length > 0) throw new Error('The simulation has not come to rest.');
  return outcome;
}

async function expectSound(store: Store): Promise<void> {
  for (const path of store.files.keys()) {
    const [defect] = await store.verify(path);
    if (defect) throw new Error(`verify of ${path} found a defect`, { cause: defect.error });
  }
}

export async function expectFiles(store: Store, expected: Files, when: string): Promise<void> {
  const found = await readAll(store);
  if (sameFiles(found, expected)) return;
  throw new Error(`After ${when}: ${describe(found)}, expected ${describe(expected)}`);
}

/** What nobody committed is gone when the holder of the writer lock has opened the files. */
export function expectNoOrphans(factory: SimulatedIndexedDB, store: Store): void {
  const markers = new Map<number, number>();
  for (const { record, state } of store.files.values()) {
    if (record) markers.set(record.file, state.map.version);
  }
  for (const outcome of factory.outcomes('process')) {
    const above = editRecords(outcome, VOLUME)
      .keys('segments')
      .filter((key) => {
        const [file, version] = key as [file: number, version: number];
        return version > (markers.get(file) ?? 0);
      });
    if (above.length > 0) throw new Error(`Orphans are left: ${JSON.stringify(above)}`);
  }
}

/** Recovering what is recovered leaves the very same states. */
async function recoverAgain({ factory }: Crash, open: () => Promise<Store>): Promise<Store> {
  await factory.idle();
  const before = [...onlyOutcome(factory).databases.values()];
  const store = await open();
  await factory.idle();
  const after = [...onlyOutcome(factory).databases.values()];
  const same = before.length === after.length && before.every((state, i) => state === after[i]);
  if (!same) throw new Error('Recovering again changed something.');
  return store;
}

/** One more commit over all files. @returns what it leaves */
async function commitOnceMore(store: Store, before: Files): Promise<Files> {
  const changes = [...before.keys()].map((path) => ({ path, writes: new Map([[0, EXTRA_MARK]]) }));
  await store.commit(changes, 'strict');
  const after = new Map<string, Content>();
  for (const change of changes) {
    const content = before.get(change.path);
    if (content) after.set(change.path, changed(content, change));
  }
  return after;
}

/** A report as text that is empty if all is well. */
export function complaintsOf(report: Pick<CrashReport, 'violations'>): string {
  return report.violations
    .map(({ line, after, error }) => `${line}\n  after ${after.join(', then ')}\n  ${told(error)}`)
    .join('\n');
}

function told(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  return cause === undefined ? String(error) : `${String(error)}: ${told(cause)}`;
}

/** Crashes the plan everywhere. @throws with replay lines if there is a violation */
export async function expectNoViolation(
  plan: StorePlan,
  options: CrashOptions = {},
): Promise<CrashReport> {
  const report = await everyCrashPoint(plan, options);
  const complaints = complaintsOf(report);
  if (complaints !== '') throw new Error(complaints);
  return report;
}
