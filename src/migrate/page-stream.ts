/**
 * A database of another library as the bytes of an SQLite file, checked.
 *
 *   I7  Every page is there and as long as a page, save the lock-byte page, which SQLite never writes.
 *   I9  BATCH_BYTES of pages are in memory at a time, each batch in one idbTx.
 *
 * A stream outlives its idbTxs, so the peer may write in between: what tells its states apart is read with
 * each batch, and must not have changed.
 */
import { chunkStream } from '../transfer/chunk-stream.js';
import { HEADER_BYTES, readHeader } from '../transfer/sqlite-header.js';
import type { PeerStore, PeerStores } from './peer-store.js';

const BATCH_BYTES = 1024 * 1024;
const WRITTEN_TO = 'it was written to while it was read; close it in every tab, and try again';
/** SQLite locks bytes at this offset, and leaves the page they are in alone. */
const LOCK_BYTE_OFFSET = 0x40000000;

/** What a peer's store says of one database, read anew with each batch. */
export interface PeerFile {
  /** Bytes, as the peer counts them; undefined: as the header does. */
  readonly fileBytes: number | undefined;
  /** Equal while nobody has written. */
  readonly state: unknown;
}

export interface PageRange {
  /** From 0. */
  readonly first: number;
  readonly count: number;
  readonly pageBytes: number;
}

/** How one database lies in an opened store. */
export interface PeerDatabase {
  readonly peer: PeerStore;
  /** @throws PeerStoreError if it is not there, or not at rest */
  file(stores: PeerStores): Promise<PeerFile>;
  /** The first bytes of the file, at least its header. */
  head(stores: PeerStores, file: PeerFile): Promise<Uint8Array | undefined>;
  pages(
    stores: PeerStores,
    file: PeerFile,
    range: PageRange,
  ): Promise<readonly (Uint8Array | undefined)[]>;
}

/** The stream fails with PeerStoreError or NotADatabaseError. */
export function pageStream(open: () => Promise<PeerDatabase>): ReadableStream<Uint8Array> {
  return chunkStream(chunksOf(open));
}

async function* chunksOf(
  open: () => Promise<PeerDatabase>,
): AsyncGenerator<Uint8Array | undefined, void> {
  const database = await open();
  const { peer } = database;
  try {
    const begun = await peer.read(async (stores) => {
      const file = await database.file(stores);
      return { file, head: await database.head(stores, file) };
    });
    const { pageBytes, pageCount } = sizesOf(peer, begun.file, begun.head);
    yield undefined;
    const perBatch = BATCH_BYTES / pageBytes;
    for (let first = 0; first < pageCount; first += perBatch) {
      const count = Math.min(perBatch, pageCount - first);
      yield await peer.read(async (stores) => {
        const file = await database.file(stores);
        if (JSON.stringify(file) !== JSON.stringify(begun.file)) throw peer.refuse(WRITTEN_TO);
        const range = { first, count, pageBytes };
        return joined(peer, await database.pages(stores, file, range), range);
      });
    }
  } finally {
    peer.close();
  }
}

function sizesOf(
  peer: PeerStore,
  { fileBytes }: PeerFile,
  head: Uint8Array | undefined,
): { readonly pageBytes: number; readonly pageCount: number } {
  if (!head || fileBytes === 0) throw peer.refuse('it has no content: there is nothing to migrate');
  const { pageBytes, pageCount } = readHeader(head.subarray(0, HEADER_BYTES), peer.what);
  // What lies behind the end that the header tells is what the peer has left there.
  if (pageCount !== undefined && (fileBytes ?? Infinity) >= pageCount * pageBytes) {
    return { pageBytes, pageCount };
  }
  if (fileBytes === undefined) throw peer.refuse('nothing tells how long it is');
  if (pageCount === undefined && fileBytes % pageBytes === 0) {
    return { pageBytes, pageCount: fileBytes / pageBytes };
  }
  const said = pageCount === undefined ? 'whole pages' : `${pageCount} pages`;
  throw peer.refuse(`it has ${fileBytes} bytes, not ${said} of ${pageBytes}`);
}

function joined(
  peer: PeerStore,
  pages: readonly (Uint8Array | undefined)[],
  { first, count, pageBytes }: PageRange,
): Uint8Array {
  const bytes = new Uint8Array(count * pageBytes);
  const lockPage = LOCK_BYTE_OFFSET / pageBytes;
  for (let i = 0; i < count; i++) {
    const page = pages[i];
    if (!page && first + i === lockPage) continue;
    if (!page) throw peer.refuse(`page ${first + i + 1} is missing`);
    if (page.length !== pageBytes) {
      throw peer.refuse(`page ${first + i + 1} has ${page.length} bytes, not ${pageBytes}`);
    }
    bytes.set(page, i * pageBytes);
  }
  return bytes;
}

/** The bytes of a value that should be some. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (!ArrayBuffer.isView(value)) return undefined;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
