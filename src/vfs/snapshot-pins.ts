/**
 * What one context's snapshots of a file need of the store, told to every other context; and what it knows
 * of theirs.
 *
 * A context that reads without the writer lock holds a Web Lock, shared, whose name carries a *floor*: a
 * version from which on everything is kept. It ends with its holder.
 *
 *   I8  What version v has superseded is deleted only if no snapshot below v is pinned in any context:
 *       a  A snapshot is pinned under the writer lock, at the newest version; or after a refresh that
 *          began when a floor at or below its version was held.
 *       b  A floor is let go of only for a higher one that is held, with no snapshot below that, or
 *          when no snapshot is pinned.
 *       c  The writer lock is handed over only when a floor covers what was pinned under it.
 *       d  The writer asks for all floors while a version m is complete, and deletes up to the lowest of
 *          them and m. A snapshot below m was pinned before it asked, so its floor was seen (a, b, c);
 *          what is pinned later is m or newer, for its refresh began after the question (a), or
 *          after the writer lock was handed over (c). So an old answer is as safe as a new one.
 *       What c does not hold for is a lock that was stolen: its late holder pins as soon as it is told, and
 *       forgets what it was answered, for others may have been without a floor then.
 *   I9  A floor is waited for PIN_WAIT_MS at most. It outlives the last snapshot by 2 × PIN_IDLE_MS at
 *       most, so that who reads on and on asks for no lock. A writer asks once for each checkpoint.
 *
 *   none ──hold──▶ asked for ──granted──▶ held ──a checkpoint behind──▶ held, a higher one asked for
 *     ▲                                    └──idle, or asked for while no snapshot is pinned──▶ none
 */
import type { BlockFile, Elsewhere } from '../blockstore/file.js';
import { BusyError } from '../errors.js';
import { CHECKPOINT_COMMITS } from '../format/layout.js';

const PIN_WAIT_MS = 5000;
const PIN_IDLE_MS = 500;
const PIN_POLL_MS = 20;
/** File id, or * for any; floor; whose it is. */
const FLOOR = /^(\d+|\*):(\d+):(\w+)$/;
const ANY_FILE = '*';

/** Said by who wants a file that nobody reads: pins that no snapshot needs are let go of. */
export type PinWord = 'yield';

export interface PinChannel {
  say(name: string, word: PinWord): void;
  listen(name: string, heard: (word: PinWord) => void): () => void;
}

export interface PinDeps {
  readonly locks: LockManager;
  /** What the names of a file's pins begin with. */
  readonly prefix: string;
  readonly channel: PinChannel;
}

/** The pins of other contexts, as the last answer told. */
export interface OtherPins {
  readonly count: number;
  /** Everything from this version on is kept for them; Infinity without any. */
  readonly oldest: number;
}

interface Floor {
  readonly file: number;
  readonly version: number;
  readonly lock: HeldLock;
}

interface Answer {
  readonly file: number;
  readonly complete: number;
  readonly others: OtherPins;
}

export class SnapshotPins implements Elsewhere {
  readonly #deps: PinDeps;
  readonly #file: BlockFile;
  readonly #owner: string = randomName();
  readonly #unlisten: () => void;
  #floor: Floor | undefined;
  #taking: Promise<void> | undefined;
  /** Reads that are about to pin a snapshot, or need what one would. */
  #readers = 0;
  #wasUsed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** No floor was granted in time: what was to wait for one goes on. */
  #isRefused = false;
  #isClosed = false;
  #answer: Answer | undefined;
  /** What was complete when the last question was put, and of which file. */
  #asked: { readonly file: number; readonly version: number } | undefined;
  #isAsking = false;

  constructor(file: BlockFile, deps: PinDeps) {
    this.#file = file;
    this.#deps = deps;
    file.elsewhere = this;
    this.#unlisten = deps.channel.listen(deps.prefix, () => this.yield());
  }

