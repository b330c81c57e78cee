/**
 * The simulation inside a browser, whose own classes it must get along with: the same cases, and
 * `instanceof` as idb asks for it.
 */
import { openDB } from 'idb';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import { TARGETS } from '../support/browsers/targets.ts';
import { muteOnPurpose, simulatedSubjects } from '../support/conformance-subjects.ts';
import { defineConformance } from '../support/conformance-tests.ts';
import { openDatabase } from '../support/sim-dsl.ts';

beforeAll(() => muteOnPurpose());

describe.each(simulatedSubjects(TARGETS[inject('target')].browser))('$name', ({ subject }) => {
  defineConformance(subject);
});

test('its objects are instances of the classes of the browser', async () => {
  const sim = new SimulatedIndexedDB();
  expect(sim).toBeInstanceOf(IDBFactory);
  const opening = sim.open('x');
  expect(opening).toBeInstanceOf(IDBOpenDBRequest);
  expect(opening).toBeInstanceOf(IDBRequest);
  expect(opening).toBeInstanceOf(EventTarget);
  const events: Event[] = [];
  opening.addEventListener('upgradeneeded', (event) => events.push(event));
  const db = await openDatabase(sim);
  expect(db).toBeInstanceOf(IDBDatabase);
  expect(events[0]).toBeInstanceOf(IDBVersionChangeEvent);
  expect(events[0]).toBeInstanceOf(Event);
  const tx = db.transaction('a', 'readwrite');
  expect(tx).toBeInstanceOf(IDBTransaction);
  const store = tx.objectStore('a');
  expect(store).toBeInstanceOf(IDBObjectStore);
  store.put('v', 1);
  const request = store.openCursor();
  await new Promise((resolve) => {
    request.onsuccess = resolve;
  });
  expect(request.result).toBeInstanceOf(IDBCursor);
  expect(request.result).toBeInstanceOf(IDBCursorWithValue);
});

test('idb wraps it', async () => {
  const globalFactory = Reflect.getOwnPropertyDescriptor(globalThis, 'indexedDB');
  Object.defineProperty(globalThis, 'indexedDB', {
    value: new SimulatedIndexedDB(),
    configurable: true,
  });
  try {
    const db = await openDB('idb', 1, { upgrade: (fresh) => void fresh.createObjectStore('a') });
    await db.put('a', 'v', 1);
    expect(await db.getAll('a')).toEqual(['v']);
  } finally {
    if (globalFactory) Object.defineProperty(globalThis, 'indexedDB', globalFactory);
    else Reflect.deleteProperty(globalThis, 'indexedDB');
  }
});
