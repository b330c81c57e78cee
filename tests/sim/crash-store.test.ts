/**
 * The block store, crashed after every turn of the simulation under every outcome of the medium: longer
 * workloads than those of the gates, and crashes of the recovery itself.
 */
import { describe, test } from 'vitest';
import { blocks, expectNoViolation, planFor } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import type { Step } from '../support/store-model.ts';

useGlobals();

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
  { changes: [blocks('one.db', 0, 300, 2)], durability: 'strict' },
  { changes: [blocks('one.db', 10, 250, 3)], durability: 'relaxed', rolledBack: 'late' },
  { changes: [blocks('one.db', 280, 130, 4), blocks('two.db', 0, 150, 4)], durability: 'relaxed' },
  { changes: [blocks('two.db', 0, 260, 5)], durability: 'strict', rolledBack: 'early' },
  { changes: [{ ...blocks('one.db', 3, 1, 6), truncateTo: 5 }], durability: 'strict' },
];

/** 66 commits, so that the 64th is a checkpoint; the last ones over two files. */
const CHECKPOINT: readonly Step[] = Array.from({ length: 66 }, (_, i) => ({
  changes: [
    // Every commit supersedes a whole segment, that of the commit three before.
    blocks('one.db', 2 * (i % 3), 2, i + 1),
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
