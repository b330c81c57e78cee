/** Every fault kind on the simulated IndexedDB; the browser test of the same name has the same cases. */
import { describe } from 'vitest';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import { defineFaultSuite } from '../support/fault-suite.ts';

describe.each([1, 2, 3])('seed %i', (seed) => {
  const fresh = () => ({ factory: new SimulatedIndexedDB({ seed }), name: 'db' });
  defineFaultSuite({ writesAbreast: true, fresh });
});
