/**
 * What the connections of one VFS to one file have in common: its state, the writer lock, who writes.
 *
 *   I3  While `file.exclusive`, this context holds the writer lock and has seen the newest version. A
 *       context that stood still may have been robbed of it without knowing: what it has is current
 *       only for a time within which nobody steals.
 */
import type { Committer } from '../blockstore/committer.js';
import type { BlockFile } from '../blockstore/file.js';
import { BusyError } from '../errors.js';
import type { DatabaseFile } from './database-file.js';
import type { RecoveryReport } from './events.js';
import type { CommitGroups } from './group.js';
import type { ResolvedOptions } from './options.js';
import { type PinDeps, SnapshotPins } from './snapshot-pins.js';
import type { StagingOptions } from './staging.js';
import type { WriterRole } from './writer-role.js';

/** What every file of a VFS needs of it. */
export interface FileEnv {
  readonly options: ResolvedOptions & StagingOptions;
  readonly committer: Committer;
  readonly group: CommitGroups;
  /** The wasm memory as it is now. */
  heap(): Uint8Array<ArrayBuffer>;
  /** Step three of recovery. */
  deleteOrphans(file: BlockFile): Promise<void>;
  /** The image of `page` if SQLite has just read it from the file's rollback journal. */
  playedBack(path: string, page: number): Uint8Array | undefined;
  /** The file's sqliteTx is over: nobody is to play back what is left of its rollback journal. */
  expireJournal(path: string): void;
  /** A connection had to wait for another thread's to end writing. */
  waited(ms: number): void;
}

/** A thread whose connections share files with those of other threads. */
export interface Thread {
  /** Aborted when it has ended: nobody waits for it any more. */
  readonly ended: AbortSignal;
}

/**
 * How long the writer lock stays with a connection that got it too late for its snapshot, in
 * milliseconds: SQLite's busy handler tries again sooner.
 */
const RETRY_MS = 100;

/** The writer lock, kept for a connection's next try. */
interface Reservation {
  readonly connection: DatabaseFile;
  readonly expiry: ReturnType<typeof setTimeout>;
}

export class SharedFile {
  readonly file: BlockFile;
  readonly env: FileEnv;
  /** Undefined where the context has no Web Locks. */
  readonly role: WriterRole | undefined;
  /** The same. */
  readonly pins: SnapshotPins | undefined;
  writer: DatabaseFile | undefined;
  /** How it was recovered. */
  recovery: RecoveryReport | undefined;
  /** Takes the lease back that a connection holds the file with. */
  lessee: (() => void) | undefined;
  users = 0;
  #reservation: Reservation | undefined;
  /** Connections of other threads that wait for the writer to end. */
  readonly #waiting: Set<() => void> = new Set();

  constructor(
    file: BlockFile,
    env: FileEnv,
    locks: { readonly role: WriterRole | undefined; readonly pins: PinDeps | undefined },
  ) {
    this.file = file;
    this.env = env;
    this.role = locks.role;
    this.pins = locks.pins && new SnapshotPins(file, locks.pins);
    const { role } = this;
    if (!role) return;
    role.onwanted = () => this.lessee?.();
    role.onstolen = () => this.#robbed();
  }

  /** I3: true if nobody else can have committed since this context last heard from the store. */
  get isCurrent(): boolean {
    const { file, env } = this;
    if (!file.exclusive || file.suspect) return false;
    const ageMs = Date.now() - file.validatedAtMs;
    return ageMs >= 0 && ageMs < env.options.stealAfterMs / 2;
  }

  /** True if nobody has to be waited for before a connection writes on the newest version. */
  get mayWrite(): boolean {
    return this.isCurrent && this.role?.mayEnter === true;
  }

  /**
   * Tries once to get the writer lock, when the file is opened: a lone tab then need not ask the
   * store before it reads. Recovers what recovery may not touch without the lock.
   * @returns true if orphans were deleted.
   */
  async opened(): Promise<boolean> {
    const { role, file } = this;
    if (!role || !(await role.take())) return false;
    await this.#newest();
    if (!file.recovery?.pendingAbove || !file.record) return false;
    await this.env.deleteOrphans(file);
    return true;
  }

  /** @throws BusyError if another connection or context writes and does not end in time. */
  async beginWrite(connection: DatabaseFile): Promise<void> {
    const { patience, thread } = connection;
    try {
      if (this.writer !== connection) {
        this.lessee?.();
        await this.#writerGone(connection);
      }
      this.#reserveFor(connection);
      if (!this.#takeReservation(connection)) await this.#enter(connection.waitMs, thread?.ended);
    } catch (cause) {
      patience.refused();
      if (this.writer === connection) this.writer = undefined;
      this.wake();
      throw cause;
    }
    patience.granted();
    try {
      await this.#newest();
    } catch (cause) {
      this.endWrite(connection);
      throw cause;
    }
  }

  /** I9: waits while a connection of another thread writes; one of the same thread cannot end meanwhile. */
  async #writerGone(connection: DatabaseFile): Promise<void> {
    if (!this.#isInTheWay(connection)) return;
    const since = performance.now();
    await this.#writerGoneBy(since + connection.waitMs, connection);
    this.env.waited(performance.now() - since);
  }

  #isInTheWay({ thread }: DatabaseFile): boolean {
    const { writer } = this;
    return writer !== undefined && writer.thread !== thread && !thread?.ended.aborted;
  }

