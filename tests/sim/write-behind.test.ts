/**
 * Deferred commits: when they are sent, which share an idbTx, and what becomes of them.
 *
 * P3: whatever lands ends with a commit. P6: a loss is told. P8: an idbTx that landed unheard is known.
 */
import { describe, expect, test } from 'vitest';
import type { Flush, IdleTimer, WriteBehindLimits } from '../../src/blockstore/write-behind.js';
import { ConnectionLostError, QuotaError, StorageError } from '../../src/errors.js';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import { closeInNextCommit } from '../support/close-in-commit.ts';
import { blocks, PATHS } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { soon } from '../support/soon.ts';
import { UNIT_BYTES as BLOCK, Store } from '../support/store-dsl.ts';
import { AT_ONCE } from '../support/write-behind.ts';

useGlobals();

const MIB = 1024 * 1024;
const [ONE = '', TWO = ''] = PATHS;

/** A store whose clock and idle time the test moves. */
async function waiting(limits: Partial<WriteBehindLimits> = {}) {
  const sim = new SimulatedIndexedDB({ trace: false });
  const flushes: Flush[] = [];
  const pressure: boolean[] = [];
  const clock = { ms: 0 };
  const timers: { ms: number; callback: (isIdle: boolean) => void }[] = [];
  const idleTimer: IdleTimer = (ms, callback) => {
    const timer = { ms, callback };
    timers.push(timer);
    return () => timers.splice(timers.indexOf(timer), 1);
  };
  const store = await Store.open({
    factory: sim,
    paths: PATHS,
    spillBytes: 4 * MIB,
    writeBehind: {
      limits: { ...AT_ONCE.limits, maxDelayMs: 100, ...limits },
      idleTimer,
      monotonicMs: () => clock.ms,
      onFlush: (flush) => flushes.push(flush),
      onPressure: (waits) => pressure.push(waits),
    },
  });
  for (const path of [ONE, TWO]) await store.file(path).create('xxhash32');
  const { committer } = store.volume;
  /** `count` sqliteTxs that write one block each. */
  const commit = async (count: number, path = ONE) => {
    for (let i = 0; i < count; i++) await store.commit([blocks(path, i % 3, 1, i)], 'deferred');
  };
  /** The clock is moved, and the one timer there is fires. */
  const fire = (ms: number, isIdle: boolean) => {
    clock.ms += ms;
    expect(timers).toHaveLength(1);
    timers.shift()?.callback(isIdle);
  };
  const sizes = () => flushes.map(({ commits }) => commits);
  const landed = (count: number) =>
    soon(() => expect(sizes().reduce((sum, size) => sum + size, 0)).toBe(count));
  return { sim, store, committer, commit, fire, timers, clock, flushes, sizes, pressure, landed };
}

describe('when', () => {
  test('nothing is sent before the delay has passed, and then all that waits', async () => {
    const { sim, committer, commit, fire, timers, sizes, landed } = await waiting();
    await commit(1);
    expect(timers[0]?.ms).toBe(100);
    await commit(4);
    await sim.idle();
    expect(sizes()).toEqual([]);
    expect(committer.deferredCommits).toBe(5);
    fire(100, false);
    await landed(5);
    expect(sizes()).toEqual([5]);
    expect(committer).toMatchObject({ deferredCommits: 0, deferredBytes: 0 });
    expect(timers).toHaveLength(0);
  });

  test('an idle context sends at once; a timer that finds a commit just made looks again', async () => {
    const { commit, fire, timers, clock, sizes, landed } = await waiting();
    await commit(2);
    fire(10, true);
    await landed(2);
    await commit(1);
    clock.ms += 8;
    await commit(1);
    fire(2, false);
    expect(timers[0]?.ms).toBe(90);
    expect(sizes()).toEqual([2]);
    fire(5, false);
    await landed(4);
    expect(sizes()).toEqual([2, 2]);
  });

  test.each([
    ['half of maxDirtyCommits', { maxDirtyCommits: 8 }],
    ['half of maxDirtyBytes', { maxDirtyBytes: 8 * (BLOCK + 8) }],
  ])('what exceeds %s does not wait', async (_of, limits) => {
    const { commit, sizes, sim, landed } = await waiting(limits);
    await commit(4);
    await sim.idle();
    expect(sizes()).toEqual([]);
    await commit(1);
    await landed(5);
    expect(sizes()).toEqual([5]);
  });

  test('commits made while an idbTx is under way share the next one', async () => {
    const { store, committer, commit, sizes } = await waiting({ maxDelayMs: 0 });
    await commit(1);
    const first = committer.settled();
    await Promise.resolve();
    await commit(6);
    await first;
    await committer.settled();
    expect(sizes()).toEqual([1, 6]);
    expect((await store.read(ONE)).version).toBe(7);
  });

  test('flush() sends at once', async () => {
    const { committer, commit, sizes, landed } = await waiting();
    await commit(3);
    committer.flush();
    await landed(3);
    expect(sizes()).toEqual([3]);
  });

  test('a strict commit goes after all that waits, and does not wait itself', async () => {
    const { store, commit, sizes } = await waiting();
    await commit(3);
    await store.commit([blocks(TWO, 0, 1, 9)], 'strict');
    expect(sizes()).toEqual([3]);
  });

  test('who has waited is told as soon as his own have landed', async () => {
    const { committer, commit } = await waiting();
    await commit(1);
    const left: number[] = [];
    const note = () => left.push(committer.deferredCommits);
    const first = committer.drained().then(note);
    await Promise.resolve();
    await commit(1);
    await Promise.all([first, committer.drained().then(note)]);
    expect(left).toEqual([1, 0]);
  });
});

