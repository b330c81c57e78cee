/**
 * Runs one workload of every kind of access with one fault in it: a failed commit is reported once and
 * changes nothing, the next one works without reopening.
 *
 * After every step each file is read from the store and compared with the model. A program is taken to
 * repeat what failed. A fault that persists is lifted when the program has seen its first error.
 */

import { BlockStoreError, CommitUnknownError } from '../../src/errors.js';
import { editRecords, type Outcome, SimulatedIndexedDB } from '../../src/testing/index.js';
import type { Timer } from '../../src/timer.js';
import { blocks, expectFiles, onlyOutcome, PATHS } from './crash-plan.ts';
import { Store, type StoreOptions, UNIT_BYTES, VOLUME } from './store-dsl.ts';
import { readAll, type Step, StoreModel, sameFiles } from './store-model.ts';

/** Create, commit, two files, spill, cut, checkpoint with another block size, one block. */
export const FAULT_STEPS: readonly Step[] = [
  { changes: [blocks('one.db', 0, 3, 1)], durability: 'strict' },
  { changes: [blocks('one.db', 1, 2, 2), blocks('two.db', 0, 2, 2)], durability: 'relaxed' },
  { changes: [blocks('one.db', 0, 250, 3)], durability: 'strict' },
  { changes: [{ ...blocks('two.db', 3, 1, 4), truncateTo: 1 }], durability: 'strict' },
  { changes: [{ ...blocks('two.db', 0, 2, 5), blockBytes: 2 * UNIT_BYTES }], durability: 'strict' },
  { changes: [blocks('two.db', 1, 2, 6), blocks('one.db', 4, 1, 6)], durability: 'relaxed' },
];
const MODEL = new StoreModel(PATHS, FAULT_STEPS);

export interface FaultRun {
  readonly turns: number;
  /** Errors that the program saw. */
  readonly errors: readonly Error[];
  /** What is in the store at the end. */
  readonly outcome: Outcome;
}

export interface FaultRunOptions extends Partial<StoreOptions> {
  /** How many failures the program may see. Default 1: one for each fault. */
  readonly errorsMax?: number;
  readonly seed?: number;
  /** Puts something between the store and the simulation. */
  readonly wrap?: (sim: SimulatedIndexedDB) => IDBFactory;
}

/** Brings a fault about. @returns what lifts it, if it persists */
export type Arm = (sim: SimulatedIndexedDB) => (() => void) | undefined;

export async function runWithFault(arm: Arm, options: FaultRunOptions = {}): Promise<FaultRun> {
  const { errorsMax = 1, seed = 1, wrap, ...rest } = options;
  const sim = new SimulatedIndexedDB({ seed, trace: false });
  const factory = wrap?.(sim) ?? sim;
  const store = await Store.open({ paths: PATHS, ...rest, factory });
  const lift = arm(sim);
  const program = new Program(errorsMax, lift);
  for (const [i, { changes, durability }] of FAULT_STEPS.entries()) {
    const before = program.errors.length;
    const isAcknowledged = await program.attempt(async () => {
      if (program.errors.length > before) {
        // A commit that cannot be told is the one case where it may be there after all.
        if (program.errors.at(-1) instanceof CommitUnknownError && (await isAt(store, i + 1))) {
          return false;
        }
        await expectFiles(store, MODEL.at(i), 'a failed commit');
      }
      await store.commit(changes, durability);
      return true;
    });
    if (durability === 'strict' && isAcknowledged) expectDurable(sim, store);
    await program.attempt(async () => {
      // What the cache has need not be asked for: the store is what counts.
      for (const file of store.files.values()) if (file.record) file.reader.clear();
      await expectFiles(store, MODEL.at(i + 1), `step ${i + 1}`);
    });
  }
  await program.attempt(() => store.close());
  sim.faults = {};
  sim.quota = undefined;
  await sim.idle();
  const outcome = onlyOutcome(sim);
  const again = await Store.open({ factory: sim.fork(outcome), paths: PATHS });
  await expectFiles(again, MODEL.at(FAULT_STEPS.length), 'the end');
  return { turns: sim.turn, errors: program.errors, outcome };
}

/** A quarter of the limit: silence lasts four or five of them. */
const TICK_MS = 5;

/** Short waits pass at once, limits soon. */
export const shortTimer: Timer = (ms, callback) => {
  if (ms < 1000) queueMicrotask(callback);
  const timer = ms < 1000 ? undefined : setTimeout(callback, TICK_MS);
  return () => clearTimeout(timer);
};

/** Repeats what fails, and keeps what it was told. */
export class Program {
  readonly errors: Error[] = [];
  readonly #errorsMax: number;
  readonly #lift: (() => void) | undefined;

  constructor(errorsMax: number, lift: (() => void) | undefined) {
    this.#errorsMax = errorsMax;
    this.#lift = lift;
  }

  async attempt<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof BlockStoreError)) throw error;
        this.errors.push(error);
        this.#lift?.();
        if (this.errors.length > this.#errorsMax) {
          throw new Error(`Failed again: ${this.errors.join('; ')}`, { cause: error });
        }
      }
    }
  }
}

/** P2: whatever was acknowledged as strict is there after a power cut, also if its end was not seen. */
function expectDurable(sim: SimulatedIndexedDB, store: Store): void {
  for (const outcome of sim.outcomes('power')) {
    const kept = editRecords(outcome, VOLUME).keys('commits').map(String);
    for (const { record, state } of store.files.values()) {
      const key = String([record?.file, state.map.version]);
      if (state.map.version > 0 && !kept.includes(key)) {
        throw new Error(`A power cut now loses strict commit [${key}]`);
      }
    }
  }
}

async function isAt(store: Store, commit: number): Promise<boolean> {
  return sameFiles(await readAll(store), MODEL.at(commit));
}

/** Calls `each` with 1, 2, 3 … until it says that there was no such place. */
export async function everywhere(each: (n: number) => Promise<boolean>): Promise<number> {
  for (let n = 1; ; n++) {
    try {
      if (!(await each(n))) return n - 1;
    } catch (error) {
      throw new Error(`At place ${n}: ${String(error)}`, { cause: error });
    }
  }
}
