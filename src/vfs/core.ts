/**
 * The VFS methods, apart from how a wa-sqlite build passes their arguments.
 *
 *   I4  Every method answers with a result code: nothing is thrown through SQLite's stack, and no
 *       promise rejects, for a rejection would leave the statement waiting for ever.
 */
import type { BlockFile } from '../blockstore/file.js';
import type { Volume } from '../blockstore/volume.js';
import { type BlockStoreError, fromDomException, OptionError } from '../errors.js';
import * as rc from '../result-codes.js';
import { DatabaseFile } from './database-file.js';
import { type Emitter, type RecoveryReport, recoveryReport } from './events.js';
import { MemoryFiles } from './memory-files.js';
import { ConnectionPragmas } from './pragmas.js';
import { type FileEnv, SharedFile } from './shared-file.js';
import type { WriterRole } from './writer-role.js';

export type Answer = number | Promise<number>;

const CHARACTERISTICS =
  rc.SQLITE_IOCAP_BATCH_ATOMIC |
  rc.SQLITE_IOCAP_SAFE_APPEND |
  rc.SQLITE_IOCAP_SEQUENTIAL |
  rc.SQLITE_IOCAP_POWERSAFE_OVERWRITE |
  rc.SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
export const SECTOR_BYTES = 512;

export interface CoreDeps {
  readonly volume: Volume;
  readonly emitter: Emitter;
  readonly env: Omit<FileEnv, 'playedBack'>;
  readonly roleOf: (path: string) => WriterRole | undefined;
  readonly monotonicMs: () => number;
}

/** Strips what SQLite's URI syntax and relative paths add to a name. */
export function normalisePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Journals are never in the store: what bears such a name there is a database called so. */
export function isJournal(path: string): boolean {
  return /-(journal|wal)$/.test(path);
}

export class Core {
  protected readonly deps: CoreDeps;
  protected readonly env: FileEnv;
  protected readonly databases: Map<number, DatabaseFile> = new Map();
  protected readonly memory: MemoryFiles;
  protected readonly shared: Map<string, SharedFile> = new Map();
  lastError: BlockStoreError | undefined;

  constructor(deps: CoreDeps) {
    this.deps = deps;
    this.env = {
      ...deps.env,
      playedBack: (path, page) => this.memory.playedBack(path, page),
    };
    this.memory = new MemoryFiles({
      heap: deps.env.heap,
      imageBytesMax: deps.env.options.spillBytes,
      pagesOf: (path) => this.shared.get(path)?.writer?.snapshotPages(),
    });
  }

  /** Bytes of sqliteTxs under way: staged blocks, and page images in journals. */
  held(): { readonly stagedBytes: number; readonly journalBytes: number } {
    let stagedBytes = 0;
    for (const database of this.databases.values()) stagedBytes += database.stagedBytes;
    return { stagedBytes, journalBytes: this.memory.journalBytes };
  }

  /** Runs a method; whatever it throws becomes an event and a result code. */
  answer(method: () => Answer, path?: string): Answer {
    try {
      const code = method();
      return typeof code === 'number' ? code : code.catch((cause) => this.fail(cause, path));
    } catch (cause) {
      return this.fail(cause, path);
    }
  }

  /** What a method answers with for what was thrown; it becomes an event too. */
  fail(cause: unknown, path: string | undefined): number {
    const error = this.#tell(cause, path);
    this.lastError = error;
    return error.sqliteCode;
  }

