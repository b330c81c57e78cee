/**
 * What the idbTx of a commit asks and touches, case by case of FORMAT.md §6: the fence, the spill owner,
 * a first commit, a checkpoint; and what becomes of one whose end was not seen (P1, P6, P7).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BusyError, CommitUnknownError, QuotaError } from '../../src/errors.js';
import { BLOCKS_PER_CHUNK, CHECKPOINT_COMMITS, RETAINED_COMMITS } from '../../src/format/layout.js';
import { editRecords, installGlobals, SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks } from '../support/crash-plan.ts';
import { type Change, Store, type StoreOptions, VOLUME } from '../support/store-dsl.ts';

const PATH = 'one.db';
const FENCE_WINDOW_MS = 1000;

let uninstall: () => void;
beforeAll(() => {
  uninstall = installGlobals();
});
afterAll(() => uninstall());

class Lab {
  readonly sim = new SimulatedIndexedDB({ trace: false });
  nowMs = 1_000_000;

  async open(options: Partial<StoreOptions> = {}): Promise<Store> {
    const now = () => this.nowMs;
    return await Store.open({ factory: this.sim, paths: [PATH], now, ...options });
  }

  /** Each readwrite idbTx that `work` commits: its stores, and the requests in it, in order. */
  async seen(work: () => Promise<unknown>) {
    const seen: { stores: readonly string[]; requests: string[] }[] = [];
    let requests: string[] = [];
    this.sim.faults = {
      request: ({ mode, operation, store }) => {
        if (mode === 'readwrite') requests.push(`${operation} ${store}`);
        return undefined;
      },
      commit: ({ mode, stores }) => {
        if (mode !== 'readwrite') return undefined;
        seen.push({ stores: [...stores].sort(), requests });
        requests = [];
        return undefined;
      },
    };
    await work();
    this.sim.faults = {};
    return seen;
  }

  async keys(store: string): Promise<IDBValidKey[]> {
    await this.sim.idle();
    const [outcome] = this.sim.outcomes('process');
    return outcome ? editRecords(outcome, VOLUME).keys(store) : [];
  }
}

const small = (mark: number): Change => blocks(PATH, 0, 2, mark);

describe('the idbTx of a commit', () => {
  test('of a file that is new checks that it is still the same, and makes it born', async () => {
    const lab = new Lab();
    const store = await lab.open();
    const [created, commit] = await lab.seen(() => store.commit([small(1)], 'strict'));
    expect(created?.stores).toEqual(['files', 'segments']);
    expect(commit).toEqual({
      // Taking the lock over, it clears what others may have left above the marker.
      stores: ['commits', 'files', 'maps', 'segments'],
      requests: [
        'count commits',
        'get files',
        'delete segments',
        'delete maps',
        'add segments',
        'put files',
        'add commits',
      ],
    });
  });

  test('checks its base once that was not validated for as long as the window', async () => {
    const lab = new Lab();
    const store = await lab.open();
    await store.commit([small(1)], 'strict');
    const plain = { stores: ['commits', 'segments'], requests: ['add segments', 'add commits'] };
    lab.nowMs += FENCE_WINDOW_MS;
    expect(await lab.seen(() => store.commit([small(2)], 'strict'))).toEqual([plain]);
    lab.nowMs += FENCE_WINDOW_MS + 1;
    expect(await lab.seen(() => store.commit([small(3)], 'strict'))).toEqual([
      { ...plain, requests: ['count commits', ...plain.requests] },
    ]);
    // Landing validates it.
    expect(await lab.seen(() => store.commit([small(4)], 'strict'))).toEqual([plain]);
  });

  test('without the writer lock always checks its base', async () => {
    const lab = new Lab();
    await (await lab.open()).commit([small(1)], 'strict');
    const other = await lab.open({ exclusive: false, context: 2 });
    expect(await lab.seen(() => other.commit([small(2)], 'strict'))).toMatchObject([
      { requests: ['count commits', 'add segments', 'add commits'] },
    ]);
  });

  test('that spilled reads whose the spill is, and ends that', async () => {
    const lab = new Lab();
    const store = await lab.open();
    await store.commit([small(1)], 'strict');
    const seen = await lab.seen(() => store.commit([blocks(PATH, 0, 300, 2)], 'strict'));
    expect(seen).toEqual([
      {
        stores: ['commits', 'files', 'maps', 'segments'],
        requests: [
          'count commits',
          'get files',
          'delete segments',
          'put maps',
          'add segments',
          'add segments',
        ],
      },
      {
        stores: ['commits', 'maps', 'segments'],
        requests: ['count commits', 'get maps', 'delete maps', 'add segments', 'add commits'],
      },
    ]);
    expect(await lab.keys('maps')).toEqual([]);
  });

  test('after a rollback that spilled clears what that left, once', async () => {
    const lab = new Lab();
    const store = await lab.open();
    await store.commit([small(1)], 'strict');
    await store.rollBack([blocks(PATH, 0, 300, 2)], 'late');
    expect((await lab.keys('segments')).length).toBeGreaterThan(1);
    const requests = ['delete segments', 'delete maps', 'add segments', 'add commits'];
    expect(await lab.seen(() => store.commit([small(3)], 'strict'))).toEqual([
      { stores: ['commits', 'maps', 'segments'], requests },
    ]);
    expect(await lab.keys('segments')).toEqual([
      [1, 1, 0],
      [1, 2, 0],
    ]);
    expect(await lab.seen(() => store.commit([small(4)], 'strict'))).toMatchObject([
      { requests: ['add segments', 'add commits'] },
    ]);
  });
});

