/**
 * A main database as one connection has it open: locks, snapshot, and the points where SQLite commits.
 *
 *   I3  RESERVED is given on the newest version only: a stale snapshot gets SQLITE_BUSY_SNAPSHOT
 *       before it writes.
 *   I4  The commit point answers when the commit has the durability asked for, or failed.
 *   I5  After a failure the connection's view is the one before the sqliteTx.
 *
 *   none ──lock(SHARED): pin a snapshot──▶ shared ──lock(RESERVED): writer──▶ writing
 *     ▲                                     ▲ │                                │ │
 *     └────────unlock(NONE): unpin──────────┘─┘◀──unlock: discard what is left─┘ │
 *                                                    commit: repin ◀─────────────┘
 *
 * SQLite commits at COMMIT_ATOMIC_WRITE when it can use a batch, else at FCNTL_SYNC, which it calls also
 * with synchronous=OFF. With a super-journal FCNTL_SYNC only prepares; deleting that commits (group.ts).
 */
import type { DraftCommit } from '../blockstore/committer.js';
import type { Draft } from '../blockstore/draft.js';
import type { BlockMap } from '../blockstore/map.js';
import { ReadAhead } from '../blockstore/readahead.js';
import { BusyError, CommitUnknownError } from '../errors.js';
import * as rc from '../result-codes.js';
import type { Durability } from '../types.js';
import { failCacheCheck, isCacheCheck } from './page-cache.js';
import { Patience } from './patience.js';
import type { ConnectionPragmas } from './pragmas.js';
import { readLater, readNow } from './reading.js';
import type { SharedFile, Thread } from './shared-file.js';
import { pagesOf, type SnapshotPages } from './snapshot-pages.js';
import { Staging } from './staging.js';
import { View } from './view.js';
import { refuseWal } from './wal-header.js';

export class DatabaseFile {
  readonly shared: SharedFile;
  readonly pragmas: ConnectionPragmas;
  readonly thread: Thread | undefined;
  readonly patience: Patience = new Patience();
  readonly #readAhead: ReadAhead;
  protected level: number = rc.SQLITE_LOCK_NONE;
  protected snapshot: BlockMap | undefined;
  /** Id of the file as this connection knows it: another context may have made it anew. */
  protected fileId: number | undefined;
  protected view: View | undefined;
  /** The view of the newest version that was pinned. */
  #pinnedView: View | undefined;
  #snapshotPages: SnapshotPages | undefined;
  protected staging: Staging | undefined;
  protected lossesSeen: number;
  /** SQLite's page cache may hold pages of versions that were lost: make it drop them. */
  protected distrusted = false;
  /** Why the sqliteTx under way can only be rolled back: an outcome unknown, or its snapshot lost. */
  protected broken: Error | undefined;

  /** @param thread whose connection it is, where several threads share the file */
  constructor(shared: SharedFile, pragmas: ConnectionPragmas, thread?: Thread) {
    this.shared = shared;
    this.thread = thread;
    this.pragmas = pragmas;
    this.#readAhead = new ReadAhead(shared.env.options.cacheBytes);
    this.lossesSeen = shared.file.lossCount;
    this.fileId = shared.file.record?.file;
  }

  get path(): string {
    return this.shared.file.path;
  }

  get size(): number {
    return this.current().fileBytes;
  }

  /** What this connection's sqliteTx has written. */
  get draft(): Draft | undefined {
    return this.staging?.draft;
  }

  /** Bytes of blocks that it has written. */
  get writtenBytes(): number {
    return this.staging?.draft.writtenBytes ?? 0;
  }

  /** What this connection reads: its snapshot, with what it wrote on top. */
  get shown(): View {
    this.refuseBroken();
    return this.current();
  }

  /** True once it sends segments ahead of their commit. */
  get isSpilling(): boolean {
    return this.staging?.draft.hasSpilled ?? false;
  }

  /** The pages of the snapshot, as a rollback journal compares them. */
  snapshotPages(): SnapshotPages | undefined {
    const map = this.snapshot;
    if (!map) return undefined;
    this.#snapshotPages ??= pagesOf(this.viewOf(map), (pages) => this.#snapshotPages === pages);
    return this.#snapshotPages;
  }

  /** How long this connection waits for another one to end writing. */
  get waitMs(): number {
    const { pragmas, patience, shared } = this;
    return patience.waitMs(pragmas.busyTimeoutMs, shared.env.options.busyTimeoutMs);
  }

  get durability(): Durability {
    const { durability } = this.shared.env.options;
    return durability === 'pragma' ? this.pragmas.durability : durability;
  }

