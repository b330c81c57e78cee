// A service worker must not import() when it runs: what openDatabase would load is imported here.
import * as SQLite from '@journeyapps/wa-sqlite';
import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { openDatabase } from 'idb-block-vfs';
import { countVisits } from '../visits.js';

async function open() {
  const module = await createModule();
  return await openDatabase('service-worker.db', { module, sqlite3: SQLite.Factory(module) });
}
/**
 * The browser ends and starts it as it likes: it is opened when it is needed.
 * @type {Promise<import('idb-block-vfs').Database> | undefined}
 */
let opening;

addEventListener('message', (event) => {
  const { ports, waitUntil } = /** @type {any} */ (event);
  opening ??= open();
  const answer = opening.then(countVisits).then((text) => ports[0].postMessage(text));
  waitUntil.call(event, answer);
});
