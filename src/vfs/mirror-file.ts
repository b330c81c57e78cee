/**
 * A main database as one connection of a synchronous build has it open.
 *
 *   I1  No method returns a promise. One that would have to wait changes nothing, leaves the waiting
 *       part to the API call (waits.ts) and answers SQLITE_BUSY; repeated, it finds what it needs.
 *   I2  What was waited for is good for the repeated call alone: a later statement asks again.
 *   I4  A strict or relaxed commit is in force when it is complete, as in the asynchronous engine. Until
 *       then the API call does not return, this connection takes no new lock, and others read the
 *       version before. Deferred commits are in force at once.
 *   I5  After a failure nothing has changed in memory; SQLite's page cache is made to forget.
 *
 *   unlocked ──lock: not fresh──▶ BUSY, waiting ──API call repeated──▶ lock: fresh ──▶ shared | writing
 *   writing ──commit point──▶ landing ──complete──▶ version in force
 *                                └──failed──▶ as before the sqliteTx; the API call fails
 */
import type { DraftCommit } from '../blockstore/committer.js';
import { assert, BusyError, MemoryLimitError } from '../errors.js';
import * as rc from '../result-codes.js';
import { DatabaseFile } from './database-file.js';
import type { ConnectionPragmas } from './pragmas.js';
import type { SharedFile } from './shared-file.js';
import type { PendingOp, Waits } from './waits.js';

/** What a mirror's files need of their VFS. */
export interface MirrorEnv {
  readonly waits: Waits;
  readonly memoryBytesMax: number;
  /** Bytes that segments and sqliteTxs under way take now, of all files. */
  heldBytes(): number;
  /** The databases that the same SQLite connection has open, `file` among them. */
  siblings(file: MirrorFile): readonly MirrorFile[];
  /** Commits what the files have staged, together. */
  commit(files: readonly MirrorFile[]): void;
}

export class MirrorFile extends DatabaseFile {
  readonly #mirror: MirrorEnv;
  #waiting = false;
  /** What was waited for is there, until the repeated call is over. */
  #fresh = false;
  #releaseRole: (() => void) | undefined;
  /** Why the wait failed, for the repeated call. */
  #waitFailure: unknown;
  /** Why the writer lock could not be had: no matter to a call that only reads this file. */
  #roleFailure: BusyError | undefined;
  /** A commit on its way; never rejects. */
  #landing: Promise<void> | undefined;
  /** Why a commit failed that no API call waited for. */
  #untold: unknown;

  constructor(shared: SharedFile, pragmas: ConnectionPragmas, mirror: MirrorEnv) {
    super(shared, pragmas);
    this.#mirror = mirror;
  }

  override lock(level: number): number {
    if (level <= this.level) return rc.SQLITE_OK;
    this.#tellFailure();
    if (this.level === rc.SQLITE_LOCK_NONE) {
      this.reportLoss();
      if (!this.#mayShare()) return this.#waitOrFail();
      this.#share();
    }
    if (level < rc.SQLITE_LOCK_RESERVED || this.level >= rc.SQLITE_LOCK_RESERVED) {
      this.level = Math.max(this.level, level);
      return rc.SQLITE_OK;
    }
    this.refuseBroken();
    if (!this.#mayReserve()) return this.#waitOrFail();
    if (!this.isWriter) this.shared.become(this);
    this.#used();
    return this.reserveAsWriter(level);
  }

  get #isLanding(): boolean {
    return this.#landing !== undefined;
  }

  #mayShare(): boolean {
    if (this.#isLanding) return false;
    if (this.pragmas.exclusive && !this.isWriter) return this.#mayReserve();
    const { file } = this.shared;
    if (this.shared.isCurrent) return true;
    // Without a way to wait, the newest version is what `load` has last found.
    return this.#fresh || (!this.#mirror.waits.available && !file.suspect);
  }

  #mayReserve(): boolean {
    if (this.#isLanding) return false;
    if (this.isWriter) return true;
    const { file, role, writer } = this.shared;
    if (writer) throw new BusyError(file.path, 'another connection of this page is writing');
    const mayEnter = role?.mayEnter || this.#releaseRole !== undefined;
    if (role) return mayEnter && file.exclusive && !file.suspect;
    return this.#fresh || !this.#mirror.waits.available;
  }

  #share(): void {
    const becomes = this.pragmas.exclusive && !this.isWriter;
    if (becomes) this.shared.become(this);
    this.#used();
    try {
      this.pin();
    } catch (cause) {
      if (becomes) this.shared.endWrite(this);
      throw cause;
    }
  }