  /** Reads into the wasm memory at `address`. A promise if a block has to be fetched. */
  read(address: number, length: number, offset: number): number | Promise<number> {
    this.refuseBroken();
    if (this.isWriter) this.shared.role?.breathe();
    const heap = this.shared.env.heap();
    if (this.distrusted && isCacheCheck(length, offset)) {
      this.distrusted = false;
      return failCacheCheck(heap, address);
    }
    const view = this.current();
    return (
      readNow(heap, view, address, length, offset) ?? this.absent(view, { address, length, offset })
    );
  }

  /** Reads what is not all in memory. */
  protected absent(
    view: View,
    want: { readonly address: number; readonly length: number; readonly offset: number },
  ): number | Promise<number> {
    return readLater(this.shared.env.heap, view, want);
  }

  write(address: number, length: number, offset: number): number | Promise<number> {
    const wait = this.put(this.shared.env.heap().subarray(address, address + length), offset);
    return wait === undefined ? rc.SQLITE_OK : wait.then(() => rc.SQLITE_OK);
  }

  /** Copies `source` in. A promise: wait before the next write. */
  put(source: Uint8Array, offset: number): Promise<void> | undefined {
    refuseWal(this.path, source, offset);
    this.shared.role?.breathe();
    return this.#stage().write(source, offset);
  }

  truncate(size: number): void {
    this.#stage().truncate(size);
  }

  lock(level: number): number | Promise<number> {
    if (level <= this.level) return rc.SQLITE_OK;
    if (this.level === rc.SQLITE_LOCK_NONE) {
      const wait = this.#share();
      if (wait !== undefined) return wait.then(() => this.lock(level));
    }
    if (level < rc.SQLITE_LOCK_RESERVED || this.level >= rc.SQLITE_LOCK_RESERVED) {
      this.level = Math.max(this.level, level);
      return rc.SQLITE_OK;
    }
    return this.#reserve(level);
  }

  /** Pins a snapshot. A promise if the store has to be asked whether a newer one exists. */
  #share(): Promise<void> | undefined {
    this.reportLoss();
    if (!this.isWriter && this.#comesToWrite) return this.#shareAlone();
    if (this.shared.isCurrent) {
      this.pin();
      return undefined;
    }
    return this.shared.share().then(() => {
      this.reportLoss();
      this.pin();
    });
  }

  /** Each connection hears of each loss once. */
  protected reportLoss(): void {
    const { file } = this.shared;
    if (file.lossCount === this.lossesSeen) return;
    this.lossesSeen = file.lossCount;
    this.distrusted = true;
    throw file.lastLoss ?? new BusyError(file.path, 'acknowledged commits were lost');
  }

