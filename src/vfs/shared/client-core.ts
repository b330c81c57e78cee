/**
 * The VFS methods of a client thread: every one answers at once, some after blocking.
 *
 *   I4  Every method answers with a result code: nothing is thrown through SQLite's stack.
 */
import { SegmentCache } from '../../blockstore/cache.js';
import type { BlockStoreError } from '../../errors.js';
import * as rc from '../../result-codes.js';
import type { Durability } from '../../types.js';
import { CHARACTERISTICS } from '../core.js';
import { type Emitter, emitError, type VFSEventType } from '../events.js';
import { MemoryFiles } from '../memory-files.js';
import type { SyncCore } from '../methods-sync.js';
import { isJournal, normalisePath } from '../paths.js';
import type { ConnectionPragmas } from '../pragmas.js';
import type { VFSStats } from '../stats.js';
import type { WriterState } from '../writer-role.js';
import { Backlog } from './backlog.js';
import type { ChannelClient } from './client.js';
import { ClientFile, type ClientFileEnv, expect } from './client-file.js';
import { withErrors } from './plain-error.js';

/** What both threads have their part of. */
type OwnStats = 'cacheHits' | 'cacheBytes' | 'journalBytes' | 'errors' | 'errorsPerMinute';

export interface ClientCoreDeps {
  readonly volume: string;
  readonly channel: ChannelClient;
  readonly emitter: Emitter;
  readonly cacheBytes: number;
  /** Bytes that one sqliteTx may have written before a commit of it is always waited for. */
  readonly spillBytes: number;
  readonly durability: Durability | 'pragma';
  /** The wasm memory as it is now. */
  heap(): Uint8Array<ArrayBuffer>;
}

export class ClientCore implements SyncCore {
  readonly #deps: ClientCoreDeps;
  readonly #cache: SegmentCache;
  readonly #env: ClientFileEnv;
  readonly #files: Map<number, ClientFile> = new Map();
  readonly #memory: MemoryFiles;
  /** Super-journal → files that commit when it is deleted. */
  readonly #groups: Map<string, Set<ClientFile>> = new Map();
  readonly #counters = { cacheHits: 0 };
  readonly #heard: Set<VFSEventType> = new Set();
  lastError: BlockStoreError | undefined;

