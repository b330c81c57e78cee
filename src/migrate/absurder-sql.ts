/**
 * Databases of absurder-sql: all in the one IndexedDB database `block_storage`.
 *
 * Store `blocks`: "name:number" → 4,096 bytes, numbers from 0. Store `metadata`: "name:commit_marker" → a
 * number that grows with each `sync()`. The file's size is in no record: the header's page count tells it.
 * Rollback journals are in memory. What a `sync()` within a sqliteTx has stored cannot be told from a
 * commit: `PRAGMA integrity_check` behind the import tells.
 */
import { bytesOf, type PageRange, type PeerDatabase, pageStream } from './page-stream.js';
import { type MigrateOptions, PeerStore, type PeerStores, result } from './peer-store.js';

const IDB_NAME = 'block_storage';
const BLOCK_BYTES = 4096;

/**
 * The bytes of a database that absurder-sql has stored in IndexedDB, for `importFile`.
 *
 * @param name as it was opened. The library stores some under the name with `.db` behind it; both are looked for.
 * @returns a stream that fails with PeerStoreError if there is no such database, a block of it is missing,
 *   or it is written to meanwhile; and with NotADatabaseError.
 */
export function readAbsurderSql(
  name: string,
  options: MigrateOptions = {},
): ReadableStream<Uint8Array> {
  const what = `"${name}" of absurder-sql`;
  return pageStream(async () => {
    const stores = ['blocks', 'metadata'];
    const peer = await PeerStore.open(IDB_NAME, { ...options, what, stores });
    return new AbsurderDatabase(peer, name);
  });
}

class AbsurderDatabase implements PeerDatabase {
  readonly peer: PeerStore;
  readonly #names: readonly string[];

  constructor(peer: PeerStore, name: string) {
    this.peer = peer;
    this.#names = [name, `${name}.db`];
  }

  async file(stores: PeerStores): Promise<{ fileBytes: undefined; state: unknown }> {
    for (const name of this.#names) {
      const marker = await result(stores('metadata').get(`${name}:commit_marker`));
      const head = await blockOf(stores, name, 0);
      if (head) return { fileBytes: undefined, state: { name, marker } };
    }
    throw this.peer.refuse('there is no database of that name in it');
  }

  async head(stores: PeerStores, { state }: { state: unknown }): Promise<Uint8Array | undefined> {
    return await blockOf(stores, nameOf(state), 0);
  }

  async pages(
    stores: PeerStores,
    { state }: { state: unknown },
    { first, count, pageBytes }: PageRange,
  ): Promise<(Uint8Array | undefined)[]> {
    const from = first * pageBytes;
    const end = from + count * pageBytes;
    const firstBlock = Math.floor(from / BLOCK_BYTES);
    const blockCount = Math.ceil(end / BLOCK_BYTES) - firstBlock;
    const blocks = await Promise.all(
      Array.from({ length: blockCount }, (_, i) => blockOf(stores, nameOf(state), firstBlock + i)),
    );
    const bytes = new Uint8Array(blockCount * BLOCK_BYTES);
    for (const [i, block] of blocks.entries()) {
      if (block?.length === BLOCK_BYTES) bytes.set(block, i * BLOCK_BYTES);
    }
    return Array.from({ length: count }, (_, i) => {
      const start = from + i * pageBytes - firstBlock * BLOCK_BYTES;
      const last = Math.floor((start + pageBytes - 1) / BLOCK_BYTES);
      const within = blocks.slice(Math.floor(start / BLOCK_BYTES), last + 1);
      const isWhole = within.every((block) => block?.length === BLOCK_BYTES);
      return isWhole ? bytes.subarray(start, start + pageBytes) : undefined;
    });
  }
}

function nameOf(state: unknown): string {
  return (state as { name: string }).name;
}

async function blockOf(
  stores: PeerStores,
  name: string,
  number: number,
): Promise<Uint8Array | undefined> {
  return bytesOf(await result(stores('blocks').get(`${name}:${number}`)));
}