  /** It needs the writer lock, and a snapshot from before getting that would be stale. */
  get #comesToWrite(): boolean {
    return this.pragmas.exclusive || (!this.shared.mayWrite && this.pragmas.beginsToWrite());
  }

  async #shareAlone(): Promise<void> {
    await this.shared.beginWrite(this);
    try {
      this.reportLoss();
      this.pin();
    } catch (cause) {
      this.shared.endWrite(this);
      throw cause;
    }
  }

  protected get isWriter(): boolean {
    return this.shared.writer === this;
  }

  /**
   * For `locking_mode=exclusive`: SQLite will not let go of what it has locked, nor see what others
   * commit, so nobody else may commit from now on.
   */
  claim(): number | Promise<number> {
    if (this.level === rc.SQLITE_LOCK_NONE || this.isWriter) return rc.SQLITE_NOTFOUND;
    this.pragmas.exclusive = false;
    return this.#reserve(this.level).then(() => {
      this.pragmas.exclusive = true;
      return rc.SQLITE_NOTFOUND;
    });
  }

  /** Reads nothing of a snapshot whose versions were lost, and writes nothing on top of it. */
  protected refuseBroken(): void {
    const { lossCount, lastLoss } = this.shared.file;
    if (!this.snapshot) return;
    if (lossCount !== this.lossesSeen) {
      this.lossesSeen = lossCount;
      this.distrusted = true;
      this.broken = lastLoss;
    }
    if (this.broken) throw this.broken;
  }

  async #reserve(level: number): Promise<number> {
    this.refuseBroken();
    if (!this.isWriter) await this.shared.beginWrite(this);
    return this.reserveAsWriter(level);
  }

  /** Another context writes now: what this connection was about to write can only be rolled back. */
  breakOff(why: BusyError): void {
    const keeps = this.pragmas.exclusive && this.snapshot !== undefined;
    if (keeps || this.isWriting) this.broken = why;
  }

  protected get isWriting(): boolean {
    return this.level >= rc.SQLITE_LOCK_RESERVED;
  }

  /** I3. */
  protected reserveAsWriter(level: number): number {
    const { file } = this.shared;
    const sameFile = file.record?.file === this.fileId;
    if (!sameFile || file.state.map.version !== this.snapshot?.version) {
      this.beginAnew();
      throw new BusyError(file.path, 'another connection committed since its snapshot', {
        snapshot: true,
      });
    }
    this.level = level;
    return rc.SQLITE_OK;
  }

  /** The writer lock came too late for the snapshot. */
  protected beginAnew(): void {
    this.shared.retryWrite(this);
  }

  unlock(level: number): void {
    if (level >= this.level) return;
    if (this.level >= rc.SQLITE_LOCK_RESERVED && level < rc.SQLITE_LOCK_RESERVED) {
      this.discard();
      this.shared.env.group.leave(this);
      this.shared.env.expireJournal(this.path);
      if (!this.pragmas.exclusive) this.shared.endWrite(this);
    }
    if (level === rc.SQLITE_LOCK_NONE) {
      this.shared.endWrite(this);
      this.unpin();
    }
    this.level = level;
  }

  /** The commit point of this file alone. */
  commit(): number | Promise<number> {
    if (!this.staging) return rc.SQLITE_OK;
    return this.#commit();
  }

  async #commit(): Promise<number> {
    try {
      const draft = await this.readyDraft();
      // The snapshot stays, and if it was lost, that stays known.
      if (!draft) return rc.SQLITE_OK;
      await this.shared.env.committer.commit([draft], this.durability);
    } catch (cause) {
      this.failed(cause);
      throw cause;
    }
    this.committed();
    return rc.SQLITE_OK;
  }

  /** The commit point has failed, and says so. */
  failed(cause: unknown): void {
    this.discard();
    // SQLite tries a batch that failed again by itself: not on a guess.
    if (cause instanceof CommitUnknownError) this.broken = cause;
    // A loss that a commit reports is not reported again.
    const { lastLoss, lossCount } = this.shared.file;
    if (lastLoss === undefined || cause !== lastLoss) return;
    this.lossesSeen = lossCount;
    this.distrusted = true;
    this.broken = lastLoss;
  }

  /** The draft to be committed, or nothing if the sqliteTx changed nothing. */
  async readyDraft(): Promise<DraftCommit | undefined> {
    const staging = this.staging;
    if (!staging || staging.draft.isEmpty) {
      this.discard();
      return undefined;
    }
    await staging.finish();
    const doubt = this.shared.confirmRole();
    if (doubt !== undefined) await doubt;
    this.refuseBroken();
    return { file: this.shared.file, draft: staging.draft };
  }

  /** Moves on to the version just committed. */
  committed(): void {
    this.staging = undefined;
    this.unpin();
    this.pin();
  }

  /** Forgets what was written since the last commit. */
  discard(): void {
    this.staging?.discard();
    this.staging = undefined;
    if (this.snapshot) this.view = this.viewOf(this.snapshot);
  }

  /** Ends whatever is under way. */
  close(): void {
    this.unlock(rc.SQLITE_LOCK_NONE);
    this.discard();
  }

  #stage(): Staging {
    if (this.staging) return this.staging;
    const { env, file } = this.shared;
    this.staging = new Staging(file, this.snapshot ?? file.state.map, {
      readAhead: this.#readAhead,
      options: env.options,
      playedBack: (page) => env.playedBack(file.path, page),
      landed: () => env.committer.drained(),
    });
    return this.staging;
  }

  protected current(): View {
    if (this.staging) return this.staging.view;
    // SQLite reads the header before it takes a lock, when it opens a database.
    this.view ??= this.viewOf(this.snapshot ?? this.shared.file.state.map);
    return this.view;
  }

  protected viewOf(map: BlockMap): View {
    return new View(this.shared.file, this.#readAhead, map, undefined);
  }

  protected pin(): void {
    const { file } = this.shared;
    const id = file.record?.file;
    if (this.fileId !== undefined && id !== this.fileId) {
      this.fileId = id;
      this.distrusted = true;
      throw new BusyError(file.path, 'it was deleted since this connection last read it', {
        snapshot: true,
      });
    }
    this.fileId = id;
    this.snapshot = file.pin();
    // As a rule nothing was committed since the last statement.
    if (this.#pinnedView?.map !== this.snapshot) this.#pinnedView = this.viewOf(this.snapshot);
    this.view = this.#pinnedView;
    this.level = Math.max(this.level, rc.SQLITE_LOCK_SHARED);
  }

  protected unpin(): void {
    if (this.snapshot) this.shared.file.unpin(this.snapshot);
    this.broken = undefined;
    this.snapshot = undefined;
    this.#snapshotPages = undefined;
    this.view = undefined;
  }
}