  #tell(cause: unknown, path: string | undefined): BlockStoreError {
    const error = fromDomException(cause, this.deps.volume.connection.name, 'a VFS method');
    this.deps.emitter.emit('error', () => ({ path, error }));
    return error;
  }

  /** How the files that are open were recovered. */
  recoveries(): RecoveryReport[] {
    return [...this.shared.values()].flatMap(({ recovery }) => recovery ?? []);
  }

  /** Resolves when nothing is under way that keeps a closed connection's file open. Never rejects. */
  quiet(): Promise<void> {
    return this.deps.volume.committer.settled();
  }

  open(name: string | null, id: number, flags: number): Answer {
    const path = name === null ? null : normalisePath(name);
    if (path === null || (flags & rc.SQLITE_OPEN_MAIN_DB) === 0) {
      return this.memory.open(path, id, flags);
    }
    return this.answer(() => this.openDatabase(path, id, flags), path);
  }

  protected openDatabase(path: string, id: number, flags: number): Answer {
    return this.#openLater(path, id, flags);
  }

  async #openLater(path: string, id: number, flags: number): Promise<number> {
    const shared = await this.share(path, (flags & rc.SQLITE_OPEN_CREATE) !== 0);
    if (!shared) return rc.SQLITE_CANTOPEN;
    this.databases.set(id, new DatabaseFile(shared, new ConnectionPragmas()));
    return rc.SQLITE_OK;
  }

  /**
   * Lends a file to `use`, as a connection has it.
   * @param options `exclusive`: with the writer lock, and with no connection writing. `create`: also
   *   one that does not exist yet.
   */
  async withFile<T>(
    path: string,
    options: { readonly exclusive: boolean; readonly create?: boolean },
    use: (file: BlockFile) => Promise<T>,
  ): Promise<T> {
    const shared = await this.share(path, options.create ?? false);
    if (!shared) throw new OptionError('path', `there is no database "${path}"`);
    const borrower = new DatabaseFile(shared, new ConnectionPragmas());
    try {
      if (options.exclusive) await shared.beginWrite(borrower);
      return await use(shared.file);
    } finally {
      shared.endWrite(borrower);
      this.unshare(shared);
    }
  }

  /** One more user of the file, opened and recovered if it is the first. */
  protected async share(path: string, create: boolean): Promise<SharedFile | undefined> {
    const started = this.deps.monotonicMs();
    const { volume, emitter } = this.deps;
    const file = await volume.acquire(path, create);
    if (!file) return undefined;
    let shared = this.shared.get(path);
    try {
      if (shared?.file !== file) {
        shared = new SharedFile(file, this.env, this.deps.roleOf(path));
        this.shared.set(path, shared);
        const deletedAbove = await shared.opened();
        const durationMs = this.deps.monotonicMs() - started;
        const report = recoveryReport(file, { deletedAbove, durationMs });
        shared.recovery = report;
        emitter.emit('recovery', () => report);
        for (const cause of report.defects) this.#tell(cause, path);
      }
    } catch (cause) {
      shared?.close();
      this.shared.delete(path);
      volume.release(file);
      throw cause;
    }
    shared.users++;
    return shared;
  }

  protected unshare(shared: SharedFile): void {
    if (--shared.users === 0) {
      shared.close();
      this.shared.delete(shared.file.path);
    }
    this.deps.volume.release(shared.file);
  }

  /** Bears the close of a file whose open failed: SQLite does that. */
  close(id: number): Answer {
    if (this.memory.close(id)) return rc.SQLITE_OK;
    const database = this.databases.get(id);
    if (!database) return rc.SQLITE_OK;
    return this.answer(() => this.closeDatabase(id, database), database.path);
  }

  protected closeDatabase(id: number, database: DatabaseFile): Answer {
    const { shared } = database;
    const { volume } = this.deps;
    const finish = () => {
      this.databases.delete(id);
      database.close();
      this.unshare(shared);
      return rc.SQLITE_OK;
    };
    if (volume.committer.deferredCommits === 0) return finish();
    // A loss has its own event; closing goes through in any case.
    return volume.committer.drained().then(finish, finish);
  }

  /** The VFS is closed. */
  dispose(): void {}

  read(id: number, address: number, length: number, offset: number): Answer {
    const database = this.databases.get(id);
    if (database) return this.answer(() => database.read(address, length, offset), database.path);
    return this.answer(() => this.memory.read(id, address, length, offset));
  }

  write(id: number, address: number, length: number, offset: number): Answer {
    const database = this.databases.get(id);
    if (database) return this.answer(() => database.write(address, length, offset), database.path);
    return this.answer(() => this.memory.write(id, address, length, offset));
  }

  truncate(id: number, size: number): Answer {
    const database = this.databases.get(id);
    return this.answer(() => {
      if (database) database.truncate(size);
      else this.memory.truncate(id, size);
      return rc.SQLITE_OK;
    }, database?.path);
  }

  /** Tells `out` the file's size in bytes. */
  size(id: number, out: (bytes: number) => void): Answer {
    return this.answer(() => {
      out(this.databases.get(id)?.size ?? this.memory.size(id));
      return rc.SQLITE_OK;
    });
  }

  lock(id: number, level: number): Answer {
    const database = this.databases.get(id);
    if (!database) return rc.SQLITE_OK;
    return this.answer(() => database.lock(level), database.path);
  }

  unlock(id: number, level: number): Answer {
    const database = this.databases.get(id);
    if (!database) return rc.SQLITE_OK;
    return this.answer(() => {
      database.unlock(level);
      return rc.SQLITE_OK;
    }, database.path);
  }

  isReserved(id: number): boolean {
    return this.databases.get(id)?.isReserved() ?? false;
  }

  characteristics(id: number): number {
    return this.databases.has(id) ? CHARACTERISTICS : 0;
  }

  /** FCNTL_SYNC, with the super-journal's name if the sqliteTx has one. */
  commitPoint(id: number, superJournal: string | null): Answer {
    const database = this.databases.get(id);
    if (!database) return rc.SQLITE_NOTFOUND;
    const group = superJournal === null ? undefined : normalisePath(superJournal);
    return this.answer(() => {
      // A super-journal of another VFS is not ours to wait for.
      if (group === undefined || !this.memory.has(group)) return database.commit();
      this.env.group.join(group, database);
      return rc.SQLITE_OK;
    }, database.path);
  }

  /** COMMIT_PHASETWO: SQLite has committed and may have cut the file since. */
  afterCommit(id: number): Answer {
    const database = this.databases.get(id);
    if (!database) return rc.SQLITE_NOTFOUND;
    const code = this.answer(() => database.commit(), database.path);
    // The sqliteTx is committed whatever becomes of the cut: an error here would roll it back in
    // SQLite's eyes only. It has its event, and the file is merely longer than it need be.
    return typeof code === 'number' ? rc.SQLITE_OK : code.then(() => rc.SQLITE_OK);
  }

  rollback(id: number): number {
    const database = this.databases.get(id);
    if (!database) return rc.SQLITE_NOTFOUND;
    database.discard();
    return rc.SQLITE_OK;
  }

  /** The connection has taken to `locking_mode=exclusive`. */
  claim(id: number): Answer {
    const database = this.databases.get(id);
    if (!database) return rc.SQLITE_NOTFOUND;
    return this.answer(() => database.claim(), database.path);
  }

  pragmasOf(id: number): ConnectionPragmas | undefined {
    return this.databases.get(id)?.pragmas;
  }

  delete(name: string): Answer {
    const path = normalisePath(name);
    if (!this.memory.has(path)) {
      if (isJournal(path)) return rc.SQLITE_OK;
      return this.answer(() => this.deleteDatabase(path), path);
    }
    return this.answer(() => {
      const wait = this.env.group.commit(path);
      if (wait === undefined) return this.#forget(path);
      return wait.then(() => this.#forget(path));
    }, path);
  }

  protected deleteDatabase(path: string): Answer {
    return this.deps.volume.delete(path).then(() => rc.SQLITE_OK);
  }

  #forget(path: string): number {
    this.memory.delete(path);
    return rc.SQLITE_OK;
  }

  /** Tells `out` whether the file exists. */
  access(name: string, out: (exists: boolean) => void): Answer {
    const path = normalisePath(name);
    const tell = (exists: boolean): number => {
      out(exists);
      return rc.SQLITE_OK;
    };
    return this.answer(() => {
      const exists = this.exists(path);
      return typeof exists === 'boolean' ? tell(exists) : exists.then(tell);
    }, path);
  }

  protected exists(path: string): boolean | Promise<boolean> {
    if (this.memory.has(path)) return true;
    // No request for what SQLite asks before each read.
    if (isJournal(path)) return false;
    return this.shared.has(path) || this.deps.volume.exists(path);
  }
}
