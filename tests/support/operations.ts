/**
 * The alphabet of operations whose sequences are crashed everywhere, each as steps on a store that
 * stands somewhere.
 */
import type { Durability } from '../../src/types.js';
import { blocks } from './crash-plan.ts';
import { type Change, type Content, UNIT_BYTES } from './store-dsl.ts';
import { changed, type Files, type Step, StoreModel } from './store-model.ts';

export const OPERATION_PATHS: readonly string[] = ['one.db', 'two.db', 'three.db'];

/** Where an operation begins. */
interface Situation {
  readonly one: Content;
  /** Differs between the operations of a sequence, and so do the marks. */
  readonly mark: number;
  readonly durability: Durability;
}

export type Operation = (at: Situation) => Step;

/** More entries than a commit record lists. */
const UNLISTED_BLOCKS = 2049;

function blockCount({ marks, blockBytes }: Content): number {
  return Math.ceil((marks.length * UNIT_BYTES) / blockBytes);
}

/** Writes the same bytes whatever the block size is. */
function many({ one, mark }: Situation, units: number): Change {
  const perBlock = one.blockBytes / UNIT_BYTES;
  return blocks('one.db', 0, Math.ceil(units / perBlock), mark);
}

/** Every second block of the other size, so that the rest is put together from the old blocks. */
function resized({ one, mark }: Situation): Change {
  const blockBytes = one.blockBytes === UNIT_BYTES ? 2 * UNIT_BYTES : UNIT_BYTES;
  const end = Math.ceil((one.marks.length * UNIT_BYTES) / blockBytes) + 1;
  const writes = new Map<number, number>();
  for (let block = 0; block < end; block += 2) writes.set(block, mark * 4096 + block);
  return { path: 'one.db', writes, blockBytes };
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'one block': ({ mark, durability }) => ({
    changes: [blocks('one.db', 1, 1, mark)],
    durability,
  }),
  'many blocks': (at) => ({ changes: [many(at, 130)], durability: at.durability }),
  truncate: ({ one, mark, durability }) => {
    const kept = Math.floor(blockCount(one) / 2);
    const truncateTo = (kept * one.blockBytes) / UNIT_BYTES;
    return { changes: [{ ...blocks('one.db', 0, 1, mark), truncateTo }], durability };
  },
  'grow sparsely': ({ one, mark, durability }) => ({
    changes: [blocks('one.db', blockCount(one) + 40, 1, mark)],
    durability,
  }),
  spill: (at) => ({ changes: [many(at, 250)], durability: at.durability }),
  'spill and roll back': (at) => ({
    changes: [many(at, 250)],
    durability: at.durability,
    rolledBack: 'late',
  }),
  'two files': ({ mark, durability }) => ({
    changes: [blocks('one.db', 0, 2, mark), blocks('two.db', 1, 2, mark)],
    durability,
  }),
  checkpoint: (at) => ({
    changes: [blocks('one.db', 0, UNLISTED_BLOCKS, at.mark)],
    durability: at.durability,
  }),
  'page size': (at) => ({ changes: [resized(at)], durability: at.durability }),
  deferred: ({ mark }) => ({
    changes: [blocks('one.db', 2, 1, mark), blocks('two.db', 0, 1, mark)],
    durability: 'deferred',
  }),
  'new file': ({ mark, durability }) => ({
    changes: [blocks('three.db', 0, 2, mark)],
    durability,
  }),
  reopen: ({ mark, durability }) => ({
    changes: [blocks('one.db', 0, 1, mark)],
    durability,
    first: 'reopen',
  }),
};

interface Course {
  /** Of the operations in turn, from the first again when they are used up. */
  readonly durabilities: readonly Durability[];
  /** What was done before. */
  readonly prior?: readonly Step[];
}

/** The steps of a sequence of operations out of the alphabet. */
export function stepsOf(names: readonly string[], course: Course): Step[] {
  const operations = names.map((name) => {
    const operation = OPERATIONS[name];
    if (!operation) throw new Error(`There is no operation "${name}"`);
    return operation;
  });
  return stepsFrom(operations, course);
}

export function stepsFrom(operations: readonly Operation[], course: Course): Step[] {
  const { durabilities, prior = [] } = course;
  const model = new StoreModel(OPERATION_PATHS, prior);
  let files: Files = model.at(model.commits);
  return operations.map((operation, i) => {
    const one = files.get('one.db');
    const durability = durabilities[i % durabilities.length];
    if (!one || !durability) throw new Error('There is no durability to choose from.');
    const step = operation({ one, mark: prior.length + i + 1, durability });
    if (!step.rolledBack) files = after(files, step);
    return step;
  });
}

function after(files: Files, step: Step): Files {
  const next = new Map(files);
  for (const change of step.changes) {
    const before = next.get(change.path);
    if (before) next.set(change.path, changed(before, change));
  }
  return next;
}

/** The files that these steps write to: what nobody writes to need not be opened. */
export function pathsOf(steps: readonly Step[]): string[] {
  const used = new Set(steps.flatMap(({ changes }) => changes.map(({ path }) => path)));
  return OPERATION_PATHS.filter((path) => used.has(path));
}

/** All sequences of `length` operations. */
export function* sequences(length: number): Generator<string[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const name of Object.keys(OPERATIONS)) {
    for (const rest of sequences(length - 1)) yield [name, ...rest];
  }
}

/** So many commits of one block each, the last of them just before a checkpoint if it is 63. */
export function smallCommits(count: number): Step[] {
  return Array.from({ length: count }, (_, i) => ({
    changes: [blocks('one.db', i % 5, 1, i + 1)],
    durability: 'relaxed',
  }));
}
