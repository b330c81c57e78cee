/** Waits until an IndexedDB database has nothing left to do. */
import { openDB } from 'idb';

/**
 * A readwrite idbTx over all stores ends after every one that was begun before it. An engine that
 * acknowledges before `complete` needs this before its worker is terminated, or loses its last commits.
 */
export async function quiet(name: string): Promise<void> {
  const db = await openDB(name);
  const idbTx = db.transaction(db.objectStoreNames, 'readwrite');
  await idbTx.objectStore(db.objectStoreNames[0] as string).count();
  await idbTx.done;
  db.close();
}
