/**
 * What the idbTx of a commit asks and touches, case by case of FORMAT.md §6: the spill owner, a first
 * commit, a checkpoint; and what becomes of one whose end was not seen (P1, P6, P7).
 */

import { describe, expect, test } from 'vitest';
import { BusyError, CommitUnknownError, QuotaError, StorageError } from '../../src/errors.js';
import { decodeCommit } from '../../src/format/commit.js';
import { decodeFile } from '../../src/format/files.js';
import { BLOCKS_PER_CHUNK, CHECKPOINT_COMMITS, RETAINED_COMMITS } from '../../src/format/layout.js';
import type { FileId } from '../../src/types.js';
import { closeInNextCommit } from '../support/close-in-commit.ts';
import { FENCE_WINDOW_MS, Lab, PATH, small } from '../support/commit-lab.ts';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';

useGlobals();

describe('the idbTx of a commit', () => {
  test('of a file that is new checks that it is still the same, and makes it born', async () => {
    const lab = new Lab();
    const store = await lab.open();
    const [created, commit] = await lab.seen(() => store.commit([small(1)], 'strict'));
    const stored = (await lab.records()).get('files', PATH);
    expect(decodeFile(stored, PATH)).toMatchObject({ ok: true, value: { born: true } });
    expect(created?.stores).toEqual(['files', 'segments']);
    expect(commit).toEqual({
      // Taking the lock over, it clears what others may have left above the marker.
      stores: ['commits', 'files', 'maps', 'segments'],
      requests: [
        'count commits',
        'get files',
        'delete segments',
        'delete maps',
        'put files',
        'add segments',
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
    const { lab, store } = await upTo(CHECKPOINT_COMMITS - 1);
    const first = await lab.seen(() => store.commit([small(8)], 'strict'));
    expect(first[0]?.requests).toEqual(['add segments', 'put maps', 'put maps', 'add commits']);
    for (let v = CHECKPOINT_COMMITS + 1; v < 2 * CHECKPOINT_COMMITS; v++) {
      await store.commit([small(v)], 'relaxed');
    }
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
    for (const truncateTo of [chunk(3), 2]) {
      await store.commit([{ path: PATH, writes: new Map([[0, 7]]), truncateTo }], 'strict');
    }
    for (let v = 3; v < CHECKPOINT_COMMITS; v++) await store.commit([small(v)], 'relaxed');
    const [seen] = await lab.seen(() => store.commit([small(9)], 'strict'));
    expect((await lab.keys('maps')).map((key) => (key as number[])[1])).toEqual([-1, 0]);
    // Chunks 1 … 3 by one request, 5 by another.
    expect(seen?.requests.filter((request) => request === 'delete maps')).toHaveLength(2);
  });
});

describe('a commit whose end was not seen', () => {
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
    const record = decodeCommit((await lab.records()).get('commits', [1, 2]), {
      file: 1 as FileId,
    });
    expect(record).toMatchObject({ ok: true, value: { nonce: [1, 2] } });
    expect((await store.read(PATH)).version).toBe(2);
    expect(await lab.keys('commits')).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  test.each([
    [1, undefined],
    [2, CommitUnknownError],
  ])('strict, landed, and lost again %i times when it is put again', async (times, error) => {
    const lab = new Lab();
    const store = await lab.open();
    await store.commit([small(1)], 'strict');
    const requests: string[] = [];
    let commits = 0;
    lab.sim.faults = {
      request: ({ mode, operation }) => void (mode === 'readwrite' && requests.push(operation)),
      commit: ({ mode }) => {
        if (mode !== 'readwrite' || ++commits > times + 1) return undefined;
        const stop = lab.sim.onTurn(() => {
          stop();
          lab.sim.forceClose({ inFlight: commits === 1 ? 'lands' : 'lost' });
        });
        return undefined;
      },
    };
    const commit = store.commit([small(2)], 'strict');
    if (error) await expect(commit).rejects.toThrow(error);
    else await commit;
    expect(requests).toEqual(['add', 'add', 'get', 'put', 'get', 'put']);
    lab.sim.faults = {};
    expect((await store.read(PATH)).version).toBe(2);
  });

  test('is failed, not unknown, if it is a request that failed and nothing can be asked', async () => {
    const lab = new Lab();
    const store = await lab.open();
    await store.commit([small(1)], 'strict');
    const dataError = () => new DOMException('on purpose', 'DataError');
    lab.sim.faults = { request: dataError };
    const failure = store.commit([small(2)], 'strict');
    await expect(failure).rejects.toThrow(StorageError);
    await expect(failure).rejects.not.toThrow(CommitUnknownError);
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
  const requests: string[] = [];
  lab.sim.faults = {
    request: ({ operation }) => {
      requests.push(operation);
      if (operation !== 'add') return undefined;
      return new DOMException('on purpose', 'QuotaExceededError');
    },
  };
  await expect(store.commit([small(2)], 'strict')).rejects.toThrow(QuotaError);
  // Nothing is looked up: an error of this kind says that nothing landed.
  expect(requests).toEqual(['add']);
  lab.sim.faults = {};
  await store.commit([small(3)], 'strict');
  expect((await store.read(PATH)).marks).toEqual([3 * 4096, 3 * 4096 + 1]);
});
