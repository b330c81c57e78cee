/**
 * Databases of wa-sqlite's IDBBatchAtomicVFS, and of what is built on it.
 *
 * Store `metadata`, by name: the file's size and version, which counts down, and `pendingVersion` while a
 * sqliteTx writes, or after it died writing. Store `blocks`, by [path, −offset, version]: what each sqliteTx
 * wrote; of those that ended, the least version counts. npm's wa-sqlite 1.0.0 has no `metadata`: there block
 * 0 bears the size, and its version is the file's.
 */
import { bytesOf, type PageRange, type PeerDatabase, pageStream } from './page-stream.js';
import { type MigrateOptions, PeerStore, type PeerStores, result } from './peer-store.js';

interface Metadata {
  readonly fileSize: number;
  readonly version: number;
  readonly pendingVersion?: number;
}

interface Block {
  readonly offset: number;
  readonly version: number;
  readonly data: unknown;
  /** Of block 0 without `metadata`. */
  readonly fileSize?: number;
}

const OPEN_IT =
  'Open it once more with IDBBatchAtomicVFS, which ends that, close it, and try again';

/**
 * The bytes of a database that wa-sqlite's `IDBBatchAtomicVFS` has written, for `importFile`.
 *
 * @param idbName name of its IndexedDB database: the VFS's name, or its option `idbName`.
 * @param path as it was opened, e.g. `app.db`.
 * @returns a stream that fails with PeerStoreError if there is no such database, a page of it is missing, a
 *   sqliteTx was not ended, or it is written to meanwhile; and with NotADatabaseError.
 */
export function readBatchAtomic(
  idbName: string,
  path: string,
  options: MigrateOptions = {},
): ReadableStream<Uint8Array> {
  const { pathname } = new URL(path, 'file://');
  const what = `"${path}" of IDBBatchAtomicVFS "${idbName}"`;
  return pageStream(async () => {
    const opening = { ...options, what, stores: ['blocks'], optional: ['metadata'] };
    return new BatchAtomicDatabase(await PeerStore.open(idbName, opening), pathname);
  });
}

class BatchAtomicDatabase implements PeerDatabase {
  readonly peer: PeerStore;
  readonly #path: string;

  constructor(peer: PeerStore, path: string) {
    this.peer = peer;
    this.#path = path;
  }

  async file(stores: PeerStores): Promise<{ fileBytes: number; state: number }> {
    const metadata = await this.#metadataOf(stores, this.#path);
    if (!metadata) throw this.peer.refuse('there is no database of that name in it');
    if (metadata.pendingVersion !== undefined) {
      throw this.peer.refuse(`a sqliteTx was not ended. ${OPEN_IT}`);
    }
    for (const suffix of ['-journal', '-wal']) await this.#refuseHot(stores, suffix);
    return { fileBytes: metadata.fileSize, state: metadata.version };
  }

  async #metadataOf(stores: PeerStores, path: string): Promise<Metadata | undefined> {
    if (this.peer.has('metadata')) return await result(stores('metadata').get(path));
    const block = await this.#firstBlock(stores, path);
    return block && { fileSize: block.fileSize ?? 0, version: block.version };
  }

  async #firstBlock(stores: PeerStores, path: string): Promise<Block | undefined> {
    return await result(stores('blocks').get(IDBKeyRange.bound([path, 0], [path, 0, Infinity])));
  }

  /** A journal counts if it begins with something else than zero. */
  async #refuseHot(stores: PeerStores, suffix: string): Promise<void> {
    const path = this.#path + suffix;
    const metadata = await this.#metadataOf(stores, path);
    if (!metadata || metadata.fileSize === 0) return;
    const block = await this.#firstBlock(stores, path);
    const [first] = bytesOf(block?.data) ?? [];
    if (first) throw this.peer.refuse(`it has a hot journal, "${path}". ${OPEN_IT}`);
  }

  async head(stores: PeerStores, { state }: { state: unknown }): Promise<Uint8Array | undefined> {
    const [head] = await this.#blocks(stores, state as number, { first: 0, last: 0 });
    return head && bytesOf(head.data);
  }

  async pages(
    stores: PeerStores,
    { state }: { state: unknown },
    { first, count, pageBytes }: PageRange,
  ): Promise<(Uint8Array | undefined)[]> {
    const bounds = { first: first * pageBytes, last: (first + count - 1) * pageBytes };
    const pages = new Array<Uint8Array | undefined>(count).fill(undefined);
    for (const { offset, data } of await this.#blocks(stores, state as number, bounds)) {
      pages[-offset / pageBytes - first] = bytesOf(data);
    }
    return pages;
  }

  /** Of each offset the version that counts. */
  async #blocks(
    stores: PeerStores,
    version: number,
    { first, last }: { readonly first: number; readonly last: number },
  ): Promise<Block[]> {
    const range = IDBKeyRange.bound([this.#path, -last], [this.#path, -first, Infinity]);
    const found: Block[] = await result(stores('blocks').getAll(range));
    const newest = new Map<number, Block>();
    // In the order of their keys: the least version comes first.
    for (const block of found) {
      if (block.version >= version && !newest.has(block.offset)) newest.set(block.offset, block);
    }
    return [...newest.values()];
  }
}
