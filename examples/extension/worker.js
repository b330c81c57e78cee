// A service worker must not import() when it runs: what openDatabase would load is imported here.
import * as SQLite from '@journeyapps/wa-sqlite';
import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { openDatabase } from 'idb-block-vfs';
import { countVisits } from '../visits.js';

async function open() {
  const module = await createModule();
  return await openDatabase('extension.db', { module, sqlite3: SQLite.Factory(module) });
}
/**
 * The browser ends the worker when it has been idle for a while, and starts it for the next message: it
 * is opened when it is needed.
 * @type {Promise<import('idb-block-vfs').Database> | undefined}
 */
let opening;

const { runtime } = /** @type {any} */ (globalThis).chrome;
runtime.onMessage.addListener(
  (
    /** @type {unknown} */ _message,
    /** @type {unknown} */ _sender,
    /** @type {(text: string) => void} */ answer,
  ) => {
    opening ??= open();
    opening.then(countVisits).then(answer, (error) => answer(String(error)));
    // It answers later.
    return true;
  },
);
