/** A database in WAL mode cannot be kept: SQLite would need shared memory that this VFS has not. */
import { UnsupportedError } from '../errors.js';

/** File format write version in the header: 1 for a rollback journal, 2 for WAL. */
const WRITE_VERSION_OFFSET = 18;
const WAL_FORMAT = 2;

/**
 * The pragma is answered before this, except where SQLite tells another file's VFS of it.
 * @throws UnsupportedError if what is to be written makes it WAL mode
 */
export function refuseWal(path: string, source: Uint8Array, offset: number): void {
  if (offset !== 0 || source[WRITE_VERSION_OFFSET] !== WAL_FORMAT) return;
  throw new UnsupportedError('journal_mode=WAL', `"${path}" keeps its rollback journal.`);
}