  #waitOrFail(): number {
    if (!this.#roleFailure) return this.#wait();
    this.#used();
    throw this.#roleFailure;
  }

  /** I1: what is waited for is asked for once, however often SQLite's busy handler calls. */
  #wait(): number {
    const { waits } = this.#mirror;
    if (!waits.available) {
      throw new BusyError(
        this.path,
        'this wa-sqlite build cannot wait for the store or for another context: ' +
          `await vfs.load('${this.path}') first`,
      );
    }
    if (this.#waiting) return rc.SQLITE_BUSY;
    this.#waiting = true;
    const writes = this.level !== rc.SQLITE_LOCK_NONE || waits.isWriting(this.pragmas.connection());
    waits.retry(this.#prepare(writes));
    return rc.SQLITE_BUSY;
  }

  /** The waiting part: for all databases of the connection, for the call is repeated once only. */
  async #prepare(writes: boolean): Promise<void> {
    try {
      await freshen([this, ...this.#mirror.siblings(this)], writes);
    } finally {
      this.#waiting = false;
    }
  }

  /** Asks the store what is newest, with the writer lock if the statement writes. Never rejects. */
  async freshen(writes: boolean): Promise<void> {
    try {
      await this.#landing;
      const { writer } = this.shared;
      const wantsRole = (writes || this.pragmas.exclusive) && writer === undefined;
      if (wantsRole && (await this.#holdRole())) return;
      if (!this.shared.isCurrent) await this.shared.share();
    } catch (cause) {
      this.#waitFailure = cause;
    }
  }

  /** False if another context keeps the writer lock. */
  async #holdRole(): Promise<boolean> {
    try {
      const release = await this.shared.holdRole(this.waitMs);
      this.#releaseRole?.();
      this.#releaseRole = release;
      return true;
    } catch (cause) {
      if (!(cause instanceof BusyError)) throw cause;
      this.#roleFailure = cause;
      return false;
    }
  }

  /** What was waited for is there, or its failure: the call that is repeated now may use it. */
  grant(): void {
    this.#fresh = this.#waitFailure === undefined;
    this.#mirror.waits.nextTask(() => this.#expire());
  }

  /** I2: the repeated call runs through without a microtask in between. */
  #used(): void {
    if (this.#fresh || this.#waitFailure !== undefined) queueMicrotask(() => this.#expire());
  }

  #expire(): void {
    this.#fresh = false;
    this.#waitFailure = undefined;
    this.#roleFailure = undefined;
    this.#releaseRole?.();
    this.#releaseRole = undefined;
  }

  #tellFailure(): void {
    if (this.#waitFailure !== undefined) {
      this.#used();
      throw this.#waitFailure;
    }
    const untold = this.#untold;
    this.#untold = undefined;
    if (untold !== undefined) throw untold;
  }

  override claim(): number {
    if (this.level === rc.SQLITE_LOCK_NONE || this.isWriter) return rc.SQLITE_NOTFOUND;
    this.#tellFailure();
    this.refuseBroken();
    const { exclusive } = this.pragmas;
    this.pragmas.exclusive = false;
    if (!this.#mayReserve()) return this.#waitOrFail();
    this.shared.become(this);
    this.#used();
    this.reserveAsWriter(this.level);
    this.pragmas.exclusive = exclusive;
    return rc.SQLITE_NOTFOUND;
  }

  override read(address: number, length: number, offset: number): number {
    const code = super.read(address, length, offset);
    assert(typeof code === 'number', 'what a mirror reads is in memory');
    return code;
  }

  protected override absent(): number {
    throw new BusyError(this.path, 'its snapshot is of a file that is gone', { snapshot: true });
  }

  override write(address: number, length: number, offset: number): number {
    const { heldBytes, memoryBytesMax } = this.#mirror;
    const wanted = heldBytes() + length;
    if (wanted > memoryBytesMax) {
      throw new MemoryLimitError(this.path, { wanted, limit: memoryBytesMax }, 'write');
    }
    const code = super.write(address, length, offset);
    assert(typeof code === 'number', 'what a mirror writes to is in memory');
    return code;
  }

  override commit(): number {
    // What SQLite cuts off after its commit point is part of the commit that is on its way.
    if (this.staging && !this.#landing) this.#mirror.commit([this]);
    return rc.SQLITE_OK;
  }

  /** The draft to be committed, or nothing if the sqliteTx changed nothing. */
  ready(): DraftCommit | undefined {
    const { staging } = this;
    if (!staging || staging.draft.isEmpty) {
      this.discard();
      return undefined;
    }
    assert(staging.makeWhole() === undefined, 'what a mirror commits is in memory');
    this.refuseBroken();
    return { file: this.shared.file, draft: staging.draft };
  }

  /** @throws BusyError if another context took the writer lock away. */
  async confirm(): Promise<void> {
    const doubt = this.shared.confirmRole();
    if (doubt !== undefined) await doubt;
    this.refuseBroken();
  }

  /** What a repeated call needs is asked for anew. */
  protected override beginAnew(): void {
    this.shared.endWrite(this);
  }

  protected override get isWriting(): boolean {
    return this.#isLanding || super.isWriting;
  }

  /** Gives the file an id if it has none yet. */
  async identify(): Promise<void> {
    await this.staging?.identify();
  }

  /** A commit of this file is on its way; `told` says whether an API call will tell its failure. */
  land(done: Promise<void>, told: PendingOp): void {
    const ended = done.then(
      () => {
        const { level } = this;
        this.committed();
        // It pins the new version also for a connection that has unlocked since.
        this.level = level;
      },
      (cause: Error) => {
        this.distrusted = true;
        if (told.awaited) this.failed(cause);
        else this.#failUntold(cause);
        if (this.level !== rc.SQLITE_LOCK_NONE) this.broken = cause;
      },
    );
    const landed = () => this.#landed();
    this.#landing = ended.then(landed, landed);
  }

  #failUntold(cause: Error): void {
    this.discard();
    // The loss of what was acknowledged is told in any case.
    if (cause !== this.shared.file.lastLoss) this.#untold = cause;
  }

  /** Does what `unlock` has put off. */
  #landed(): void {
    const { level } = this;
    this.#landing = undefined;
    if (level >= rc.SQLITE_LOCK_RESERVED) return;
    this.level = rc.SQLITE_LOCK_RESERVED;
    this.unlock(level);
  }

  /** While a commit is on its way the lock is given up in SQLite's eyes only. */
  override unlock(level: number): void {
    if (this.#isLanding) this.level = Math.min(level, this.level);
    else super.unlock(level);
  }

  /** Resolves when the connection's last commit is through; undefined if it is. */
  get landing(): Promise<void> | undefined {
    return this.#landing;
  }

  override close(): void {
    this.#expire();
    if (this.#isLanding) this.level = rc.SQLITE_LOCK_NONE;
    else super.close();
  }
}

/** The waiting part of a call that uses several databases: it is repeated once only. */
export async function freshen(files: readonly MirrorFile[], writes: boolean): Promise<void> {
  const distinct = [...new Set(files)];
  const freshenAll = async (shared: SharedFile) => {
    // One after the other: a context's requests for one lock would wait for each other.
    for (const file of distinct) if (file.shared === shared) await file.freshen(writes);
  };
  await Promise.all([...new Set(distinct.map(({ shared }) => shared))].map(freshenAll));
  // Not before the last one: what is granted is gone with the task.
  for (const file of distinct) file.grant();
}