  constructor(deps: ClientCoreDeps) {
    this.#deps = deps;
    this.#cache = new SegmentCache(deps.cacheBytes);
    const { channel, durability, spillBytes, heap } = deps;
    this.#env = {
      heap,
      channel,
      backlog: new Backlog(channel.words),
      durability,
      spillBytes,
      cache: this.#cache,
      counters: this.#counters,
      playedBack: (path, page) => this.#memory.playedBack(path, page),
      expireJournal: (path) => this.#memory.expireJournal(path),
    };
    this.#memory = new MemoryFiles({
      heap: deps.heap,
      imageBytesMax: deps.spillBytes,
      pagesOf: (path) => this.#writerOf(path)?.snapshotPages(),
    });
  }

  /** What is held here, and what this thread has counted. */
  ownStats(): Pick<VFSStats, OwnStats> {
    const { errors } = this.#deps.emitter;
    return {
      ...this.#counters,
      cacheBytes: this.#cache.bytes,
      journalBytes: this.#memory.journalBytes,
      errors: errors.byCode,
      errorsPerMinute: errors.lastMinute(performance.now()),
    };
  }

  /** The storage worker's counters. @throws StorageWorkerError */
  storedStats(): VFSStats {
    const { json } = expect(this.#deps.channel.call({ op: 'stats' }), 'stats');
    return withErrors(JSON.parse(json)) as VFSStats;
  }

  /** The writer role of the storage worker. @throws StorageWorkerError */
  writer(path: string): WriterState {
    return expect(this.#deps.channel.call({ op: 'writer', path }), 'writer').state;
  }

  /** Events of this type are wanted from now on. */
  listen(event: VFSEventType): void {
    const { channel } = this.#deps;
    // A storage worker that is lost tells nothing any more.
    if (channel.poison || this.#heard.has(event)) return;
    this.#heard.add(event);
    channel.send({ op: 'listen', event });
  }

  #writerOf(path: string): ClientFile | undefined {
    for (const file of this.#files.values())
      if (file.path === path && file.holdsReserved) return file;
    return undefined;
  }

  #answer(path: string | undefined, method: () => number | undefined): number {
    try {
      return method() ?? rc.SQLITE_OK;
    } catch (cause) {
      return this.fail(cause, path);
    }
  }

  fail(cause: unknown, path: string | undefined): number {
    const { emitter, volume } = this.#deps;
    const error = emitError(emitter, cause, { volume, path });
    this.lastError = error;
    return error.sqliteCode;
  }

  #on(id: number, method: (file: ClientFile) => number | undefined): number {
    const file = this.#files.get(id);
    return file ? this.#answer(file.path, () => method(file)) : rc.SQLITE_NOTFOUND;
  }

  open(name: string | null, id: number, flags: number): number {
    const path = name === null ? null : normalisePath(name);
    if (path === null || (flags & rc.SQLITE_OPEN_MAIN_DB) === 0) {
      return this.#memory.open(path, id, flags);
    }
    return this.#answer(path, () => {
      const create = (flags & rc.SQLITE_OPEN_CREATE) !== 0;
      const reply = this.#deps.channel.call({ op: 'open', id, path, create });
      if (reply.tag === 'absent') return rc.SQLITE_CANTOPEN;
      this.#files.set(id, new ClientFile({ ...this.#env, id, path }, expect(reply, 'opened')));
      return rc.SQLITE_OK;
    });
  }

  /** Bears the close of a file whose open failed: SQLite does that. */
  close(id: number): number {
    if (this.#memory.close(id)) return rc.SQLITE_OK;
    const file = this.#files.get(id);
    if (!file) return rc.SQLITE_OK;
    this.#files.delete(id);
    // A storage worker that is gone has closed it.
    this.#answer(file.path, () => {
      file.close();
      return undefined;
    });
    return rc.SQLITE_OK;
  }

  fileAt(id: number): ClientFile | undefined {
    return this.#files.get(id);
  }

  memorySize(id: number): number {
    return this.#memory.size(id);
  }

  read(id: number, address: number, length: number, offset: number): number {
    const file = this.#files.get(id);
    if (!file) return this.#now(() => this.#memory.read(id, address, length, offset));
    return this.#answer(file.path, () => file.read(address, length, offset));
  }

  write(id: number, address: number, length: number, offset: number): number {
    const file = this.#files.get(id);
    if (!file) return this.#now(() => this.#memory.write(id, address, length, offset));
    return this.#answer(file.path, () => {
      file.write(this.#deps.heap().subarray(address, address + length), offset);
      return rc.SQLITE_OK;
    });
  }

  /** Journals and temporary files never wait: their pages are fetched by blocking. */
  #now(method: () => number | Promise<number>): number {
    return this.#answer(undefined, () => {
      const answer = method();
      return typeof answer === 'number' ? answer : rc.SQLITE_INTERNAL;
    });
  }

  truncate(id: number, size: number): number {
    const file = this.#files.get(id);
    return this.#answer(file?.path, () => {
      if (file) file.truncate(size);
      else this.#memory.truncate(id, size);
      return rc.SQLITE_OK;
    });
  }

  /** Tells `out` the file's size in bytes. */
  size(id: number, out: (bytes: number) => void): number {
    return this.#answer(undefined, () => {
      out(this.#files.get(id)?.size ?? this.#memory.size(id));
      return rc.SQLITE_OK;
    });
  }

  lock(id: number, level: number): number {
    const file = this.#files.get(id);
    return file ? this.#answer(file.path, () => file.lock(level)) : rc.SQLITE_OK;
  }

  unlock(id: number, level: number): number {
    const file = this.#files.get(id);
    return file ? this.#answer(file.path, () => void file.unlock(level)) : rc.SQLITE_OK;
  }

  isReserved(id: number): boolean {
    const file = this.#files.get(id);
    return file !== undefined && this.#writerOf(file.path) !== undefined;
  }

  characteristics(id: number): number {
    return this.#files.has(id) ? CHARACTERISTICS : 0;
  }

  /** FCNTL_SYNC, with the super-journal's name if the sqliteTx has one. */
  commitPoint(id: number, superJournal: string | null): number {
    return this.#on(id, (file) => {
      const group = superJournal === null ? '' : normalisePath(superJournal);
      // A super-journal of another VFS is not ours to wait for.
      const joins = group !== '' && this.#memory.has(group);
      file.commit(joins ? group : '');
      if (joins) this.#groups.set(group, (this.#groups.get(group) ?? new Set()).add(file));
      return rc.SQLITE_OK;
    });
  }

  /** COMMIT_PHASETWO: SQLite has committed and may have cut the file since. */
  afterCommit(id: number): number {
    const code = this.#on(id, (file) => void file.commit(''));
    // The sqliteTx is committed whatever becomes of the cut.
    return code === rc.SQLITE_NOTFOUND ? code : rc.SQLITE_OK;
  }

  rollback(id: number): number {
    return this.#on(id, (file) => void file.discard());
  }

  /** The connection has taken to `locking_mode=exclusive`. */
  claim(id: number): number {
    const code = this.#on(id, (file) => void file.claim());
    return code === rc.SQLITE_OK ? rc.SQLITE_NOTFOUND : code;
  }

  pragmasOf(id: number): ConnectionPragmas | undefined {
    return this.#files.get(id)?.pragmas;
  }

  delete(name: string): number {
    const path = normalisePath(name);
    const { channel } = this.#deps;
    return this.#answer(path, () => {
      if (!this.#memory.has(path)) {
        if (!isJournal(path)) expect(channel.call({ op: 'delete', path }), 'done');
        return rc.SQLITE_OK;
      }
      const files = this.#groups.get(path);
      this.#groups.delete(path);
      if (files) this.#commitGroup(path, files);
      this.#memory.delete(path);
      return rc.SQLITE_OK;
    });
  }

  #commitGroup(group: string, files: ReadonlySet<ClientFile>): void {
    try {
      expect(this.#deps.channel.call({ op: 'commitGroup', group }), 'done');
    } catch (cause) {
      for (const file of files) file.groupFailed();
      throw cause;
    }
    for (const file of files) file.committed();
  }

  /** Tells `out` whether the file exists. */
  access(name: string, out: (exists: boolean) => void): number {
    const path = normalisePath(name);
    return this.#answer(path, () => {
      out(this.has(path));
      return rc.SQLITE_OK;
    });
  }

  has(path: string): boolean {
    if (this.#memory.has(path)) return true;
    // No request for what SQLite asks before each read.
    if (isJournal(path)) return false;
    return expect(this.#deps.channel.call({ op: 'exists', path }), 'exists').exists;
  }
}
