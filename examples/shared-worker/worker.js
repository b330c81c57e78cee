import { openDatabase } from 'idb-block-vfs';
import { countVisits } from '../visits.js';

const opening = openDatabase('shared-worker.db');

addEventListener('connect', (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  if (!port) return;
  port.onmessage = async () => port.postMessage(await countVisits(await opening));
});
