/**
 * The block store when IndexedDB fails.
 *
 * P6: a failed commit is reported once, changes nothing, and the next one works without reopening.
 * P7: no outcome stays unknown. P8: a lost connection heals. Method: the workload of fault-run.ts with
 * one fault, at every place where there can be one.
 */
import { describe, expect, test } from 'vitest';
import { CommitUnknownError, ConnectionLostError, QuotaError } from '../../src/errors.js';
import { type CommitSite, type RequestSite, SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks, PATHS } from '../support/crash-plan.ts';
import {
  everywhere,
  type FaultRunOptions,
  runWithFault,
  shortTimer,
} from '../support/fault-run.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, VOLUME } from '../support/store-dsl.ts';
import {
  describe as describeFiles,
  readAll,
  type Step,
  StoreModel,
  sameFiles,
} from '../support/store-model.ts';
import { TOGETHER } from '../support/write-behind.ts';

useGlobals();

type Times = 'once' | 'until lifted';
type Site = RequestSite | CommitSite;

/** The nth request or commit fails, and only that one, or each from then on. */
function failing(where: 'request' | 'commit', name: string, n: number, times: Times) {
  const state = { asked: 0, lifted: false };
  const fault = (_site: Site) => {
    state.asked++;
    const hit = times === 'once' ? state.asked === n : state.asked >= n && !state.lifted;
    return hit ? new DOMException('on purpose', name) : undefined;
  };
  const arm = (sim: SimulatedIndexedDB) => {
    sim.faults = { [where]: fault };
    return () => {
      state.lifted = true;
    };
  };
  return { state, arm };
}

/** Does `act` after turn `at`. */
function afterTurn(at: number, act: (sim: SimulatedIndexedDB) => void) {
  return (sim: SimulatedIndexedDB) => {
    const stop = sim.onTurn((turn) => {
      if (turn !== at) return;
      stop();
      act(sim);
    });
    return undefined;
  };
}

const LOCKS: readonly (readonly [string, FaultRunOptions])[] = [
  ['with the writer lock', {}],
  ['without the writer lock', { exclusive: false }],
];

describe.each(LOCKS)('one fault, %s', { timeout: 120_000 }, (_label, options) => {
  async function everyTurn(
    act: (sim: SimulatedIndexedDB) => void,
    more: FaultRunOptions = {},
  ): Promise<Error[]> {
    const { turns } = await runWithFault(() => undefined, options);
    const errors: Error[] = [];
    for (let at = 1; at <= turns; at++) {
      try {
        errors.push(...(await runWithFault(afterTurn(at, act), { ...options, ...more })).errors);
      } catch (error) {
        throw new Error(`After turn ${at}: ${String(error)}`, { cause: error });
      }
    }
    expect(turns).toBeGreaterThan(100);
    return errors;
  }

  test.each(['lands', 'lost'] as const)(
    'P7: the connection is closed by force after any turn, what is in flight %s',
    async (inFlight) => {
      const errors = await everyTurn((sim) => sim.forceClose({ inFlight }));
      expect(errors.filter((error) => error instanceof CommitUnknownError)).toEqual([]);
    },
  );

  test('P8: another tab begins to upgrade the volume after any turn, and gives up', async () => {
    const errors = await everyTurn((sim) => {
      const request = sim.openTab().open(VOLUME, 2);
      request.onupgradeneeded = () => request.transaction?.abort();
    });
    expect(errors.filter((error) => error instanceof CommitUnknownError)).toEqual([]);
  });

  test('P8: the connection is closed after any turn, and the opening after it is never answered', async () => {
    const errors = await everyTurn(
      (sim) => {
        sim.faults = {
          open: () => {
            sim.faults = {};
            return 'never';
          },
        };
        sim.forceClose({ inFlight: 'lost' });
      },
      // Two faults: the close may be told, and the silence.
      { timer: shortTimer, errorsMax: 2 },
    );
    expect(errors.filter((error) => error instanceof ConnectionLostError).length).toBeGreaterThan(
      20,
    );
  });

  test.each<[Times, string]>([
    ['once', 'UnknownError'],
    ['once', 'QuotaExceededError'],
    ['once', 'DataError'],
    ['once', 'AbortError'],
    ['until lifted', 'UnknownError'],
    ['until lifted', 'QuotaExceededError'],
    ['until lifted', 'DataError'],
  ])('P6: any request fails %s with %s', async (times, name) => {
    const places = await everywhere(async (n) => {
      const { state, arm } = failing('request', name, n, times);
      const { errors } = await runWithFault(arm, options);
      if (name === 'QuotaExceededError') {
        expect(errors.filter((error) => !(error instanceof QuotaError))).toEqual([]);
      }
      const hit = state.asked >= n;
      if (hit && times === 'until lifted') expect(errors).toHaveLength(1);
      return hit;
    });
    expect(places).toBeGreaterThan(60);
  });

  test.each<[Times, string]>([
    ['once', 'UnknownError'],
    ['once', 'QuotaExceededError'],
    ['once', 'AbortError'],
    ['until lifted', 'UnknownError'],
    ['until lifted', 'QuotaExceededError'],
    ['until lifted', 'AbortError'],
  ])('P6: any idbTx fails to commit, %s, with %s', async (times, name) => {
    const places = await everywhere(async (n) => {
      const { state, arm } = failing('commit', name, n, times);
      await runWithFault(arm, options);
      return state.asked >= n;
    });
    expect(places).toBeGreaterThan(8);
  });

  test.each([1, 2, 3])('P8: the connection is lost and %i reopenings fail', async (failures) => {
    const errors = await everyTurn((sim) => {
      let opened = 0;
      const open = () =>
        ++opened <= failures ? new DOMException('on purpose', 'UnknownError') : undefined;
      sim.faults = { open };
      sim.forceClose({ inFlight: 'lands' });
    });
    expect(errors.filter((error) => error instanceof CommitUnknownError)).toEqual([]);
  });
});