describe('a checkpoint', () => {
  async function upTo(version: number) {
    const lab = new Lab();
    const store = await lab.open();
    for (let v = 1; v <= version; v++) await store.commit([small(v)], 'relaxed');
    return { lab, store };
  }

  test('keeps as many commit records as other contexts may catch up with', async () => {
    const { lab, store } = await upTo(2 * CHECKPOINT_COMMITS - 1);
    expect((await lab.keys('commits'))[0]).toEqual([1, 1]);
    await store.commit([small(9)], 'strict');
    const kept = await lab.keys('commits');
    expect(kept[0]).toEqual([1, CHECKPOINT_COMMITS + 1]);
    expect(kept).toHaveLength(RETAINED_COMMITS);
    expect(await lab.keys('maps')).toEqual([
      [1, -1],
      [1, 0],
    ]);
  });

  test('drops saved chunks that have no block any more, each run of them by one request', async () => {
    const { lab, store } = await upTo(1);
    const chunk = (n: number): number => n * BLOCKS_PER_CHUNK;
    const writes = new Map([0, 1, 2, 3, 5].map((n) => [chunk(n), n + 1]));
    await store.commit([{ path: PATH, writes }], 'strict');
    for (let v = 3; v <= CHECKPOINT_COMMITS; v++) await store.commit([small(v)], 'relaxed');
    expect((await lab.keys('maps')).map((key) => (key as number[])[1])).toEqual([
      -1, 0, 1, 2, 3, 5,
    ]);
    await store.commit([{ path: PATH, writes: new Map([[0, 7]]), truncateTo: 2 }], 'strict');
    for (let v = 2; v < CHECKPOINT_COMMITS; v++) await store.commit([small(v)], 'relaxed');
    const [seen] = await lab.seen(() => store.commit([small(9)], 'strict'));
    expect((await lab.keys('maps')).map((key) => (key as number[])[1])).toEqual([-1, 0]);
    // Chunks 1 … 3 by one request, 5 by another.
    expect(seen?.requests.filter((request) => request === 'delete maps')).toHaveLength(2);
  });
});

describe('a commit whose end was not seen', () => {
  /** The connection is closed by force in the commit window of the next readwrite idbTx. */
  function closeInNextCommit(sim: SimulatedIndexedDB, inFlight: 'lands' | 'lost'): () => number {
    let commits = 0;
    sim.faults = {
      commit: ({ mode }) => {
        if (mode !== 'readwrite' || ++commits > 1) return undefined;
        const stop = sim.onTurn(() => {
          stop();
          sim.forceClose({ inFlight });
        });
        return undefined;
      },
    };
    return () => commits;
  }

  test.each([
    ['relaxed', 'lands', 1],
    // It is put again, for nobody said that it is durable.
    ['strict', 'lands', 2],
    ['relaxed', 'lost', 2],
    ['strict', 'lost', 2],
  ] as const)('%s, %s: it is acknowledged after %i idbTxs', async (durability, inFlight, count) => {
    const lab = new Lab();
    const store = await lab.open();
    await store.commit([small(1)], 'strict');
    const commits = closeInNextCommit(lab.sim, inFlight);
    await store.commit([small(2)], durability);
    lab.sim.faults = {};
    expect(commits()).toBe(count);
    expect((await store.read(PATH)).version).toBe(2);
    expect(await lab.keys('commits')).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  test('is not taken for landed because another context has its version', async () => {
    const lab = new Lab();
    const store = await lab.open();
    await store.commit([small(1)], 'strict');
    const other = await lab.open({ factory: lab.sim.openTab(), context: 2 });
    const commits = closeInNextCommit(lab.sim, 'lost');
    const commit = store.commit([small(2)], 'strict');
    await other.commit([small(3)], 'strict');
    await expect(commit).rejects.toThrow(BusyError);
    lab.sim.faults = {};
    expect(commits()).toBeGreaterThan(0);
    expect((await store.read(PATH)).marks).toEqual([3 * 4096, 3 * 4096 + 1]);
  });

  test('fails if it is lost twice', async () => {
    const lab = new Lab();
    const store = await lab.open();
    await store.commit([small(1)], 'strict');
    let commits = 0;
    lab.sim.faults = {
      commit: ({ mode }) => {
        if (mode !== 'readwrite') return undefined;
        commits++;
        return new DOMException('on purpose', 'AbortError');
      },
    };
    const failure = store.commit([small(2)], 'relaxed');
    await expect(failure).rejects.not.toThrow(CommitUnknownError);
    await expect(failure).rejects.toThrow();
    expect(commits).toBe(2);
    lab.sim.faults = {};
    expect((await store.read(PATH)).version).toBe(1);
  });
});

test('for lack of room a commit fails at once, and the next one may land', async () => {
  const lab = new Lab();
  const store = await lab.open();
  await store.commit([small(1)], 'strict');
  let requests = 0;
  lab.sim.faults = {
    request: ({ operation }) => {
      if (operation !== 'add') return undefined;
      requests++;
      return new DOMException('on purpose', 'QuotaExceededError');
    },
  };
  await expect(store.commit([small(2)], 'strict')).rejects.toThrow(QuotaError);
  expect(requests).toBe(1);
  lab.sim.faults = {};
  await store.commit([small(3)], 'strict');
  expect((await store.read(PATH)).marks).toEqual([3 * 4096, 3 * 4096 + 1]);
});
