/**
 * The VFS methods for synchronous builds: everything of a file that is open lies in memory.
 *
 *   I1  No method waits or returns a promise (waits.ts).
 *   I9  Segments and sqliteTxs under way stay within memoryBytesMax.
 *
 * Opening: the first xOpen starts to load the file and answers SQLITE_BUSY, the repeated one finds it
 * loaded. What nobody opens then is let go when the task is over; what `load` was called for stays.
 */
import type { DraftCommit } from '../blockstore/committer.js';
import { OptionError, UnsupportedError } from '../errors.js';
import * as rc from '../result-codes.js';
import { type Answer, Core, type CoreEnv } from './core.js';
import type { DatabaseFile } from './database-file.js';
import { durabilityOf } from './group.js';
import type { SyncCore } from './methods-sync.js';
import { freshen, type MirrorEnv, MirrorFile } from './mirror-file.js';
import { isJournal } from './paths.js';
import { ConnectionPragmas } from './pragmas.js';
import type { SharedFile } from './shared-file.js';
import type { VolumeHost } from './volume-host.js';
import type { Waits } from './waits.js';

/** A file that was loaded for a connection to open. */
interface Loaded {
  readonly shared: SharedFile;
  /** It was `load` that asked for it. */
  readonly stays: boolean;
}

export class MirrorCore extends Core implements SyncCore {
  readonly #waits: Waits;
  readonly #mirror: MirrorEnv;
  readonly #loading: Set<string> = new Set();
  readonly #loaded: Map<string, Loaded> = new Map();
  /** Why a load has failed, or SQLite's code for that: for the repeated call. */
  readonly #failed: Map<string, unknown> = new Map();

