/** Quota, failing requests and commits, forced closes, dying tabs. */
import { describe, expect, test } from 'vitest';
import { type InFlight, SimulatedIndexedDB } from '../../src/testing/index.js';
import {
  contents,
  ended,
  getAll,
  openDatabase,
  put,
  startPut,
  turnOf,
} from '../support/sim-dsl.ts';

/** Notes every event of an idbTx and its requests, as they pass the connection or the idbTx. */
function watch(tx: IDBTransaction): string[] {
  const log: string[] = [];
  const note = ({ type }: Event) => log.push(type);
  for (const type of ['success', 'error', 'abort', 'complete']) {
    tx.addEventListener(type, note, true);
  }
  return log;
}

describe('the quota', () => {
  test('noticed at put: the request fails, and with it the idbTx', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    sim.quota = { bytes: 1000, noticedAt: 'put' };
    await put(db, [1, new ArrayBuffer(500)]);
    const tx = startPut(db, [2, new ArrayBuffer(500)]);
    const log = watch(tx);
    await expect(ended(tx)).rejects.toThrow(
      expect.objectContaining({ name: 'QuotaExceededError' }),
    );
    expect(log).toEqual(['error', 'abort']);
    expect(await getAll(db)).toHaveLength(1);
  });

  test('noticed at put: the error can be prevented, and only that request failed', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    sim.quota = { bytes: 1000, noticedAt: 'put' };
    const tx = db.transaction('a', 'readwrite');
    tx.objectStore('a').put('small', 1);
    tx.objectStore('a').put(new ArrayBuffer(2000), 2).onerror = (event) => event.preventDefault();
    await ended(tx);
    expect(await getAll(db)).toEqual(['small']);
  });

  test('noticed at commit: the idbTx aborts, no request fails', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    sim.quota = { bytes: 1000, noticedAt: 'commit' };
    const tx = startPut(db, [2, new ArrayBuffer(2000)]);
    const log = watch(tx);
    await expect(ended(tx)).rejects.toThrow(
      expect.objectContaining({ name: 'QuotaExceededError' }),
    );
    expect(log).toEqual(['success', 'abort']);
    expect(await getAll(db)).toEqual([]);
  });

  test.each(['put', 'commit'] as const)(
    'noticed at %s: deleting works when nothing else does, and makes room',
    async (noticedAt) => {
      const sim = new SimulatedIndexedDB();
      const db = await openDatabase(sim);
      await put(db, [1, new ArrayBuffer(2000)]);
      sim.quota = { bytes: 1000, noticedAt };
      await expect(put(db, [2, 'x'])).rejects.toThrow();
      const tx = db.transaction('a', 'readwrite');
      tx.objectStore('a').delete(1);
      await ended(tx);
      expect(sim.usedBytes).toBe(0);
      await put(db, [2, 'x']);
    },
  );
});

describe('faults', () => {
  test('a request that is told to fails once, and its idbTx aborts', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    let asked = 0;
    sim.faults = {
      request: ({ operation, store }) => {
        asked++;
        expect([operation, store]).toEqual(['put', 'a']);
        return asked === 2 ? new DOMException('on purpose', 'UnknownError') : undefined;
      },
    };
    await put(db, [1, 'x']);
    const tx = startPut(db, [2, 'y']);
    const log = watch(tx);
    await expect(ended(tx)).rejects.toThrow('on purpose');
    expect(log).toEqual(['error', 'abort']);
    await put(db, [3, 'z']);
    sim.faults = {};
    expect(await getAll(db)).toEqual(['x', 'z']);
  });

  test('a commit that is told to fails without an error of a request', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    sim.faults = {
      commit: ({ stores, durability }) => {
        expect([[...stores], durability]).toEqual([['a'], 'strict']);
        return new DOMException('on purpose', 'UnknownError');
      },
    };
    const tx = startPut(db, [1, 'x']);
    const log = watch(tx);
    await expect(ended(tx)).rejects.toThrow('on purpose');
    expect(log).toEqual(['success', 'abort']);
    expect(await contents(sim, 'process')).toEqual(['']);
  });

  test('an opening fails, or is never answered; the next one is', async () => {
    const sim = new SimulatedIndexedDB();
    sim.faults = { open: () => new DOMException('on purpose', 'UnknownError') };
    await expect(openDatabase(sim)).rejects.toThrow('on purpose');
    sim.faults = { open: () => 'never' };
    let answered = false;
    const note = () => {
      answered = true;
    };
    openDatabase(sim).then(note, note);
    await sim.idle();
    sim.faults = {};
    await openDatabase(sim);
    expect(answered).toBe(false);
  });
});

