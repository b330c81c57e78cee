/**
 * A storage worker that fails when a test says so.
 *
 *   name      a method of Atomics that it has to do without
 *   'hang'    never comes back
 *   'fill'    has no room for the next segment
 *   'lose'    the next commit fails
 */
import './without.ts';
import { FaultInjector } from '../../../src/testing/index.js';
import { serveStorage } from '../../../src/vfs/shared/serve.js';

const faults = new FaultInjector(indexedDB);

addEventListener('message', ({ data }) => {
  if (data === 'hang') for (;;);
  if (data === 'fill') faults.plan({ tag: 'quota-at-put' }, { store: 'segments' });
  if (data === 'lose') faults.plan({ tag: 'abort-at-commit', name: 'DataError' });
});
serveStorage({ indexedDB: faults.factory });
postMessage('ready');
