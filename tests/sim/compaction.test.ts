/**
 * P11: a file that is written here and there stays within twice its live bytes, and what goes along with its
 * commits changes nothing that SQLite sees, through crashes and damage as well.
 *
 * Method: thousands of small commits all over a file; the records in the store are measured past all code
 * under test. Bounds: docs/FORMAT.md §8.
 */
import { describe, expect, test, vi } from 'vitest';
import { Compactor } from '../../src/blockstore/compactor.js';
import { editRecords, SimulatedIndexedDB } from '../../src/testing/index.js';
import { expectNoViolation, onlyOutcome, outcomeOf, planFor } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { Seeded } from '../support/seeded.ts';
import { type Change, Store, type StoreOptions, UNIT_BYTES, VOLUME } from '../support/store-dsl.ts';
import type { Step } from '../support/store-model.ts';

const PATH = 'one.db';
const BLOCKS = 4000;
const LIVE_BYTES = BLOCKS * UNIT_BYTES;
const COMMITS = 2000;
const SPACE_MAX = 2;
const WRITTEN_MAX = 2.5;

useGlobals();

function whole(blockCount: number, mark: number): Change {
  const writes = new Map(Array.from({ length: blockCount }, (_, block) => [block, mark] as const));
  return { path: PATH, writes };
}

/** Block 0, as SQLite's change counter, and one to three others. */
function scattered(random: Seeded, blockCount: number, mark: number): Change {
  const writes = new Map([[0, mark]]);
  for (let i = random.between(1, 3); i > 0; i--)
    writes.set(random.between(1, blockCount - 1), mark);
  return { path: PATH, writes };
}

function storedBytes(sim: SimulatedIndexedDB): number {
  const records = editRecords(onlyOutcome(sim), VOLUME);
  let bytes = 0;
  for (const key of records.keys('segments')) {
    bytes += (records.get('segments', key) as ArrayBuffer).byteLength;
  }
  return bytes;
}

class Churned {
  readonly sim = new SimulatedIndexedDB({ seed: 1, trace: false });
  readonly marks: number[] = new Array<number>(BLOCKS).fill(1);
  /** The most bytes of segments there were, for each live byte. */
  worst = 0;
  /** Blocks that the commits were for. */
  written = 0;

  async churn(options: Partial<StoreOptions> = {}): Promise<Store> {
    const store = await Store.open({ factory: this.sim, paths: [PATH], ...options });
    await store.commit([whole(BLOCKS, 1)], 'relaxed');
    const random = new Seeded(1, 7);
    for (let i = 1; i <= COMMITS; i++) {
      const change = scattered(random, BLOCKS, 1 + (i % 250));
      for (const [block, mark] of change.writes) this.marks[block] = mark;
      this.written += change.writes.size;
      await store.commit([change], 'relaxed');
      if (i % 50 > 0) continue;
      await this.sim.idle();
      this.worst = Math.max(this.worst, storedBytes(this.sim) / LIVE_BYTES);
    }
    return store;
  }
}

describe('churn', { timeout: 120_000 }, () => {
  test.each([
    ['whole', {}],
    ['an eighth', { cacheBytes: LIVE_BYTES / 8 }],
  ])('with %s of the file in memory', async (_how, options) => {
    const churned = new Churned();
    const store = await churned.churn(options);
    expect(churned.worst).toBeLessThan(SPACE_MAX);
    const { carried } = store.file(PATH).compactor;
    expect(carried).toBeGreaterThan(COMMITS);
    expect((churned.written + carried) / churned.written).toBeLessThan(WRITTEN_MAX);
    expect((await store.read(PATH)).marks).toEqual(churned.marks);
    const report = await store.verifyBlocks(PATH);
    expect([report.unlistedSegments, report.defects]).toEqual([0, []]);
    await store.close();
    const again = await Store.open({ factory: churned.sim, paths: [PATH] });
    expect((await again.read(PATH)).marks).toEqual(churned.marks);
    // What is known of the segments is known again.
    const [before, after] = [store, again].map((s) => s.file(PATH).state.live);
    expect([after?.liveBlocks, after?.liveCount]).toEqual([before?.liveBlocks, before?.liveCount]);
    expect(after?.liveSlots).toBeLessThanOrEqual(before?.liveSlots ?? 0);
    expect(after?.liveSlots).toBeGreaterThan(BLOCKS);
    await again.close();
  });

  test('null control: without it, more than is allowed', async () => {
    vi.spyOn(Compactor.prototype, 'carry').mockReturnValue(undefined);
    const churned = new Churned();
    const store = await churned.churn();
    vi.restoreAllMocks();
    expect(churned.worst).toBeGreaterThan(SPACE_MAX);
    await store.close();
  });
});

describe('a file that is being compacted', { timeout: 120_000 }, () => {
  const SMALL = 400;
  const random = new Seeded(3, 1);
  const prior: Step[] = [whole(SMALL, 1), ...steps(200)].map((change) => ({
    changes: [change],
    durability: 'relaxed',
  }));
  function steps(count: number): Change[] {
    return Array.from({ length: count }, (_, i) => scattered(random, SMALL, 2 + i));
  }
  const churned = () =>
    outcomeOf(
      prior,
      (factory) => Store.open({ factory, paths: [PATH] }),
      new SimulatedIndexedDB({ trace: false }),
    );

  test('crashes anywhere, and is as before a commit or after it', async () => {
    const next = steps(3).map((change): Step => ({ changes: [change], durability: 'relaxed' }));
    const plan = planFor(next, { paths: [PATH], prior });
    const carry = vi.spyOn(Compactor.prototype, 'carry');
    const { recoveries } = await expectNoViolation(plan, { from: await churned() });
    expect(recoveries).toBeGreaterThan(20);
    const compactors = new Set(carry.mock.contexts as Compactor[]);
    expect([...compactors].some(({ carried }) => carried > 0)).toBe(true);
    vi.restoreAllMocks();
  });

  test('goes on where a block is damaged, which whoever reads it is told', async () => {
    const outcome = await churned();
    const records = editRecords(outcome, VOLUME);
    // A bit of the second block of each segment: the first is block 0, dead as a rule.
    const bit = 8 * UNIT_BYTES + 9;
    for (const key of records.keys('segments')) records.flipBit('segments', key, bit);
    const sim = new SimulatedIndexedDB({ trace: false }, records.outcome().databases);
    const store = await Store.open({ factory: sim, paths: [PATH] });
    for (const change of steps(60)) await store.commit([change], 'relaxed');
    expect(store.file(PATH).compactor.carried).toBeGreaterThan(0);
    const report = await store.verifyBlocks(PATH);
    expect(report.defects.length).toBeGreaterThan(0);
    await expect(store.read(PATH)).rejects.toThrow(/checksum/);
    await store.close();
  });
});
