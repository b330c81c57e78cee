/**
 * Takes an SQLite file in, in the place of what a database was.
 *
 *   I2  The database is the old one until the new one is whole, checked and in the store.
 *   I9  Memory is that of a spilling sqliteTx, and a page of the source.
 */
import { NotADatabaseError, OptionError } from '../../errors.js';
import type { TransferProgress } from '../../transfer/mark.js';
import type { SourceReader } from '../../transfer/source.js';
import {
  HEADER_BYTES,
  leaveWal,
  readHeader,
  type SqliteHeader,
} from '../../transfer/sqlite-header.js';
import type { Target } from './target.js';

/** Bytes after which progress is told. */
const PROGRESS_BYTES = 1024 * 1024;

/** What `importFile` may replace, and how it is watched and stopped. */
export interface ImportOptions {
  /** What becomes of a database that is there: it is replaced, the default, or `false`: kept, and this fails. */
  readonly overwrite?: boolean;
  /** Bytes of the source, if the caller knows: fewer or more are refused. Default: a Blob's or array's own. */
  readonly totalBytes?: number;
  /** Called about once for each MiB, and at the end. */
  readonly onProgress?: (progress: TransferProgress) => void;
  /** Gives the import up, with the signal's reason; the old database stays. */
  readonly signal?: AbortSignal;
}

/** What `importFile` has made. */
export interface ImportReport {
  /** The database. */
  readonly path: string;
  /** Version of the database now. */
  readonly version: number;
  /** Bytes of the database. */
  readonly fileBytes: number;
  /** Bytes of a page. */
  readonly pageBytes: number;
  /** The header said WAL mode; it says rollback journal now. */
  readonly repairedWal: boolean;
  /** The change counter or the schema cookie was raised above the replaced database's. */
  readonly renumbered: boolean;
}

/** A source whose header was read and is in order. */
export interface Incoming {
  readonly source: SourceReader;
  readonly head: Uint8Array;
  readonly header: SqliteHeader;
  readonly totalBytes: number | undefined;
}

/** Reads the header; nothing else is touched. @throws NotADatabaseError */
export async function receive(
  source: SourceReader,
  path: string,
  options: ImportOptions,
): Promise<Incoming> {
  const head = (await source.take(HEADER_BYTES)).slice();
  const header = readHeader(head, path);
  const { pageCount, pageBytes } = header;
  const totalBytes = options.totalBytes ?? source.totalBytes;
  const counted = pageCount === undefined ? undefined : pageCount * pageBytes;
  if (totalBytes !== undefined) refuseSize(totalBytes, header, path);
  return { source, head, header, totalBytes: totalBytes ?? counted };
}

/** Writes everything, to be committed. */
export async function writeImport(
  incoming: Incoming,
  target: Target,
  options: ImportOptions,
): Promise<Omit<ImportReport, 'version'>> {
  const { source, head, header } = incoming;
  const { path } = target.file;
  const { pageBytes, isWal } = header;
  if (options.overwrite === false && target.base.fileBytes > 0) {
    throw new OptionError('overwrite', `"${path}" exists, and is not to be replaced`);
  }
  const rest = await source.take(pageBytes - HEADER_BYTES);
  const page = new Uint8Array(HEADER_BYTES + rest.length);
  page.set(head);
  page.set(rest, HEADER_BYTES);
  if (isWal) leaveWal(page);
  const renumbered = await target.outdate(page);
  target.truncate(0);
  const fileBytes = await writePages(page, incoming, target, options);
  return { path, fileBytes, pageBytes, repairedWal: isWal, renumbered };
}

async function writePages(
  first: Uint8Array,
  { source, header, totalBytes }: Incoming,
  target: Target,
  options: ImportOptions,
): Promise<number> {
  const { pageBytes } = header;
  const { path } = target.file;
  let doneBytes = 0;
  let told = 0;
  for (let page = first; page.length > 0; page = await source.take(pageBytes)) {
    if (page.length < pageBytes) throw new NotADatabaseError(path, 'it ends inside a page');
    await target.write(page, doneBytes);
    doneBytes += pageBytes;
    if (doneBytes - told < PROGRESS_BYTES) continue;
    told = doneBytes;
    options.onProgress?.({ doneBytes, totalBytes });
  }
  refuseSize(doneBytes, header, path);
  const expected = options.totalBytes ?? source.totalBytes;
  if (expected !== undefined && doneBytes !== expected) {
    throw new NotADatabaseError(path, `it has ${doneBytes} bytes, not ${expected}`);
  }
  if (doneBytes > told) options.onProgress?.({ doneBytes, totalBytes });
  return doneBytes;
}

/** Longer than the header says is in order: SQLite leaves such files. */
function refuseSize(bytes: number, { pageBytes, pageCount = 0 }: SqliteHeader, path: string): void {
  if (bytes % pageBytes !== 0) throw new NotADatabaseError(path, 'it ends inside a page');
  if (bytes >= pageCount * pageBytes) return;
  const why = `it has ${bytes / pageBytes} pages, and its header says ${pageCount}`;
  throw new NotADatabaseError(path, why);
}
