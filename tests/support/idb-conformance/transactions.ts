/** When an idbTx is active, in which order idbTxs run, commit and abort. */
import { expect } from './expect.ts';
import { EventLog, end, errorOf, hold, type Lab, later, result, thrownBy } from './lab.ts';
import { type Define, type Difference, type Differences, TIMERS_FIRST } from './table.ts';

/** Long beside any commit, so that it tells waiting from being slow. */
const WAIT_MS = 3_000;
const SERIAL: Difference = {
  why: 'one idbTx of a database writes at a time, whatever its stores: below it is SQLite',
  seen: "expected 'waits' to be 'complete'",
};
const ONE_WRITER: Differences = {
  'chromium-sqlite': SERIAL,
  firefox: SERIAL,
  webkit: SERIAL,
};

export function transactionCases(lab: Lab, test: Define): void {
  test('what cannot be started', async () => {
    const db = await lab.fresh();
    expect(thrownBy(() => db.transaction([]))).toBe('InvalidAccessError');
    expect(thrownBy(() => db.transaction('nowhere'))).toBe('NotFoundError');
    expect(thrownBy(() => db.transaction(['a', 'nowhere']))).toBe('NotFoundError');
    expect(thrownBy(() => db.transaction('a', 'versionchange'))).toBe('TypeError');
    expect(thrownBy(() => db.transaction('a', 'write' as never))).toBe('TypeError');
    expect(thrownBy(() => db.transaction('a', 'readonly', { durability: 'x' as never }))).toBe(
      'TypeError',
    );
  });

  test('an idbTx knows itself', async () => {
    const db = await lab.fresh();
    const tx = db.transaction(['b', 'a', 'b'], 'readwrite', { durability: 'strict' });
    expect([...tx.objectStoreNames]).toEqual(['a', 'b']);
    expect([tx.mode, tx.durability, tx.error]).toEqual(['readwrite', 'strict', null]);
    expect(tx.db).toBe(db);
    expect(tx.objectStore('a')).toBe(tx.objectStore('a'));
    expect(tx.objectStore('a').transaction).toBe(tx);
    expect(db.transaction('a').durability).toBe('default');
    expect(db.transaction('a').mode).toBe('readonly');
    expect(thrownBy(() => db.transaction('a').objectStore('b'))).toBe('NotFoundError');
  });

  test('it is active in the microtasks of the task that made it', async () => {
    const db = await lab.fresh();
    const store = db.transaction('a').objectStore('a');
    for (let i = 0; i < 50; i++) await Promise.resolve();
    expect(thrownBy(() => store.get(1))).toBe(undefined);
  });

  test('it is inactive in the next task', TIMERS_FIRST, async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a');
    const store = tx.objectStore('a');
    store.get(1);
    await later();
    expect(thrownBy(() => store.get(1))).toBe('TransactionInactiveError');
  });

  test('it is active in the callback of a request, and in the microtasks of that', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a');
    const ended = end(tx);
    await result(tx.objectStore('a').get(1));
    for (let i = 0; i < 50; i++) await Promise.resolve();
    await result(tx.objectStore('a').get(2));
    expect(thrownBy(() => tx.objectStore('a').get(3))).toBe(undefined);
    expect(await ended).toBe('complete');
  });

  test('it is inactive in the callback of another idbTx', async () => {
    const db = await lab.fresh();
    const one = db.transaction('a');
    const release = hold(one, 'a');
    const two = db.transaction('b');
    await result(two.objectStore('b').get(1));
    expect(thrownBy(() => one.objectStore('a').get(1))).toBe('TransactionInactiveError');
    release();
    await end(one);
  });

  test('one made in a callback is usable there', async () => {
    const db = await lab.filled([[1, 'v']]);
    const first = db.transaction('a');
    const found = await new Promise<unknown>((resolve) => {
      first.objectStore('a').get(1).onsuccess = () => {
        const second = db.transaction('a').objectStore('a').get(1);
        second.onsuccess = () => resolve(second.result);
      };
    });
    expect(found).toBe('v');
  });

  test('one without requests completes', async () => {
    const db = await lab.fresh();
    expect(await end(db.transaction('a'))).toBe('complete');
    expect(await end(db.transaction('a', 'readwrite'))).toBe('complete');
  });

  test('when it is over, nothing can be done with it', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    await end(tx);
    expect(thrownBy(() => store.put(1, 1))).toBe('TransactionInactiveError');
    expect(thrownBy(() => store.get(1))).toBe('TransactionInactiveError');
    expect(thrownBy(() => tx.objectStore('a'))).toBe('InvalidStateError');
    expect(thrownBy(() => store.index('x'))).toBe('InvalidStateError');
    expect(thrownBy(() => tx.abort())).toBe('InvalidStateError');
    expect(thrownBy(() => tx.commit())).toBe('InvalidStateError');
  });

  test('commit ends it: no more requests, no abort, `complete` comes', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    store.put(1, 1);
    tx.commit();
    expect(thrownBy(() => store.put(1, 1))).toBe('TransactionInactiveError');
    expect(thrownBy(() => tx.commit())).toBe('InvalidStateError');
    expect(thrownBy(() => tx.abort())).toBe('InvalidStateError');
    expect(await end(tx)).toBe('complete');
    expect(await result(db.transaction('a').objectStore('a').get(1))).toBe(1);
  });

  test('after commit, the callbacks of its requests come and take no more requests', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a', 'readwrite');
    const log = new EventLog();
    log.watch('tx', tx, ['complete']);
    const store = tx.objectStore('a');
    store.put(1, 1).onsuccess = () => log.note(`put ${thrownBy(() => store.get(1))}`);
    tx.commit();
    await end(tx);
    expect(log.lines).toEqual(['put TransactionInactiveError', 'tx complete']);
  });

  test('commit in a callback', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a', 'readwrite');
    tx.objectStore('a').put(1, 1).onsuccess = () => tx.commit();
    expect(await end(tx)).toBe('complete');
  });

  test('after commit, a request that fails aborts all the same', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    tx.objectStore('a').put('w', 2);
    tx.objectStore('a').add('w', 1);
    tx.commit();
    expect(await end(tx)).toBe('abort');
    expect(await result(db.transaction('a').objectStore('a').count())).toBe(1);
  });

  test('abort undoes everything, and `error` stays null', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    store.put('w', 1);
    store.put('x', 2);
    await result(store.count());
    tx.abort();
    expect(tx.error).toBe(null);
    expect(await end(tx)).toBe('abort');
    expect(tx.error).toBe(null);
    expect(await result(db.transaction('a').objectStore('a').getAll())).toEqual(['v']);
  });

  test('abort fails the requests that wait, in order, before it fires', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a', 'readwrite');
    const log = new EventLog();
    log.watch('tx', tx, ['abort', 'complete']);
    const requests = [1, 2].map((key) => tx.objectStore('a').put(1, key));
    for (const [i, request] of requests.entries()) {
      log.watch(`put ${i}`, request, ['success', 'error']);
    }
    tx.abort();
    expect(thrownBy(() => tx.abort())).toBe('InvalidStateError');
    expect(thrownBy(() => tx.objectStore('a'))).toBe('InvalidStateError');
    await end(tx);
    expect(log.lines).toEqual(['put 0 error', 'put 1 error', 'tx abort']);
    expect(requests.map(({ error }) => error?.name)).toEqual(['AbortError', 'AbortError']);
    expect(requests[0]?.result).toBe(undefined);
  });

  test('abort in a callback spares the request whose callback it is', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a', 'readwrite');
    const first = tx.objectStore('a').put(1, 1);
    const second = tx.objectStore('a').put(1, 2);
    first.onsuccess = () => tx.abort();
    expect(await errorOf(second)).toBe('AbortError');
    expect(first.error).toBe(null);
    expect(await result(db.transaction('a').objectStore('a').count())).toBe(0);
  });

  test('a writer waits for an earlier writer of the same store', async () => {
    const db = await lab.fresh();
    const log = new EventLog();
    const one = db.transaction('a', 'readwrite');
    const two = db.transaction(['a', 'b'], 'readwrite');
    const request = two.objectStore('a').get(1);
    log.watch('one', one, ['complete']);
    log.watch('two get', request, ['success']);
    const release = hold(one, 'a');
    one.objectStore('a').put('v', 1);
    await later(10);
    release();
    expect(await result(request)).toBe('v');
    expect(log.lines).toEqual(['one complete', 'two get success']);
  });

  test('a reader waits for an earlier writer, on another connection too', async () => {
    const name = lab.name();
    const db = await lab.open(name, 1, (fresh) => fresh.createObjectStore('a'));
    const other = await lab.open(name);
    const writer = db.transaction('a', 'readwrite');
    const release = hold(writer, 'a');
    const request = other.transaction('a').objectStore('a').get(1);
    await later(10);
    writer.addEventListener('complete', () => undefined);
    release();
    const more = db.transaction('a', 'readwrite');
    more.objectStore('a').put('too late', 1);
    expect(await result(request)).toBe(undefined);
    await end(more);
  });

  test('a writer waits for an earlier reader', async () => {
    const db = await lab.fresh();
    const log = new EventLog();
    const reader = db.transaction('a');
    const writer = db.transaction('a', 'readwrite');
    log.watch('reader', reader, ['complete']);
    log.watch('writer', writer, ['complete']);
    const release = hold(reader, 'a');
    writer.objectStore('a').put('v', 1);
    await later(10);
    release();
    await end(writer);
    expect(log.lines).toEqual(['reader complete', 'writer complete']);
  });

  test('readers do not wait for each other', async () => {
    const db = await lab.filled([[1, 'v']]);
    const one = db.transaction('a');
    const release = hold(one, 'a');
    const two = db.transaction('a');
    expect(await result(two.objectStore('a').get(1))).toBe('v');
    release();
    await end(one);
  });

  test('writers of different stores do not wait for each other', ONE_WRITER, async () => {
    const db = await lab.fresh();
    const one = db.transaction('a', 'readwrite');
    const release = hold(one, 'a');
    const two = db.transaction('b', 'readwrite');
    two.objectStore('b').put('v', 1);
    const waits = later(WAIT_MS).then(() => 'waits');
    const ended = end(two);
    const first = await Promise.race([ended, waits]);
    release();
    expect([await end(one), await ended]).toEqual(['complete', 'complete']);
    expect(first).toBe('complete');
  });

  test('a reader made after a waiting writer sees what that writes', async () => {
    const db = await lab.fresh();
    const first = db.transaction('a');
    const release = hold(first, 'a');
    const writer = db.transaction('a', 'readwrite');
    writer.objectStore('a').put('v', 1);
    const reader = db.transaction('a');
    const request = reader.objectStore('a').get(1);
    await later(5);
    release();
    expect(await result(request)).toBe('v');
  });

  test('an idbTx sees its own writes, others do not until it is complete', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    store.put('w', 1);
    expect(await result(store.get(1))).toBe('w');
    tx.abort();
    await end(tx);
    expect(await result(db.transaction('a').objectStore('a').get(1))).toBe('v');
  });

  test('after close a connection starts nothing, and what runs goes on', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a', 'readwrite');
    tx.objectStore('a').put(1, 1);
    db.close();
    expect(thrownBy(() => db.transaction('a'))).toBe('InvalidStateError');
    await result(tx.objectStore('a').put(2, 2));
    expect(await end(tx)).toBe('complete');
  });
}
