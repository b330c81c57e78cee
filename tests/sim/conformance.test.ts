/** The simulated IndexedDB, held against the cases that browsers pass. */
import { afterAll, beforeAll, describe } from 'vitest';
import { FaultInjector, SimulatedIndexedDB, SimulatedKeyRange } from '../../src/testing/index.js';
import { defineConformance } from '../support/conformance-tests.ts';

const reportError = Reflect.getOwnPropertyDescriptor(globalThis, 'reportError');
const HISTORY = { history: true };
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

const SUBJECTS: readonly (readonly [name: string, factory: IDBFactory])[] = [
  ...[1, 2, 3].map((seed) => [`seed ${seed}`, new SimulatedIndexedDB({ seed })] as const),
  // With nothing planned it changes nothing.
  ['an injector over it', new FaultInjector(new SimulatedIndexedDB()).factory],
  ['an injector with history', new FaultInjector(new SimulatedIndexedDB(), HISTORY).factory],
];

describe.each(SUBJECTS)('the simulation: %s', (_name, factory) => {
  defineConformance({
    factory,
    KeyRange: SimulatedKeyRange as object as typeof IDBKeyRange,
    throwing: () => () => {
      throw ON_PURPOSE;
    },
  });
});
