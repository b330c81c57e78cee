/** Faults of locks on the browser's own Web Locks; the same cases as on the simulated ones. */
import { defineLockSuite } from '../support/lock-suite.ts';

let count = 0;

defineLockSuite(() => {
  count++;
  return { locks: navigator.locks, name: `fault-locks-${count}-${Date.now().toString(36)}` };
});
