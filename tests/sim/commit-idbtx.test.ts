/**
 * One commit is one idbTx whose last request adds the commit record, and nothing is acknowledged
 * before that idbTx is complete (P1, P2, P6, DESIGN §4 I2 and I4).
 *
 * The simulation lets a test look at every request, and stop an idbTx after its last one.
 */
import { expect, test } from 'vitest';
import { CommitUnknownError } from '../../src/errors.js';
import { CHECKPOINT_COMMITS } from '../../src/format/layout.js';
import { type RequestSite, SimulatedIndexedDB } from '../../src/testing/index.js';
import type { Durability } from '../../src/types.js';
import { blocks, PATHS } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { type Change, Store } from '../support/store-dsl.ts';

const WAITING: readonly Durability[] = ['strict', 'relaxed'];

useGlobals();

async function opened() {
  const sim = new SimulatedIndexedDB({ trace: false });
  const store = await Store.open({ factory: sim, paths: PATHS });
  for (const path of PATHS) await store.commit([blocks(path, 0, 2, 1)], 'strict');
  return { sim, store };
}

/** The writing requests that a commit makes, and the stores of each readwrite idbTx it commits. */
async function written(changes: readonly Change[], commitsBefore = 0) {
  const { sim, store } = await opened();
  for (let i = 0; i < commitsBefore; i++) await store.commit([blocks('one.db', 0, 1, i)], 'strict');
  const requests: RequestSite[] = [];
  let idbTxs = 0;
  sim.faults = {
    request: (site) => void (site.mode === 'readwrite' && requests.push(site)),
    commit: (site) => void (site.mode === 'readwrite' && idbTxs++),
  };
  await store.commit(changes, 'strict');
  return { requests: requests.map(({ operation, store: on }) => `${operation} ${on}`), idbTxs };
}

test('a commit is one idbTx, which adds segments first and the commit record last', async () => {
  expect(await written([blocks('one.db', 0, 200, 2)])).toEqual({
    requests: ['add segments', 'add segments', 'add commits'],
    idbTxs: 1,
  });
});

test('a commit over two files is one idbTx', async () => {
  const changes = PATHS.map((path) => blocks(path, 0, 1, 2));
  expect(await written(changes)).toEqual({
    requests: ['add segments', 'add commits', 'add segments', 'add commits'],
    idbTxs: 1,
  });
});

test('a checkpoint and what it reclaims are part of the idbTx of its commit', async () => {
  const { requests, idbTxs } = await written(
    [blocks('one.db', 0, 1, 2)],
    2 * CHECKPOINT_COMMITS - 2,
  );
  expect(idbTxs).toBe(1);
  expect(requests).toEqual([
    'add segments',
    'put maps',
    'put maps',
    'delete commits',
    'delete segments',
    'add commits',
  ]);
});

test.each(WAITING)(
  'a %s commit is not acknowledged while its idbTx can abort',
  async (durability) => {
    const { sim, store } = await opened();
    let acknowledged = false;
    let early = false;
    sim.faults = {
      commit: ({ stores, mode }) => {
        if (mode === 'readwrite' && stores.includes('commits')) early ||= acknowledged;
        return undefined;
      },
    };
    await store.commit([blocks('one.db', 0, 3, 2)], durability).then(() => {
      acknowledged = true;
    });
    expect({ acknowledged, early }).toEqual({ acknowledged: true, early: false });
  },
);

test.each(WAITING)(
  'a %s commit whose idbTx only aborts, without an error, fails',
  async (durability) => {
    const { sim, store } = await opened();
    sim.faults = {
      commit: ({ mode }) =>
        mode === 'readwrite' ? new DOMException('on purpose', 'QuotaExceededError') : undefined,
    };
    let ended = 'pending';
    store.commit([blocks('one.db', 0, 3, 2)], durability).then(
      () => {
        ended = 'acknowledged';
      },
      () => {
        ended = 'failed';
      },
    );
    await sim.idle();
    // It hears of the abort in the turn of the event; nothing else would wake it up.
    expect(ended).toBe('failed');
    sim.faults = {};
    expect((await store.read('one.db')).version).toBe(1);
  },
);

test.each([
  ['lands', 2],
  ['lost', 1],
] as const)(
  'a commit that cannot be asked for, and %s, is unknown; later the store tells',
  async (inFlight, version) => {
    const { sim, store } = await opened();
    sim.faults = {
      commit: ({ mode }) => {
        if (mode !== 'readwrite') return undefined;
        const stop = sim.onTurn(() => {
          stop();
          sim.forceClose({ inFlight });
        });
        sim.faults = { open: () => new DOMException('on purpose', 'UnknownError') };
        return undefined;
      },
    };
    const commit = store.commit([blocks('one.db', 0, 2, 2)], 'relaxed');
    await expect(commit).rejects.toThrow(CommitUnknownError);
    sim.faults = {};
    expect((await store.read('one.db')).version).toBe(version);
  },
);
