/** Every fault kind on the browser's own IndexedDB; the same cases as on the simulated one. */
import { type IDBPDatabase, wrap } from 'idb';
import { afterEach, expect, inject, test } from 'vitest';
import { FaultInjector } from '../../src/testing/index.js';
import { defineFaultSuite } from '../support/fault-suite.ts';

const names: string[] = [];

afterEach(() => {
  for (const name of names.splice(0)) indexedDB.deleteDatabase(name);
});

function fresh(): { readonly factory: IDBFactory; readonly name: string } {
  const name = `injector-${names.length}-${Date.now().toString(36)}`;
  names.push(name);
  return { factory: indexedDB, name };
}

// Elsewhere SQLite is below it, and one idbTx of a database writes at a time.
defineFaultSuite({ writesAbreast: inject('target') === 'chromium', fresh });

// Goal: code on `idb`, which takes objects apart with instanceof and method identity, runs unchanged.
test('idb works over an injector, cursors and all, and hears its faults', async () => {
  const name = fresh().name;
  const faults = new FaultInjector();
  const request = faults.factory.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore('a');
  const db: IDBPDatabase = await (wrap(request) as Promise<IDBPDatabase>);
  const writing = db.transaction('a', 'readwrite');
  for (let key = 1; key <= 4; key++) await writing.store.put(`value ${key}`, key);
  await writing.done;
  const seen: unknown[] = [];
  for (let cursor = await db.transaction('a').store.openCursor(); cursor; ) {
    seen.push(cursor.value);
    cursor = cursor.key === 1 ? await cursor.continue(3) : await cursor.advance(1);
  }
  expect(seen).toEqual(['value 1', 'value 3', 'value 4']);
  for await (const cursor of db.transaction('a', 'readwrite').store) {
    if (cursor.key === 2) await cursor.update('changed');
  }
  expect(await db.get('a', 2)).toBe('changed');
  faults.plan({ tag: 'delay' }, { kind: 'step' });
  expect(await lengthOf(db.transaction('a').store.iterate())).toBe(4);
  faults.plan({ tag: 'request-error', name: 'DataError' }, { kind: 'step', nth: 2 });
  const failing = db.transaction('a');
  const told = expect(failing.done).rejects.toThrow();
  await expect(lengthOf(failing.store.iterate())).rejects.toThrow('planned DataError');
  await told;
  faults.plan({ tag: 'abort-at-commit', name: 'UnknownError' });
  await expect(db.put('a', 'x', 9)).rejects.toMatchObject({ name: 'UnknownError' });
  expect(await db.count('a')).toBe(4);
  db.close();
});

async function lengthOf(cursors: AsyncIterable<unknown>): Promise<number> {
  let length = 0;
  for await (const _ of cursors) length++;
  return length;
}
