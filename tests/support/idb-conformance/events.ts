/** Events: their order, their path, and what listeners can do to an idbTx. */
import { expect } from './expect.ts';
import { EventLog, end, errorOf, type Lab, later, result, thrownBy } from './lab.ts';
import { type Define, TIMERS_FIRST } from './table.ts';

export function eventCases(lab: Lab, test: Define): void {
  test('requests answer in the order they were made', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    const log = new EventLog();
    log.watch('tx', tx, ['complete']);
    log.watch('put', store.put(new ArrayBuffer(100_000), 2), ['success']);
    log.watch('get', store.get(1), ['success']);
    log.watch('getAll', store.getAll(), ['success']);
    log.watch('delete', store.delete(2), ['success']);
    log.watch('count', store.count(), ['success']);
    await end(tx);
    const names = ['put', 'get', 'getAll', 'delete', 'count'];
    expect(log.lines).toEqual([...names.map((name) => `${name} success`), 'tx complete']);
  });

  test('a request goes from pending to done', async () => {
    const db = await lab.filled([[1, 'v']]);
    const store = db.transaction('a').objectStore('a');
    const request = store.get(1);
    expect(request.readyState).toBe('pending');
    expect(thrownBy(() => request.result)).toBe('InvalidStateError');
    expect(thrownBy(() => request.error)).toBe('InvalidStateError');
    expect(request.source).toBe(store);
    expect(request.transaction).toBe(store.transaction);
    await result(request);
    expect([request.readyState, request.result, request.error]).toEqual(['done', 'v', null]);
  });

  test('success does not bubble and cannot be canceled; error does and can', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const seen: unknown[] = [];
    const note = (event: Event) => {
      seen.push([event.type, event.bubbles, event.cancelable]);
      event.preventDefault();
    };
    tx.objectStore('a').get(1).onsuccess = note;
    tx.objectStore('a').add(1, 1).onerror = note;
    tx.oncomplete = note;
    await end(tx);
    expect(seen).toEqual([
      ['success', false, false],
      ['error', true, true],
      ['complete', false, false],
    ]);
  });

  test('error goes request → idbTx → database, and abort follows', TIMERS_FIRST, async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const log = new EventLog();
    const request = tx.objectStore('a').add(1, 1);
    log.watch('request', request, ['error']);
    log.watch('tx', tx, ['error', 'abort']);
    log.watch('db', db, ['error', 'abort']);
    db.addEventListener('error', (event) => {
      expect(event.target).toBe(request);
      expect(event.currentTarget).toBe(db);
      expect(tx.error).toBe(null);
    });
    await end(tx);
    await later();
    expect(log.lines).toEqual(['request error', 'tx error', 'db error', 'tx abort', 'db abort']);
    expect(tx.error).toBe(request.error);
  });

  test('listeners that capture come first, from the database down', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const request = tx.objectStore('a').add(1, 1);
    const log: string[] = [];
    for (const [name, target] of [
      ['db', db],
      ['tx', tx],
      ['request', request],
    ] as const) {
      // In this order: Chromium calls both kinds at the target as they were added.
      target.addEventListener('error', (e) => log.push(`${name} capture ${e.eventPhase}`), true);
      target.addEventListener('error', (e) => log.push(`${name} bubble ${e.eventPhase}`));
    }
    request.addEventListener('error', (event) => event.preventDefault());
    expect(await end(tx)).toBe('complete');
    expect(log).toEqual([
      'db capture 1',
      'tx capture 1',
      'request capture 2',
      'request bubble 2',
      'tx bubble 3',
      'db bubble 3',
    ]);
  });

  test('success is seen by listeners that capture', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a');
    const seen: string[] = [];
    db.addEventListener('success', () => seen.push('db'), true);
    tx.addEventListener('success', () => seen.push('tx'), true);
    tx.addEventListener('success', () => seen.push('tx bubble'));
    await result(tx.objectStore('a').get(1));
    expect(seen).toEqual(['db', 'tx']);
  });

  test('preventDefault at any station keeps the idbTx alive', async () => {
    const db = await lab.filled([[1, 'v']]);
    for (const station of ['request', 'tx', 'db'] as const) {
      const tx = db.transaction('a', 'readwrite');
      const request = tx.objectStore('a').add(1, 1);
      const target = { request, tx, db }[station];
      target.addEventListener('error', (event) => event.preventDefault(), { once: true });
      expect(await end(tx)).toBe('complete');
      expect(tx.error).toBe(null);
    }
  });

  test('stopPropagation alone does not', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const log = new EventLog();
    log.watch('tx', tx, ['error']);
    tx.objectStore('a').add(1, 1).onerror = (event) => event.stopPropagation();
    expect(await end(tx)).toBe('abort');
    expect(log.lines).toEqual([]);
  });

  test('stopImmediatePropagation stops listeners of the same target', async () => {
    const db = await lab.filled([[1, 'v']]);
    const request = db.transaction('a').objectStore('a').get(1);
    const log: string[] = [];
    request.addEventListener('success', (event) => {
      log.push('first');
      event.stopImmediatePropagation();
    });
    request.addEventListener('success', () => log.push('second'));
    await end(request.transaction as IDBTransaction);
    expect(log).toEqual(['first']);
  });

  test('returning false from an `on…` property prevents the default', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    tx.objectStore('a').add(1, 1).onerror = () => false;
    expect(await end(tx)).toBe('complete');
  });

  test('requests can be made in an error callback that prevents the default', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    store.add('w', 1).onerror = (event) => {
      event.preventDefault();
      store.put('w', 2);
    };
    expect(await end(tx)).toBe('complete');
    expect(await result(db.transaction('a').objectStore('a').getAll())).toEqual(['v', 'w']);
  });

  test('after the error of one, the others fail with AbortError', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    const requests = [store.add('w', 1), store.put('w', 2), store.get(1)];
    expect(await Promise.all(requests.map(errorOf))).toEqual([
      'ConstraintError',
      'AbortError',
      'AbortError',
    ]);
    expect(tx.error?.name).toBe('ConstraintError');
  });

  test('listeners: once, removed, twice the same, objects, their order', async () => {
    const db = await lab.filled([[1, 'v']]);
    const store = db.transaction('a').objectStore('a');
    const request = store.openCursor();
    const log: string[] = [];
    const removed = () => log.push('removed');
    const twice = () => log.push('twice');
    request.addEventListener('success', removed);
    request.addEventListener('success', () => log.push('once'), { once: true });
    request.onsuccess = () => log.push('overwritten');
    request.addEventListener('success', twice);
    request.addEventListener('success', twice);
    request.addEventListener('success', { handleEvent: () => log.push('object') });
    request.onsuccess = () => log.push('on');
    request.removeEventListener('success', removed);
    const cursor = await result(request);
    expect(log).toEqual(['once', 'on', 'twice', 'object']);
    log.length = 0;
    cursor?.continue();
    await result(request);
    expect(log).toEqual(['on', 'twice', 'object']);
  });

  test('between two listeners the microtasks run', async () => {
    const db = await lab.filled([[1, 'v']]);
    const request = db.transaction('a').objectStore('a').get(1);
    const log: string[] = [];
    request.addEventListener('success', async () => {
      log.push('first');
      await Promise.resolve();
      log.push('microtask of the first');
    });
    request.addEventListener('success', () => log.push('second'));
    await end(request.transaction as IDBTransaction);
    expect(log).toEqual(['first', 'microtask of the first', 'second']);
  });

  test('each event is a task of its own: its microtasks come before the next', async () => {
    const db = await lab.filled([[1, 'v']]);
    const store = db.transaction('a').objectStore('a');
    const log: string[] = [];
    for (const n of [1, 2, 3]) {
      store.get(1).onsuccess = async () => {
        log.push(`event ${n}`);
        for (let i = 0; i < 10; i++) await Promise.resolve();
        log.push(`microtask ${n}`);
      };
    }
    await end(store.transaction);
    expect(log).toEqual([1, 2, 3].flatMap((n) => [`event ${n}`, `microtask ${n}`]));
  });

  test('a listener that throws aborts the idbTx with AbortError', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const log = new EventLog();
    const request = tx.objectStore('a').put('w', 1);
    request.addEventListener('success', lab.throwing());
    log.watch('request', request, ['success']);
    expect(await end(tx)).toBe('abort');
    expect(tx.error?.name).toBe('AbortError');
    expect(log.lines).toEqual(['request success']);
    expect(await result(db.transaction('a').objectStore('a').get(1))).toBe('v');
  });

  test('a listener of `error` that throws aborts with AbortError, prevented or not', async () => {
    const db = await lab.filled([[1, 'v']]);
    const tx = db.transaction('a', 'readwrite');
    const request = tx.objectStore('a').add('w', 1);
    request.addEventListener('error', (event) => event.preventDefault());
    request.addEventListener('error', lab.throwing());
    expect(await end(tx)).toBe('abort');
    expect(tx.error?.name).toBe('AbortError');
  });

  test('a listener of `complete` that throws changes nothing', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a', 'readwrite');
    tx.objectStore('a').put('w', 1);
    tx.addEventListener('complete', lab.throwing());
    expect(await end(tx)).toBe('complete');
    expect(await result(db.transaction('a').objectStore('a').get(1))).toBe('w');
  });

  test('in `complete` and `abort` the idbTx is over and a new one can be made', async () => {
    const db = await lab.fresh();
    for (const wanted of ['complete', 'abort'] as const) {
      const tx = db.transaction('a', 'readwrite');
      if (wanted === 'abort') tx.abort();
      const seen = await new Promise<unknown[]>((resolve) => {
        tx.addEventListener(wanted, () => {
          const next = db.transaction('a').objectStore('a').count();
          next.onsuccess = () => resolve([thrownBy(() => tx.objectStore('a')), next.result]);
        });
      });
      expect(seen).toEqual(['InvalidStateError', 0]);
    }
  });
}
