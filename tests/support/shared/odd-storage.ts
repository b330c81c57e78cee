/**
 * A storage worker that fails when a test says so, and says first that it has heard.
 *
 *   name      a method of Atomics that it has to do without
 *   'hang'    never comes back
 *   'pause'   comes back after PAUSE_MS
 *   n         never comes back from the nth call or event of IndexedDB from now on
 *   'fill'    has no room for the next segment
 *   'lose'    the next commit fails
 *
 * It is told by a message, or, where it was started by another, on the BroadcastChannel of this module's name.
 */
import './without.ts';
import { FaultInjector } from '../../../src/testing/index.js';
import { serveStorage } from '../../../src/vfs/shared/serve.js';

const PAUSE_MS = 500;
const HEARD = 'heard';
const faults = new FaultInjector(indexedDB);

let left = Number.POSITIVE_INFINITY;
faults.onPoint(() => {
  if (--left === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});

function obey({ data }: MessageEvent): void {
  if (typeof data === 'number') left = data;
  if (data === 'hang') for (;;);
  if (data === 'pause') {
    const until = performance.now() + PAUSE_MS;
    while (performance.now() < until);
  }
  if (data === 'fill') faults.plan({ tag: 'quota-at-put' }, { store: 'segments' });
  if (data === 'lose') faults.plan({ tag: 'abort-at-commit', name: 'DataError' });
}
addEventListener('message', (event) => {
  postMessage(HEARD);
  obey(event);
});
const channel = new BroadcastChannel('odd-storage');
channel.onmessage = (event) => {
  if (event.data === HEARD) return;
  channel.postMessage(HEARD);
  obey(event);
};
serveStorage({ indexedDB: faults.factory });
postMessage('ready');