  /** I8 a: runs `work`, which refreshes and pins, with a floor held. */
  async reading<T>(work: () => Promise<T>): Promise<T> {
    this.#readers++;
    this.#wasUsed = true;
    try {
      for (;;) {
        while (!this.#covers(this.#file.state.map.version)) await (this.#taking ?? this.#take());
        const done = await work();
        // Made anew, or set back: the floor is another file's, or too high.
        if (this.#covers(this.#file.state.map.version)) return done;
      }
    } finally {
      this.#readers--;
      this.#advance();
    }
  }

  /** I8 c: a promise, which never rejects, while a snapshot lacks a floor. */
  uncovered(): Promise<void> | undefined {
    return this.#lacksFloor ? this.#cover() : undefined;
  }

  get #lacksFloor(): boolean {
    const oldest = this.#oldest;
    if (oldest === Number.POSITIVE_INFINITY || this.#covers(oldest)) return false;
    return !this.#isRefused && !this.#isClosed;
  }

  async #cover(): Promise<void> {
    while (this.#lacksFloor) await (this.#taking ?? this.#take()).catch(() => undefined);
  }

  /** The writer lock was stolen: what is pinned is covered by it no more, and an answer came too late. */
  robbed(): void {
    this.#answer = undefined;
    this.#asked = undefined;
    void this.uncovered();
  }

  /** Lets go of the floor at once if no snapshot needs it. */
  yield(): void {
    if (this.#readers === 0 && this.#oldest === Number.POSITIVE_INFINITY) this.#drop();
  }

  /** I8 d: what may be needed elsewhere; everything before the first answer. */
  get pinnedMin(): number {
    const answer = this.#answerNow;
    return answer ? Math.min(answer.complete, answer.others.oldest) : 0;
  }

  /** I8 d: a commit of this context is complete. Asks once for each checkpoint, and waits for nothing. */
  committed(version: number): void {
    const { file, state } = this.#file;
    const askedAt = this.#asked?.file === file ? this.#asked.version : 0;
    if (this.#isAsking || askedAt >= state.directoryVersion) return;
    // Where deferred commits wait to land, what is complete may always be a checkpoint behind.
    if (version < Math.min(state.directoryVersion, askedAt + CHECKPOINT_COMMITS)) return;
    this.#isAsking = true;
    this.#asked = { file, version };
    const asked = this.#ask(file, version);
    const over = () => {
      this.#isAsking = false;
    };
    // Without an answer everything is kept.
    asked.then(over, over);
  }

  /** Pins of other contexts when this one last asked. */
  get others(): OtherPins {
    return this.#answerNow?.others ?? NO_PINS;
  }

  close(): void {
    this.#isClosed = true;
    this.#unlisten();
    this.#drop();
  }

  get #answerNow(): Answer | undefined {
    return this.#answer?.file === this.#file.record?.file ? this.#answer : undefined;
  }

  async #ask(file: number, complete: number): Promise<void> {
    const asked = this.#asked;
    const isMeant = (of: string, holder: string | undefined) =>
      holder !== this.#owner && (of === ANY_FILE || Number(of) === file);
    const others = await pinsOf(this.#deps, isMeant);
    if (this.#asked === asked) this.#answer = { file, complete, others };
  }

  /** Oldest version of a snapshot that may have to fetch something. */
  get #oldest(): number {
    return this.#file.isResident ? Number.POSITIVE_INFINITY : this.#file.pinnedMin;
  }

  /** What has no id yet has nothing to keep, and what is closed needs nothing. */
  #covers(version: number): boolean {
    const { record } = this.#file;
    if (!record || this.#isClosed) return true;
    const floor = this.#floor;
    if (!floor?.lock.isHeld) return false;
    return floor.file === record.file && floor.version <= version;
  }

  /** I8 b: takes the highest floor that covers all that is pinned or will be. */
  #take(): Promise<void> {
    const { record, state, path } = this.#file;
    if (!record || this.#isClosed) return Promise.resolve();
    const { locks, prefix } = this.#deps;
    const version = Math.min(this.#oldest, state.map.version);
    const name = `${prefix}${record.file}:${version}:${this.#owner}`;
    const taking = holdShared(locks, name, path).then(
      (lock) => {
        this.#floor?.lock.release();
        this.#floor = { file: record.file, version, lock };
        this.#isRefused = false;
        if (this.#isClosed) this.#drop();
        else this.#timer ??= setTimeout(() => this.#tick(), PIN_IDLE_MS);
      },
      (cause) => {
        this.#isRefused = true;
        throw cause;
      },
    );
    const over = () => {
      this.#taking = undefined;
    };
    this.#taking = taking.finally(over);
    return this.#taking;
  }

  /** Takes a higher floor if this one keeps what a checkpoint would delete. */
  #advance(): void {
    const { state } = this.#file;
    const floor = this.#floor;
    if (!floor || this.#taking || floor.version >= state.directoryVersion) return;
    const isHigher = Math.min(this.#oldest, state.map.version) > floor.version;
    // Where it fails, the one that is held stays.
    if (isHigher && floor.lock.isHeld) this.#take().catch(() => undefined);
  }

  #tick(): void {
    this.#timer = undefined;
    const isNeeded = this.#readers > 0 || this.#oldest !== Number.POSITIVE_INFINITY;
    if (!isNeeded && !this.#wasUsed) {
      this.#drop();
      return;
    }
    this.#wasUsed = false;
    this.#advance();
    this.#timer = setTimeout(() => this.#tick(), PIN_IDLE_MS);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#floor?.lock.release();
    this.#floor = undefined;
  }
}

const NO_PINS: OtherPins = { count: 0, oldest: Number.POSITIVE_INFINITY };

/** Keeps everything of the file at a path, for who does not know its version yet. @returns ends that */
export async function pinEverything({ locks, prefix }: PinDeps, path: string): Promise<() => void> {
  const lock = await holdShared(locks, `${prefix}${ANY_FILE}:0:${randomName()}`, path);
  return () => lock.release();
}

/** True once nobody has a pin of what lies at a path; false when the time is up. */
export async function unpinned(deps: PinDeps, waitMs: number): Promise<boolean> {
  const until = performance.now() + waitMs;
  for (;;) {
    const { count } = await pinsOf(deps, () => true);
    if (count === 0) return true;
    if (performance.now() >= until) return false;
    deps.channel.say(deps.prefix, 'yield');
    await new Promise((resolve) => setTimeout(resolve, PIN_POLL_MS));
  }
}

/** Pins that are held, or asked for. */
async function pinsOf(
  { locks, prefix }: PinDeps,
  isMeant: (file: string, holder: string | undefined) => boolean,
): Promise<OtherPins> {
  const { held = [], pending = [] } = await locks.query();
  let count = 0;
  let oldest = Number.POSITIVE_INFINITY;
  for (const { name } of [...held, ...pending]) {
    if (!name?.startsWith(prefix)) continue;
    const [, of, floor, holder] = FLOOR.exec(name.slice(prefix.length)) ?? [];
    if (of === undefined || !isMeant(of, holder)) continue;
    count++;
    oldest = Math.min(oldest, Number(floor));
  }
  return { count, oldest };
}

interface HeldLock {
  /** False once it was let go of, or stolen. */
  readonly isHeld: boolean;
  release(): void;
}

/** @throws BusyError if it is not granted in time. */
async function holdShared(locks: LockManager, name: string, path: string): Promise<HeldLock> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), PIN_WAIT_MS);
  try {
    return await new Promise<HeldLock>((resolve, reject) => {
      let isHeld = true;
      const hold = () =>
        new Promise<void>((end) => {
          const release = () => {
            isHeld = false;
            end();
          };
          resolve({
            get isHeld() {
              return isHeld;
            },
            release,
          });
        });
      locks.request(name, { mode: 'shared', signal: limit.signal }, hold).catch((cause) => {
        isHeld = false;
        reject(cause);
      });
    });
  } catch (cause) {
    if (!limit.signal.aborted) throw cause;
    throw new BusyError(path, `the browser has not granted a shared lock in ${PIN_WAIT_MS} ms`);
  } finally {
    clearTimeout(timer);
  }
}

function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(2)), (n) => n.toString(36)).join('_');
}