test("null control: a failure that is not the workload's to repeat is seen", async () => {
  const { arm } = failing('request', 'DataError', 20, 'until lifted');
  const stays = (sim: SimulatedIndexedDB) => {
    arm(sim);
    return undefined;
  };
  await expect(runWithFault(stays)).rejects.toThrow(/Failed again/);
});

const DEFERRED: readonly Step[] = [1, 2, 3, 4, 5].map((n) => ({
  changes: [blocks('one.db', n - 1, 2, n), ...(n % 2 === 0 ? [blocks('two.db', 0, 1, n)] : [])],
  durability: 'deferred',
}));

describe('one fault among deferred commits', { timeout: 120_000 }, () => {
  const model = new StoreModel(PATHS, DEFERRED);

  /** Commits all steps deferred; @returns how many are in the store, and how often a loss was told */
  async function survivors(
    commit: () => DOMException | undefined,
    request?: (site: RequestSite) => DOMException | undefined,
  ) {
    const sim = new SimulatedIndexedDB({ trace: false });
    const store = await Store.open({ factory: sim, paths: PATHS, writeBehind: TOGETHER });
    // The files exist, so that every idbTx from here on is a commit.
    for (const path of PATHS) await store.file(path).create('xxhash32');
    sim.faults = { commit, request };
    for (const { changes, durability } of DEFERRED) await store.commit(changes, durability);
    const told = await store.volume.committer.drained().then(
      () => 0,
      () => 1,
    );
    await sim.idle();
    sim.faults = {};
    const kept = await standsAt(store);
    await store.commit([blocks('one.db', 0, 1, 99)], 'strict');
    expect((await store.read('one.db')).version).toBe(
      (model.at(kept).get('one.db')?.version ?? 0) + 1,
    );
    await store.close();
    return { kept, told, losses: store.losses.length };
  }

  async function standsAt(store: Store): Promise<number> {
    const found = await readAll(store);
    for (let commit = DEFERRED.length; commit >= 0; commit--) {
      if (sameFiles(found, model.at(commit))) return commit;
    }
    throw new Error(`No commit left this: ${describeFiles(found)}`);
  }

  test.each([1, 2, 3, 4, 5])(
    'there is room up to commit %i: those before it stay, all behind it are lost, told once',
    async (n) => {
      let asked = 0;
      // All five together have no room; then each by itself, up to the nth.
      const commit = () =>
        ++asked === 1 || asked === n + 1
          ? new DOMException('on purpose', 'QuotaExceededError')
          : undefined;
      expect(await survivors(commit)).toEqual({ kept: n - 1, told: 1, losses: 1 });
      // Nothing was sent after the one that failed.
      expect(asked).toBe(n + 1);
    },
  );

  test('the idbTx that they share fails: none of them stays, and it is told once', async () => {
    let asked = 0;
    const commit = () => (++asked === 1 ? new DOMException('on purpose', 'DataError') : undefined);
    expect(await survivors(commit)).toEqual({ kept: 0, told: 1, losses: 1 });
    expect(asked).toBe(1);
  });

  /** Commits all steps deferred, with a fault after the nth turn, for each n. @returns how many there are */
  async function afterEachTurn(act: (sim: SimulatedIndexedDB) => void): Promise<number> {
    for (let n = 1; ; n++) {
      const sim = new SimulatedIndexedDB({ trace: false });
      const store = await Store.open({ factory: sim, paths: PATHS, writeBehind: TOGETHER });
      for (const path of PATHS) await store.file(path).create('xxhash32');
      let hasHappened = false;
      afterTurn(sim.turn + n, () => {
        hasHappened = true;
        act(sim);
      })(sim);
      for (const { changes, durability } of DEFERRED) await store.commit(changes, durability);
      await store.volume.committer.drained();
      if (!hasHappened) return n - 1;
      expect(await standsAt(store), `turn ${n}`).toBe(DEFERRED.length);
      expect(store.losses).toEqual([]);
      await store.commit([blocks('one.db', 0, 1, 99)], 'strict');
      await store.close();
    }
  }

  test.each(['lands', 'lost'] as const)(
    'their connection is closed after any turn, the idbTx that they share %s: none is lost',
    async (inFlight) => {
      expect(await afterEachTurn((sim) => sim.forceClose({ inFlight }))).toBeGreaterThan(10);
    },
  );

  test('another tab begins to upgrade the volume after any turn: none is lost', async () => {
    const turns = await afterEachTurn((sim) => {
      const request = sim.openTab().open(VOLUME, 2);
      request.onupgradeneeded = () => request.transaction?.abort();
    });
    expect(turns).toBeGreaterThan(10);
  });

  test('any request of theirs fails once: the idbTx that they share is lost whole', async () => {
    for (let n = 1; ; n++) {
      let asked = 0;
      const { kept, told, losses } = await survivors(
        () => undefined,
        ({ mode }) =>
          mode === 'readwrite' && ++asked === n
            ? new DOMException('on purpose', 'DataError')
            : undefined,
      );
      if (asked < n) break;
      expect({ kept, told, losses }, `request ${n}`).toEqual({ kept: 0, told: 1, losses: 1 });
      expect(n).toBeLessThan(100);
    }
  });

  test('without a fault all stay', async () => {
    const none = () => undefined;
    expect(await survivors(none)).toEqual({ kept: DEFERRED.length, told: 0, losses: 0 });
  });
});