describe('a connection closed by force', () => {
  async function closedAfter(text: string, inFlight: InFlight) {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 'x']);
    const tx = startPut(db, [2, 'y']);
    const log = watch(tx);
    db.addEventListener('close', () => log.push('close'));
    await turnOf(sim, text);
    sim.forceClose({ inFlight });
    expect(() => db.transaction('a')).toThrow(
      expect.objectContaining({ name: 'InvalidStateError' }),
    );
    await sim.idle();
    expect(tx.error?.name).toBe('AbortError');
    return { log, contents: await contents(sim, 'process') };
  }

  test('aborts what runs, then fires `close`', async () => {
    const { log, contents: left } = await closedAfter(' put ', 'lands');
    expect(log).toEqual(['success', 'abort', 'close']);
    expect(left).toEqual(['x']);
  });

  test.each([
    ['lands', ['x y']],
    ['lost', ['x']],
  ] as const)('in the commit window what is in flight %s', async (inFlight, expected) => {
    const { log, contents: left } = await closedAfter('commit begins', inFlight);
    expect(log).toEqual(['success', 'abort', 'close']);
    expect(left).toEqual(expected);
  });

  test('after the commit landed it is kept, though the page sees `abort`', async () => {
    const { log, contents: left } = await closedAfter('commit lands', 'lost');
    expect(log).toEqual(['success', 'abort', 'close']);
    expect(left).toEqual(['x y']);
  });

  test('can be opened again at once', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 'x']);
    sim.forceClose();
    expect(await getAll(await openDatabase(sim))).toEqual(['x']);
  });
});

describe('tabs', () => {
  test('see each other: versionchange, and what the other wrote', async () => {
    const sim = new SimulatedIndexedDB();
    const other = sim.openTab();
    const db = await openDatabase(sim);
    await put(db, [1, 'x']);
    db.onversionchange = () => db.close();
    const upgraded = await openDatabase(other, { version: 2 });
    expect(upgraded.version).toBe(2);
    expect(await getAll(upgraded)).toEqual(['x']);
  });

  test('a tab that dies takes its idbTxs with it, silently, and blocks nobody', async () => {
    const sim = new SimulatedIndexedDB();
    const tab = sim.openTab();
    const doomed = await openDatabase(tab);
    const db = await openDatabase(sim);
    const tx = startPut(doomed, [1, 'x']);
    const log = watch(tx);
    const next = startPut(db, [2, 'y']);
    await turnOf(sim, ' put ');
    tab.kill();
    await ended(next);
    expect(log).toEqual(['success']);
    expect(await contents(sim, 'process')).toEqual(['y']);
    await openDatabase(sim.openTab(), { version: 1 });
  });

  test('a tab that dies while it waits or blocks lets the others go on', async () => {
    const sim = new SimulatedIndexedDB();
    const tab = sim.openTab();
    await openDatabase(tab);
    const upgrade = openDatabase(sim, { version: 2 });
    await sim.idle();
    tab.kill();
    expect((await upgrade).version).toBe(2);
    const waiting = sim.openTab();
    openDatabase(waiting, { version: 3 }).catch(() => undefined);
    await sim.idle();
    waiting.kill();
    expect((await openDatabase(sim.openTab(), { version: 2 })).version).toBe(2);
  });
});