describe('limits', () => {
  test('as many as may wait do; the next one waits until they have landed', async () => {
    const { committer, commit, pressure } = await waiting({ maxDirtyCommits: 4 });
    let busiest = 0;
    for (let i = 0; i < 20; i++) {
      await commit(1);
      busiest = Math.max(busiest, committer.deferredCommits);
      expect(committer.isFull).toBe(committer.deferredCommits === 4);
    }
    expect(busiest).toBe(4);
    // It begins and ends, and begins again.
    expect(pressure.length).toBeGreaterThan(2);
    expect(pressure).toEqual(pressure.map((_, i) => i % 2 === 0));
    expect(pressure.at(-1)).toBe(false);
    await committer.drained();
  });

  test('an idbTx takes no more bytes than it should', async () => {
    const { store, committer, flushes } = await waiting({ maxDirtyBytes: 100 * MIB });
    for (let i = 0; i < 10; i++) {
      await store.commit([blocks(ONE, 0, (3 * MIB) / BLOCK, i)], 'deferred');
    }
    await committer.drained();
    expect(flushes.map(({ commits }) => commits)).toEqual([2, 2, 2, 2, 2]);
    for (const { bytes } of flushes) expect(bytes).toBeLessThan(8 * MIB);
  });
});

describe('what lands', () => {
  test('every commit has its record; checkpoints among them delete the oldest', async () => {
    const { sim, store, committer, commit, sizes } = await waiting();
    await commit(90);
    await commit(3, TWO);
    await committer.drained();
    expect(sizes()).toEqual([93]);
    const again = await Store.open({ factory: sim.openTab(), paths: PATHS });
    for (const path of [ONE, TWO]) expect(await again.read(path)).toEqual(await store.read(path));
    expect((await again.read(ONE)).version).toBe(90);
  });

  test('an idbTx of so many commits that its first record is gone landed unheard: it is known', async () => {
    const { sim, store, committer, commit, sizes } = await waiting({ maxDirtyCommits: 1000 });
    await commit(200);
    const sent = closeInNextCommit(sim, 'lands');
    await committer.drained();
    expect(sent()).toBe(1);
    expect(sizes()).toEqual([200]);
    expect((await store.read(ONE)).version).toBe(200);
    expect(store.losses).toEqual([]);
  });
});

