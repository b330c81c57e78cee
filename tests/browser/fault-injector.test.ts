/** Every fault kind on the browser's own IndexedDB; the same cases as on the simulated one. */
import { afterEach } from 'vitest';
import { defineFaultSuite } from '../support/fault-suite.ts';

const names: string[] = [];

afterEach(() => {
  for (const name of names.splice(0)) indexedDB.deleteDatabase(name);
});

defineFaultSuite({
  fresh: () => {
    const name = `injector-${names.length}-${Date.now().toString(36)}`;
    names.push(name);
    return { factory: indexedDB, name };
  },
});
