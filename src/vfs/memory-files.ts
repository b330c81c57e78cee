/** The files of a VFS that live in memory: rollback journals, super-journals, temporary files. */
import { InvariantError } from '../errors.js';
import * as rc from '../result-codes.js';
import type { Answer } from './core.js';
import { JournalFile } from './journal-file.js';
import { MemoryFile } from './memory-file.js';
import type { SnapshotPages } from './snapshot-pages.js';

const JOURNAL_SUFFIX = '-journal';

interface Open {
  readonly path: string;
  readonly file: MemoryFile | JournalFile;
  readonly deleteOnClose: boolean;
}

export interface MemoryFilesDeps {
  heap(): Uint8Array;
  /** Bytes of page images that one journal may hold before it fetches pages to compare. */
  readonly imageBytesMax: number;
  /** The snapshot of the sqliteTx that writes to a database. */
  pagesOf(databasePath: string): SnapshotPages | undefined;
}

export class MemoryFiles {
  readonly #deps: MemoryFilesDeps;
  readonly #open: Map<number, Open> = new Map();
  readonly #files: Map<string, MemoryFile | JournalFile> = new Map();
  #temporaryCount = 0;

  constructor(deps: MemoryFilesDeps) {
    this.#deps = deps;
  }

  /** Bytes held by rollback journals. */
  get journalBytes(): number {
    let bytes = 0;
    for (const file of this.#files.values())
      if (file instanceof JournalFile) bytes += file.imageBytes;
    return bytes;
  }

  /** `path` null: a temporary file, gone when it is closed. */
  open(path: string | null, id: number, flags: number): number {
    // No path that SQLite normalised begins with a slash.
    const name = path ?? `/temporary-${++this.#temporaryCount}`;
    let file = this.#files.get(name);
    if (!file) {
      if ((flags & rc.SQLITE_OPEN_CREATE) === 0) return rc.SQLITE_CANTOPEN;
      file = (flags & rc.SQLITE_OPEN_MAIN_JOURNAL) === 0 ? new MemoryFile() : this.#journal(name);
      this.#files.set(name, file);
    }
    const deleteOnClose = path === null || (flags & rc.SQLITE_OPEN_DELETEONCLOSE) !== 0;
    this.#open.set(id, { path: name, file, deleteOnClose });
    return rc.SQLITE_OK;
  }

  #journal(name: string): JournalFile {
    const database = name.slice(0, -JOURNAL_SUFFIX.length);
    const { imageBytesMax } = this.#deps;
    return new JournalFile({ imageBytesMax, pagesOf: () => this.#deps.pagesOf(database) });
  }

  /** False if the file is not one of these. */
  close(id: number): boolean {
    const open = this.#open.get(id);
    if (!open) return false;
    this.#open.delete(id);
    if (open.deleteOnClose) this.#files.delete(open.path);
    return true;
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  delete(path: string): void {
    this.#files.delete(path);
  }

  /**
   * The sqliteTx of a database is over. What is left of its journal, because playing it back has failed,
   * is of a version that nobody goes back to: what was not committed is dropped anyway.
   */
  expireJournal(databasePath: string): void {
    this.#files.get(databasePath + JOURNAL_SUFFIX)?.truncate(0);
  }

  read(id: number, address: number, length: number, offset: number): Answer {
    const file = this.#of(id);
    const full = file.read(this.#view(address, length), offset);
    if (full === undefined) return this.#readLater(file as JournalFile, address, length, offset);
    return full ? rc.SQLITE_OK : rc.SQLITE_IOERR_SHORT_READ;
  }

  async #readLater(
    file: JournalFile,
    address: number,
    length: number,
    offset: number,
  ): Promise<number> {
    await file.load(offset, length);
    const full = file.read(this.#view(address, length), offset);
    if (full === undefined) throw new InvariantError('a journal has the pages it has loaded');
    return full ? rc.SQLITE_OK : rc.SQLITE_IOERR_SHORT_READ;
  }

  write(id: number, address: number, length: number, offset: number): Answer {
    const wait = this.#of(id).write(this.#view(address, length), offset);
    return wait === undefined ? rc.SQLITE_OK : wait.then(() => rc.SQLITE_OK);
  }

  truncate(id: number, size: number): void {
    this.#of(id).truncate(size);
  }

  size(id: number): number {
    return this.#of(id).size;
  }

  /** The image of `page` if SQLite has just read it from the database's rollback journal. */
  playedBack(databasePath: string, page: number): Uint8Array | undefined {
    const journal = this.#files.get(databasePath + JOURNAL_SUFFIX);
    return journal instanceof JournalFile ? journal.takeImage(page) : undefined;
  }

  #of(id: number): MemoryFile | JournalFile {
    const open = this.#open.get(id);
    if (!open) throw new InvariantError(`file ${id} is open`);
    return open.file;
  }

  #view(address: number, length: number): Uint8Array {
    return this.#deps.heap().subarray(address, address + length);
  }
}