  constructor(
    host: VolumeHost,
    env: CoreEnv,
    options: { readonly waits: Waits; readonly memoryBytesMax: number },
  ) {
    super(host, env);
    this.#waits = options.waits;
    this.#mirror = {
      ...options,
      heldBytes: () => this.#heldBytes(),
      siblings: (file) => this.#siblings(file),
      commit: (files) => this.commitNow(files),
    };
  }

  fileAt(id: number): MirrorFile | undefined {
    return this.databases.get(id) as MirrorFile | undefined;
  }

  memorySize(id: number): number {
    return this.memory.size(id);
  }

  *#mirrors(): Generator<MirrorFile> {
    for (const database of this.databases.values()) {
      if (database instanceof MirrorFile) yield database;
    }
  }

  #heldBytes(): number {
    let bytes = this.host.volume.cache.bytes;
    for (const database of this.databases.values()) bytes += database.writtenBytes;
    return bytes;
  }

  #siblings(file: MirrorFile): MirrorFile[] {
    const connection = file.pragmas.connection();
    if (connection === 0) return [file];
    return [...this.#mirrors()].filter(({ pragmas }) => pragmas.connection() === connection);
  }

  protected override openDatabase(path: string, id: number, flags: number): number {
    const failure = this.#failed.get(path);
    if (typeof failure === 'number') return failure;
    if (failure !== undefined) throw failure;
    const loaded = this.#loaded.get(path);
    const shared = loaded?.shared ?? this.files.get(path);
    // One without users is still being opened.
    if (!shared || shared.users === 0) return this.#beginToLoad(path, flags);
    if (loaded) {
      // Its user is this connection from now on.
      this.#loaded.delete(path);
    } else {
      this.files.retain(shared);
    }
    const database = new MirrorFile(shared, new ConnectionPragmas(), this.#mirror);
    this.databases.set(id, database);
    // A call that goes on to lock it, as ATTACH does, cannot wait once more.
    if (loaded && !loaded.stays) database.grant();
    return rc.SQLITE_OK;
  }

  #beginToLoad(path: string, flags: number): number {
    if (!this.#waits.available) {
      throw new UnsupportedError(
        this.#waits.missing,
        `this wa-sqlite build cannot wait for a file: await vfs.load('${path}', {create: true}) ` +
          'before opening it.',
      );
    }
    if (!this.#loading.has(path)) {
      this.#loading.add(path);
      this.#waits.retry(this.#loadForOpen(path, (flags & rc.SQLITE_OPEN_CREATE) !== 0));
    }
    return rc.SQLITE_BUSY;
  }

  /** The waiting part of xOpen. Never rejects. */
  async #loadForOpen(path: string, create: boolean): Promise<void> {
    try {
      const shared = await this.files.share(path, create);
      if (shared) this.#keep(path, { shared, stays: false });
      else this.#failed.set(path, rc.SQLITE_CANTOPEN);
    } catch (cause) {
      this.#failed.set(path, cause);
    }
    this.#loading.delete(path);
    // ATTACH goes on to read other databases of its connection, which is not known here.
    await freshen([...this.#mirrors()], false);
    this.#waits.nextTask(() => {
      this.#failed.delete(path);
      if (this.#loaded.get(path)?.stays === false) this.#letGo(path);
    });
  }

  #keep(path: string, loaded: Loaded): void {
    this.#letGo(path);
    this.#loaded.set(path, loaded);
  }

  #letGo(path: string): void {
    const loaded = this.#loaded.get(path);
    this.#loaded.delete(path);
    if (loaded) this.files.unshare(loaded.shared);
  }

  /** Loads a database ahead of xOpen, or brings one that is open up to date. */
  async load(path: string, create: boolean): Promise<void> {
    const open = this.#loaded.get(path)?.shared ?? this.files.get(path);
    const shared = open?.users ? open : await this.files.share(path, create);
    if (!shared) throw new OptionError('path', `there is no database "${path}"; pass create: true`);
    if (shared !== open) this.#keep(path, { shared, stays: true });
    if (!shared.isCurrent) await shared.share();
    if (this.#waits.available) return;
    // Where no statement can wait for the writer lock, it is kept from now on if it can be had.
    await shared.keepRole();
    const { checksum } = this.host.options;
    if (create && !shared.file.record) await shared.file.create(checksum);
  }

  protected override closeDatabase(id: number, database: DatabaseFile): Answer {
    const { shared } = database;
    const { committer } = this.host.volume;
    this.databases.delete(id);
    database.close();
    const landing = database instanceof MirrorFile ? database.landing : undefined;
    if (!landing && committer.deferredCommits === 0) {
      this.files.unshare(shared);
      return rc.SQLITE_OK;
    }
    // Until what was committed is in the store, whoever opens the file again shares this state.
    this.files.unshareAfter(Promise.all([landing, committer.settled()]), shared);
    return rc.SQLITE_OK;
  }

  /** The commit point of one file, or of several with a super-journal. */
  commitNow(files: readonly MirrorFile[]): void {
    const { committer } = this.host.volume;
    const ready: DraftCommit[] = [];
    const changed: MirrorFile[] = [];
    try {
      for (const file of files) {
        const draft = file.ready();
        if (!draft) continue;
        ready.push(draft);
        changed.push(file);
      }
      if (ready.length === 0) return;
      const durability = durabilityOf(files);
      // A first commit waits for its file's id, unless `load` has seen to that.
      const identified = ready.every(({ file }) => file.record !== undefined);
      if (this.#waits.available && (durability !== 'deferred' || !identified)) {
        this.#land(changed, () => committer.commit(ready, durability));
        return;
      }
      // As in the other engine, it is the commit after the last one that fits which has to wait. A loss is
      // told by the next statement of each connection.
      if (committer.isFull) this.#waits.pending(committer.room());
      committer.enqueue(ready, durability);
    } catch (cause) {
      for (const file of files) file.failed(cause);
      throw cause;
    }
    for (const file of changed) file.committed();
  }

  /** I4: the API call returns when the commit is complete. */
  #land(files: readonly MirrorFile[], commit: () => Promise<void>): void {
    const send = async () => {
      // What SQLite does in the same call still belongs to the commit: it cuts the file after it.
      await Promise.resolve();
      for (const file of files) await file.identify();
      for (const file of files) await file.confirm();
      await commit();
    };
    const done = send();
    const told = this.#waits.pending(landed(done, files));
    const [first] = files;
    done.catch((cause) => {
      if (told.awaited) this.fail(cause, first?.path);
    });
    for (const file of files) file.land(done, told);
  }

  protected override deleteDatabase(path: string): never {
    throw new UnsupportedError('xDelete', `delete "${path}" with vfs.deleteFile.`);
  }

  /** Whether there is such a journal, or such a database open. */
  has(path: string): boolean {
    return this.memory.has(path) || (!isJournal(path) && this.files.get(path) !== undefined);
  }

  protected override exists(path: string): boolean {
    return this.has(path);
  }

  /** Lets go of what was loaded and never opened. */
  override dispose(): void {
    for (const path of [...this.#loaded.keys()]) this.#letGo(path);
    this.#waits.close();
  }
}

/** Ends as `done` does, when the connections have taken note of it. */
async function landed(done: Promise<void>, files: readonly MirrorFile[]): Promise<void> {
  try {
    await done;
  } finally {
    await Promise.all(files.map((file) => file.landing));
  }
}