describe('beside reads of the store', () => {
  // Goal: what is acknowledged is not taken back by what the store has. Method: a refresh is under way,
  // a deferred commit is acknowledged, the refresh ends.
  test('a refresh under way does not take an acknowledged commit back', async () => {
    const { store, committer, commit } = await waiting();
    await store.commit([blocks(ONE, 0, 1, 1)], 'strict');
    const file = store.file(ONE);
    for (const suspect of [false, true]) {
      if (suspect) file.distrust();
      const refreshed = file.refresh();
      await commit(1);
      const { version } = file.state.map;
      await refreshed;
      expect(file.state.map.version).toBe(version);
      await commit(1);
      await committer.drained();
      expect((await store.read(ONE)).version).toBe(version + 1);
    }
    expect(store.losses).toEqual([]);
  });

  test('nor does recovery, for a sqliteTx that began before', async () => {
    const { store, committer } = await waiting();
    await store.commit([blocks(ONE, 0, 1, 1)], 'strict');
    const file = store.file(ONE);
    const under: Promise<void>[] = [];
    await store.commit([blocks(ONE, 0, 1, 2)], 'deferred', async () => {
      file.distrust();
      under.push(file.refresh());
    });
    expect(file.state.map.version).toBe(2);
    await Promise.all(under);
    expect(file.state.map.version).toBe(2);
    await committer.drained();
    expect((await store.read(ONE)).marks[0]).toBe(2 * 4096);
    expect(store.losses).toEqual([]);
  });

  // Goal: an acknowledged commit is lost aloud or not at all. Method: another tab has deleted the file.
  test('a file is not found deleted before the loss of what was acknowledged is told', async () => {
    const { sim, store } = await waiting();
    await store.commit([blocks(ONE, 0, 1, 1)], 'strict');
    const other = await Store.open({ factory: sim.openTab(), paths: [] });
    await other.volume.delete(ONE);
    const file = store.file(ONE);
    const under: Promise<void>[] = [];
    await store.commit([blocks(ONE, 0, 1, 2)], 'deferred', async () => {
      file.distrust();
      under.push(file.refresh());
    });
    await Promise.all(under);
    expect(store.losses).toHaveLength(1);
    expect(file).toMatchObject({ record: undefined, lossCount: 1 });
  });

  test('a refresh while commits wait waits for them', async () => {
    const { store, committer, commit, sizes } = await waiting();
    await commit(3);
    await store.file(ONE).refresh();
    expect(sizes()).toEqual([3]);
    await commit(1);
    await committer.drained();
    expect((await store.read(ONE)).version).toBe(4);
    expect(store.losses).toEqual([]);
  });

  test('a loss of another file is not told to a commit that does not stand on it', async () => {
    const { sim, store, commit } = await waiting();
    const full = new DOMException('on purpose', 'QuotaExceededError');
    let asked = 0;
    sim.faults = { commit: () => (++asked === 1 ? full : undefined) };
    await commit(1);
    await store.commit([blocks(TWO, 0, 1, 1)], 'strict');
    expect(store.losses).toHaveLength(1);
    expect((await store.read(TWO)).version).toBe(1);
  });
});

describe('loss', () => {
  test('what still fits is not lost for what does not', async () => {
    const { sim, store, committer, commit, sizes } = await waiting();
    let asked = 0;
    const full = new DOMException('on purpose', 'QuotaExceededError');
    sim.faults = { commit: () => (++asked === 1 || asked === 4 ? full : undefined) };
    await commit(5);
    await expect(committer.drained()).rejects.toThrow(QuotaError);
    expect(sizes()).toEqual([1, 1]);
    expect((await store.read(ONE)).version).toBe(2);
  });

  test('what waits behind an idbTx that fails is never sent', async () => {
    const { sim, store, committer, commit } = await waiting();
    let asked = 0;
    const failed = new DOMException('on purpose', 'DataError');
    sim.faults = {
      commit: ({ mode }) => (mode === 'readwrite' && ++asked === 1 ? failed : undefined),
    };
    await commit(1);
    const first = committer.drained();
    await Promise.resolve();
    await commit(3);
    await commit(1, TWO);
    await expect(first).rejects.toThrow(StorageError);
    await sim.idle();
    expect(asked).toBe(1);
    expect(store.losses).toHaveLength(1);
    for (const path of PATHS) expect((await store.read(path)).version).toBe(0);
    await commit(2);
    await committer.drained();
    expect((await store.read(ONE)).version).toBe(2);
  });

  test('what can never land is not acknowledged', async () => {
    const { store, commit } = await waiting();
    await commit(1);
    await store.close();
    await expect(commit(1)).rejects.toThrow(ConnectionLostError);
    expect(store.file(ONE).state.map.version).toBe(1);
  });

  test('durable() tells everybody of a loss that came before it, once', async () => {
    const { sim, store, committer, commit, fire } = await waiting();
    const full = new DOMException('on purpose', 'QuotaExceededError');
    sim.faults = { commit: () => full };
    await commit(1);
    fire(100, false);
    await soon(() => expect(store.losses).toHaveLength(1));
    sim.faults = {};
    expect(committer.losses).toBe(1);
    const [one, other] = [{ losses: 0 }, { losses: 0 }];
    await expect(committer.durable(one)).rejects.toThrow(QuotaError);
    await committer.durable(one);
    await expect(committer.durable(other)).rejects.toThrow(QuotaError);
    await commit(1);
    for (const seen of [one, other]) await committer.durable(seen);
    expect((await store.read(ONE)).version).toBe(1);
  });
});
