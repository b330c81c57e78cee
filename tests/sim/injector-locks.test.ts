/** Faults of locks on the simulated manager; the browser test of locks has the same cases. */
import { SimulatedLocks } from '../../src/testing/index.js';
import { defineLockSuite } from '../support/lock-suite.ts';

defineLockSuite(() => ({ locks: new SimulatedLocks(), name: 'lock' }));
