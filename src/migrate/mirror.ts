/**
 * Databases of wa-sqlite's IDBMirrorVFS.
 *
 * Store `blocks`, by [path, offset]: the pages; those behind the end stay when a file shrinks. Store `tx`, by
 * [path, number]: the newest sqliteTxs, without their pages, with the file's size. Each commit is one idbTx,
 * and journals are in memory, so what is stored is at rest.
 */
import { bytesOf, type PageRange, type PeerDatabase, pageStream } from './page-stream.js';
import { type MigrateOptions, PeerStore, type PeerStores, result } from './peer-store.js';

interface MirrorTx {
  readonly txId: number;
  readonly fileSize?: number;
}

/**
 * The bytes of a database that wa-sqlite's `IDBMirrorVFS` has written, for `importFile`.
 *
 * @param idbName name of its IndexedDB database: the VFS's name.
 * @param path as it was opened, e.g. `app.db`.
 * @returns a stream that fails with PeerStoreError if there is no such database, a page of it is missing, or
 *   it is written to meanwhile; and with NotADatabaseError.
 */
export function readMirror(
  idbName: string,
  path: string,
  options: MigrateOptions = {},
): ReadableStream<Uint8Array> {
  const { pathname } = new URL(path, 'file://');
  const what = `"${path}" of IDBMirrorVFS "${idbName}"`;
  return pageStream(async () => {
    const opening = { ...options, what, stores: ['blocks', 'tx'] };
    return new MirrorDatabase(await PeerStore.open(idbName, opening), pathname);
  });
}

class MirrorDatabase implements PeerDatabase {
  readonly peer: PeerStore;
  readonly #path: string;

  constructor(peer: PeerStore, path: string) {
    this.peer = peer;
    this.#path = path;
  }

  async file(stores: PeerStores): Promise<{ fileBytes: number | undefined; state: number }> {
    const range = IDBKeyRange.bound([this.#path, 0], [this.#path, Infinity]);
    const newest: MirrorTx[] = await result(stores('tx').getAll(range));
    const last = newest.at(-1);
    const head = await this.head(stores);
    if (!head) throw this.peer.refuse('there is no database of that name in it');
    return { fileBytes: head.length === 0 ? 0 : last?.fileSize, state: last?.txId ?? 0 };
  }

  async head(stores: PeerStores): Promise<Uint8Array | undefined> {
    const block = await result(stores('blocks').get([this.#path, 0]));
    return bytesOf(block?.data);
  }

  async pages(
    stores: PeerStores,
    _file: unknown,
    { first, count, pageBytes }: PageRange,
  ): Promise<(Uint8Array | undefined)[]> {
    const last = (first + count - 1) * pageBytes;
    const range = IDBKeyRange.bound([this.#path, first * pageBytes], [this.#path, last]);
    const pages = new Array<Uint8Array | undefined>(count).fill(undefined);
    for (const { offset, data } of await result(stores('blocks').getAll(range))) {
      pages[offset / pageBytes - first] = bytesOf(data);
    }
    return pages;
  }
}
