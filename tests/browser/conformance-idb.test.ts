/** The browser's IndexedDB, held against the cases that the simulation passes. */
import { describe } from 'vitest';
import { FaultInjector } from '../../src/testing/index.js';
import { defineConformance } from '../support/idb-conformance.ts';

/** Errors of its functions are reported to its own window, where nobody listens. */
const frame = document.createElement('iframe');
document.body.append(frame);

const SUBJECTS: readonly (readonly [name: string, factory: IDBFactory])[] = [
  ['the browser', indexedDB],
  // With nothing planned it changes nothing.
  ['an injector over it', new FaultInjector().factory],
  ['an injector with history', new FaultInjector(indexedDB, { history: true }).factory],
];

describe.each(SUBJECTS)('%s', (_name, factory) => {
  defineConformance({
    factory,
    KeyRange: IDBKeyRange,
    throwing: () => {
      const realm = frame.contentWindow as Window & { readonly Function: FunctionConstructor };
      return realm.Function('throw new Error("thrown on purpose")') as () => never;
    },
  });
});