  async #writerGoneBy(until: number, connection: DatabaseFile): Promise<void> {
    while (this.#isInTheWay(connection)) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, leftMs);
        const waiting = this.#waiting;
        function wake() {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        }
        waiting.add(wake);
      });
      // Before the one that waited, the writer may have begun to hold it with a lease again.
      this.lessee?.();
    }
  }

  /**
   * Makes a connection the writer, which it may be: `holdRole` is still in force, or this context holds
   * the writer lock.
   * @throws BusyError if another connection of this context writes.
   */
  become(connection: DatabaseFile): void {
    this.#reserveFor(connection);
    this.role?.beginWrite();
  }

  #reserveFor(connection: DatabaseFile): void {
    if (this.writer && this.writer !== connection) {
      throw new BusyError(this.file.path, 'another connection of this page is writing');
    }
    this.writer = connection;
  }

  /**
   * Does what has to be waited for before a connection can become the writer.
   * @returns ends the hold on the writer lock, which others may have from then on.
   * @throws BusyError if another context writes and does not end in time.
   */
  async holdRole(waitMs: number): Promise<() => void> {
    await this.#enter(waitMs);
    try {
      await this.#newest();
    } catch (cause) {
      this.role?.leave();
      throw cause;
    }
    return () => this.role?.leave();
  }

  /** Keeps the writer lock from now on, if no other context writes. */
  async keepRole(): Promise<void> {
    if (!this.role) return;
    this.role.keep();
    try {
      (await this.holdRole(this.env.options.busyTimeoutMs))();
    } catch (cause) {
      if (!(cause instanceof BusyError)) throw cause;
    }
  }

  /** @throws BusyError if another context writes and does not end in time. */
  async #enter(waitMs: number, ended?: AbortSignal): Promise<void> {
    const { role, file } = this;
    if (!role || (await role.enter(waitMs, ended))) return;
    throw new BusyError(file.path, `another context has been writing for ${waitMs} ms`);
  }

  /** Who may write does so on the newest version. */
  async #newest(): Promise<void> {
    const { file, role } = this;
    if (this.isCurrent) return;
    const isNew = !file.exclusive;
    await this.refresh();
    if (!isNew) return;
    // With the lock nobody else writes: what a dead writer left above the marker is nobody's. Without it
    // nobody can tell a living writer's segments from a dead one's: the first to commit wins, and the
    // other finds that what it spilled was taken for orphans.
    file.cleanAbove = true;
    file.exclusive = role?.held ?? false;
  }

  /** Reads what others committed, once what this page acknowledged has landed or is known to be lost. */
  async refresh(): Promise<void> {
    await this.env.committer.settled();
    await this.file.refresh();
  }

  /** Reads what others committed though nobody uses it yet. */
  async catchUp(): Promise<void> {
    const { exclusive, suspect, isResident } = this.file;
    if (exclusive && !suspect) return;
    // What is fetched must not be reclaimed meanwhile.
    if (isResident) await this.share();
    else await this.refresh();
  }

  /**
   * The same, so that a snapshot can be pinned as soon as it resolves, in that task: nobody reclaims
   * what that needs.
   */
  async share(): Promise<void> {
    const { pins, role } = this;
    if (!pins || role?.held) await this.refresh();
    // Handed over meanwhile, or not held at all.
    if (pins && !role?.held) await pins.reading(() => this.refresh());
  }

  /**
   * Others have committed while the writer waited for the lock: it has to begin anew, and finds the
   * lock here if it does so at once. Who is in the queue would come in between each time.
   */
  retryWrite(connection: DatabaseFile): void {
    if (!this.role?.held) {
      this.endWrite(connection);
      return;
    }
    this.#dropReservation();
    this.writer = undefined;
    const expiry = setTimeout(() => this.#dropReservation(), RETRY_MS);
    this.#reservation = { connection, expiry };
    this.wake();
  }

  /** False if there is none for this connection. */
  #takeReservation(connection: DatabaseFile): boolean {
    if (this.#reservation?.connection !== connection) return false;
    clearTimeout(this.#reservation.expiry);
    this.#reservation = undefined;
    return true;
  }

  #dropReservation(): void {
    const { connection } = this.#reservation ?? {};
    if (connection && this.#takeReservation(connection)) this.role?.leave();
  }

  endWrite(connection: DatabaseFile): void {
    if (this.writer !== connection) return;
    this.writer = undefined;
    this.role?.leave();
    this.wake();
  }

  /** The page may not run for long: what nobody here needs now is left to other contexts. */
  rest(): void {
    this.lessee?.();
    this.role?.rest();
    this.pins?.yield();
  }

  /** Who waits for the writer looks again. */
  wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Hears whether another context took the writer lock away, where that could be. */
  confirmRole(): Promise<void> | undefined {
    return this.role?.held && !this.isCurrent ? this.role.confirm() : undefined;
  }

  /** Another context took the writer lock away: what is being written here stands on nothing. */
  #robbed(): void {
    const { file } = this;
    this.writer?.breakOff(
      new BusyError(
        file.path,
        'this page gave no sign of life while another context waited to write, and lost its turn',
        { snapshot: true },
      ),
    );
    this.#dropReservation();
    // What is read here is covered by the lock no more.
    this.pins?.robbed();
  }

  close(): void {
    this.#dropReservation();
    this.role?.close();
    this.pins?.close();
    this.file.exclusive = false;
  }
}
