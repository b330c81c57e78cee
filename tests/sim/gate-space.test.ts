/**
 * P11: space is returned.
 *
 * Method: hundreds of commits with kills between and amid them, spills rolled back and pinned snapshots.
 * The records in the store are counted past all code under test. Bounds (docs/FORMAT.md §7, §8): a file
 * has at most 128 commit records; a superseded segment goes at the second checkpoint after, and there is
 * one every 64 commits or 64 superseded segments.
 */
import { describe, expect, test } from 'vitest';
import { editRecords, type Outcome, SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks, expectNoOrphans, onlyOutcome } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { Seeded } from '../support/seeded.ts';
import { type Change, Store, VOLUME } from '../support/store-dsl.ts';
import { changed } from '../support/store-model.ts';

const PATH = 'one.db';
const BLOCKS = 60;
const COMMIT_RECORDS_MAX = 128;
/** Two checkpoints' worth of segments that wait, each with what one more commit may add. */
const WAITING_MAX = 2 * (64 + 4);

useGlobals();

function scattered(random: Seeded, mark: number): Change {
  const writes = new Map<number, number>();
  for (let i = random.between(1, 4); i > 0; i--) writes.set(random.between(0, BLOCKS - 1), mark);
  return { path: PATH, writes };
}

/** A program that is killed now and then, and its successors. */
class Churn {
  readonly random: Seeded;
  sim: SimulatedIndexedDB;
  store: Store;
  commits = 0;
  kills = 0;

  private constructor(random: Seeded, sim: SimulatedIndexedDB, store: Store) {
    this.random = random;
    this.sim = sim;
    this.store = store;
  }

  static async start(seed: number): Promise<Churn> {
    const sim = new SimulatedIndexedDB({ seed, trace: false });
    const store = await Store.open({ factory: sim, paths: [PATH] });
    return new Churn(new Seeded(seed, 11), sim, store);
  }

  async commit(): Promise<void> {
    this.commits++;
    const durability = this.random.pick(['strict', 'relaxed'] as const);
    await this.store.commit([scattered(this.random, this.commits)], durability);
  }

  /** The process dies, some turns into a commit or a spill. */
  async kill(): Promise<void> {
    const { sim, random } = this;
    const last = sim.turn + random.between(1, 8);
    const dead = new Promise<Outcome>((resolve) => {
      sim.onTurn((turn) => {
        if (turn < last) return;
        const outcomes = sim.outcomes('process');
        sim.halt();
        resolve(random.pick(outcomes));
      });
    });
    const spills = random.chance(0.5);
    const doomed = spills
      ? this.store.rollBack([blocks(PATH, 0, 250, 7)], 'late')
      : this.store.commit([scattered(random, 1)], 'strict');
    const survived = doomed.then(() => sim.idle()).then(() => onlyOutcome(sim));
    const outcome = await Promise.race([dead, survived]);
    sim.halt();
    this.kills++;
    this.sim = sim.fork(outcome, { trace: false });
    this.store = await Store.open({ factory: this.sim, paths: [PATH], context: this.kills + 1 });
  }

  count(name: 'segments' | 'commits'): number {
    return editRecords(onlyOutcome(this.sim), VOLUME).keys(name).length;
  }

  get live(): number {
    return this.store.file(PATH).state.live.liveCount;
  }

  async expectBounded(): Promise<void> {
    await this.sim.idle();
    expect(this.count('commits')).toBeLessThanOrEqual(COMMIT_RECORDS_MAX);
    expect(this.count('segments') - this.live).toBeLessThanOrEqual(WAITING_MAX);
    expectNoOrphans(this.sim, this.store);
  }
}

describe('churn', { timeout: 120_000 }, () => {
  test.each([1, 2, 3])(
    'with kills (seed %i): bounded at any time, nothing unlisted',
    async (seed) => {
      const churn = await Churn.start(seed);
      for (let round = 0; round < 60; round++) {
        for (let i = churn.random.between(5, 20); i > 0; i--) await churn.commit();
        await churn.expectBounded();
        if (churn.random.chance(0.5)) await churn.kill();
      }
      expect(churn.commits).toBeGreaterThan(400);
      expect(churn.kills).toBeGreaterThan(10);
      await churn.commit();
      const report = await churn.store.verifyBlocks(PATH);
      expect([report.unlistedSegments, report.pendingSegments, report.defects]).toEqual([0, 0, []]);
      await churn.store.close();
    },
  );

  test('a pinned snapshot keeps its segments, and no longer than it is held', async () => {
    const churn = await Churn.start(9);
    await churn.store.commit([blocks(PATH, 0, BLOCKS, 1)], 'strict');
    const file = churn.store.file(PATH);
    const pinned = await churn.store.pin(PATH);
    const before = await pinned.read();
    for (let i = 0; i < 300; i++) await churn.commit();
    file.reader.clear();
    expect(await pinned.read()).toEqual(before);
    await churn.sim.idle();
    const whilePinned = churn.count('segments');
    expect(whilePinned - churn.live).toBeGreaterThan(WAITING_MAX);
    pinned.release();
    for (let i = 0; i < 130; i++) await churn.commit();
    await churn.expectBounded();
    expect(churn.count('segments')).toBeLessThan(whilePinned);
    await churn.store.close();
  });

  test('a file that shrinks gives its segments back, a file that is deleted all of them', async () => {
    const churn = await Churn.start(4);
    const whole = blocks(PATH, 0, 2400, 1);
    await churn.store.commit([whole], 'strict');
    const cut: Change = { path: PATH, writes: new Map([[0, 5]]), truncateTo: 1 };
    await churn.store.commit([cut], 'strict');
    const expected = changed(changed({ version: 0, blockBytes: 512, marks: [] }, whole), cut);
    for (let i = 0; i < 200; i++) {
      await churn.store.commit([{ path: PATH, writes: new Map([[0, 5]]) }], 'relaxed');
    }
    expect((await churn.store.read(PATH)).marks).toEqual(expected.marks);
    await churn.expectBounded();
    expect(churn.live).toBe(1);
    await churn.store.close();
    const other = await Store.open({ factory: churn.sim, paths: [] });
    await other.volume.delete(PATH);
    await other.close();
    await churn.sim.idle();
    expect([churn.count('segments'), churn.count('commits')]).toEqual([0, 0]);
  });

  test('null control: a bound of nothing is passed', async () => {
    const churn = await Churn.start(1);
    for (let i = 0; i < 80; i++) await churn.commit();
    await churn.sim.idle();
    expect(churn.count('segments') - churn.live).toBeGreaterThan(10);
    expect(churn.count('commits')).toBeGreaterThan(64);
  });
});
