/**
 * Databases of absurd-sql: an IndexedDB database for each file, named like it.
 *
 * Store `data`: page number, from 0, → its bytes; −1 → the file's size. Pages behind the end stay when a file
 * shrinks. A commit is one idbTx, and the library's own advice is a journal in memory; a journal that is not is
 * a file, and so a database, of its own.
 */
import { bytesOf, type PageRange, type PeerDatabase, pageStream } from './page-stream.js';
import {
  type MigrateOptions,
  openExisting,
  PeerStore,
  type PeerStores,
  result,
} from './peer-store.js';

/** Of the header: the change counter and what follows it, which differ after every commit. */
const STATE = [24, 40] as const;

/**
 * The bytes of a database that absurd-sql has written, for `importFile`.
 *
 * @param file its name as it was opened, without the folder that the file system is mounted on: `db.sqlite`
 *   for `/sql/db.sqlite`.
 * @returns a stream that fails with PeerStoreError if there is no such database, a page of it is missing, it
 *   has a hot journal, or is written to meanwhile; and with NotADatabaseError.
 */
export function readAbsurdSql(
  file: string,
  options: MigrateOptions = {},
): ReadableStream<Uint8Array> {
  const idbName = file.replaceAll('/', '-');
  const what = `"${file}" of absurd-sql`;
  return pageStream(async () => {
    const peer = await PeerStore.open(idbName, { ...options, what, stores: ['data'] });
    try {
      await refuseHot(peer, `${idbName}-journal`, options);
    } catch (cause) {
      peer.close();
      throw cause;
    }
    return new AbsurdDatabase(peer);
  });
}

async function refuseHot(
  peer: PeerStore,
  journal: string,
  { indexedDB = globalThis.indexedDB }: MigrateOptions,
): Promise<void> {
  const database = await openExisting(indexedDB, journal);
  if (!database) return;
  try {
    if (![...database.objectStoreNames].includes('data')) return;
    const data = database.transaction('data', 'readonly').objectStore('data');
    const [first] = bytesOf(await result(data.get(0))) ?? [];
    if (!first) return;
    const advice = 'Open it once more with absurd-sql, which rolls back, close it, and try again';
    throw peer.refuse(`it has a hot journal, IndexedDB database "${journal}". ${advice}`);
  } finally {
    database.close();
  }
}

class AbsurdDatabase implements PeerDatabase {
  readonly peer: PeerStore;

  constructor(peer: PeerStore) {
    this.peer = peer;
  }

  async file(stores: PeerStores): Promise<{ fileBytes: number; state: number[] }> {
    const meta = await result(stores('data').get(-1));
    const head = await this.head(stores);
    const size: unknown = meta?.size;
    if (typeof size !== 'number') throw this.peer.refuse('its size is not stored');
    return { fileBytes: size, state: [...(head?.subarray(...STATE) ?? [])] };
  }

  async head(stores: PeerStores): Promise<Uint8Array | undefined> {
    return bytesOf(await result(stores('data').get(0)));
  }

  async pages(
    stores: PeerStores,
    _file: unknown,
    { first, count }: PageRange,
  ): Promise<(Uint8Array | undefined)[]> {
    const range = IDBKeyRange.bound(first, first + count - 1);
    const [keys, values] = await Promise.all([
      result(stores('data').getAllKeys(range)),
      result(stores('data').getAll(range)),
    ]);
    const pages = new Array<Uint8Array | undefined>(count).fill(undefined);
    for (const [i, key] of keys.entries()) pages[Number(key) - first] = bytesOf(values[i]);
    return pages;
  }
}
