/**
 * The VFS methods, apart from how a wa-sqlite build passes their arguments.
 *
 *   I4  Every method answers with a result code: nothing is thrown through SQLite's stack, and no
 *       promise rejects, for a rejection would leave the statement waiting for ever.
 */
import type { BlockStoreError } from '../errors.js';
import * as rc from '../result-codes.js';
import { DatabaseFile } from './database-file.js';
import { emitError } from './events.js';
import { type CommitFiles, CommitGroups } from './group.js';
import { MemoryFiles } from './memory-files.js';
import type { OpenFiles } from './open-files.js';
import { isJournal, normalisePath } from './paths.js';
import { ConnectionPragmas } from './pragmas.js';
import { type Held, heldBy } from './stats.js';
import type { FileUser, VolumeHost } from './volume-host.js';

export type Answer = number | Promise<number>;

export const CHARACTERISTICS: number =
  rc.SQLITE_IOCAP_BATCH_ATOMIC |
  rc.SQLITE_IOCAP_SAFE_APPEND |
  rc.SQLITE_IOCAP_SEQUENTIAL |
  rc.SQLITE_IOCAP_POWERSAFE_OVERWRITE |
  rc.SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
export const SECTOR_BYTES = 512;

/** What an adapter to a wa-sqlite build calls. */
export type MethodCore = Pick<
  Core,
  | 'open'
  | 'close'
  | 'read'
  | 'write'
  | 'truncate'
  | 'size'
  | 'lock'
  | 'unlock'
  | 'isReserved'
  | 'characteristics'
  | 'commitPoint'
  | 'afterCommit'
  | 'rollback'
  | 'claim'
  | 'pragmasOf'
  | 'delete'
  | 'access'
  | 'lastError'
>;

export interface CoreEnv {
  readonly commitFiles: CommitFiles;
  /** The wasm memory as it is now. */
  heap(): Uint8Array<ArrayBuffer>;
}

export class Core implements FileUser {
  protected readonly host: VolumeHost;
  protected readonly files: OpenFiles;
  protected readonly databases: Map<number, DatabaseFile> = new Map();
  protected readonly memory: MemoryFiles;
  lastError: BlockStoreError | undefined;

  constructor(host: VolumeHost, { commitFiles, heap }: CoreEnv) {
    this.host = host;
    this.files = host.filesFor(this, {
      group: new CommitGroups(commitFiles),
      heap,
      playedBack: (path, page) => this.memory.playedBack(path, page),
      expireJournal: (path) => this.memory.expireJournal(path),
    });
    this.memory = new MemoryFiles({
      heap,
      imageBytesMax: host.options.spillBytes,
      pagesOf: (path) => this.files.get(path)?.writer?.snapshotPages(),
    });
  }

  held(): Held {
    return { ...heldBy(this.databases.values()), journalBytes: this.memory.journalBytes };
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
    const { emitter, volume } = this.host;
    const error = emitError(emitter, cause, { volume: volume.connection.name, path });
    this.lastError = error;
    return error.sqliteCode;
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
    const shared = await this.files.share(path, (flags & rc.SQLITE_OPEN_CREATE) !== 0);
    if (!shared) return rc.SQLITE_CANTOPEN;
    this.databases.set(id, new DatabaseFile(shared, new ConnectionPragmas()));
    return rc.SQLITE_OK;
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
    const { committer } = this.host.volume;
    const finish = () => {
      this.databases.delete(id);
      database.close();
      this.files.unshare(shared);
      return rc.SQLITE_OK;
    };
    if (committer.deferredCommits === 0) return finish();
    // A loss has its own event; closing goes through in any case.
    return committer.drained().then(finish, finish);
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
    return this.databases.get(id)?.shared.writer !== undefined;
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
      this.files.env.group.join(group, database);
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
      const wait = this.files.env.group.commit(path);
      if (wait === undefined) return this.#forget(path);
      return wait.then(() => this.#forget(path));
    }, path);
  }

  protected deleteDatabase(path: string): Answer {
    return this.host.deleteFile(path).then(() => rc.SQLITE_OK);
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
    return this.files.get(path) !== undefined || this.host.volume.exists(path);
  }
}
