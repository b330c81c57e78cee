/** The simulated IndexedDB, held against the cases that Chromium passes. */
import { afterAll, beforeAll, describe } from 'vitest';
import { SimulatedIndexedDB, SimulatedKeyRange } from '../../src/testing/index.js';
import { defineConformance } from '../support/idb-conformance.ts';

const reportError = Reflect.getOwnPropertyDescriptor(globalThis, 'reportError');
const ON_PURPOSE = new Error('thrown on purpose');

// Where a browser would tell `window.onerror`.
beforeAll(() => {
  const value = (error: unknown) => {
    if (error !== ON_PURPOSE) throw error;
  };
  Object.defineProperty(globalThis, 'reportError', { value, configurable: true });
});
afterAll(() => {
  if (reportError) Object.defineProperty(globalThis, 'reportError', reportError);
  else Reflect.deleteProperty(globalThis, 'reportError');
});

describe.each([1, 2, 3])('the simulation with seed %i', (seed) => {
  defineConformance({
    factory: new SimulatedIndexedDB({ seed }),
    KeyRange: SimulatedKeyRange as object as typeof IDBKeyRange,
    throwing: () => () => {
      throw ON_PURPOSE;
    },
  });
});
