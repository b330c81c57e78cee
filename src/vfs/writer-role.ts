/**
 * The writer lock of one file, as one context holds it.
 *
 *   I3  It is for politeness: a commit is fenced by the store, whoever thinks to hold the lock.
 *   I9  Waiting has a limit, and so has the silence of a holder: then the lock is stolen from it.
 *
 * Taken at RESERVED and kept afterwards, so that a lone tab asks for it once. Web Locks grant it in the
 * order in which it was asked for. Nobody starves: once another context has asked, nobody enters any
 * more; who writes ends, what is deferred lands, the lock is let go of, and this context queues for it
 * behind the one who asked.
 *
 *   none ──enter: granted, or seized from a silent holder──▶ writing ◀──enter── held
 *    ▲                                                         │ └──leave──▶ ──┘ │
 *    │                                             asked, or others are queued   asked
 *    │                                                         ▼                 │
 *    └──released: nobody writes, deferred commits landed── wanted ◀──────────────┘
 *    └──stolen, closed: from any
 */
import type { Timer } from '../timer.js';
import type { RoleChannel, RoleWord } from './role-channel.js';
import { Silence } from './silence.js';
import { AGAIN_MS, Turn } from './turn.js';

/**
 * The writer role of a file as one context sees it. `none`: another context has it, or nobody.
 * `waiting`: this one has asked for it. `held`: it has it, and nobody writes. `writing`: a connection
 * writes. `wanted`: another context has asked, and gets it when the sqliteTx under way has ended and
 * deferred commits have landed.
 */
export type WriterState = 'none' | 'waiting' | 'held' | 'writing' | 'wanted';

/**
 * Why a context got the writer role or lost it. `acquired`: it was free, or handed over. `seized`:
 * taken from a context that gave no sign of life. `released`: handed over. `closed`: the file was
 * closed. `stolen`: this context gave no sign of life, and another one took it.
 */
export type WriterChange = 'acquired' | 'seized' | 'released' | 'closed' | 'stolen';

/** How long the writer role is kept. */
export type WriterPolicy = 'until-asked' | 'keep' | 'each-commit';

/** A wait of no time at all still lasts until an idle holder has handed the lock over. */
const HAND_OVER_MS = 250;
/** Answers to several asks within this time are one. */
const ANSWERS_MS = 40;
/** A context that has just handed the lock over asks for it so much later: who has it looks into the queue. */
const ASK_LATER_MS = 10;
/** How long after that it still does so. */
const CONTENDED_MS = 1000;
/** A holder that computes tells that it lives so many times within the limit. */
const BREATHS = 5;
/** Calls from one look at the clock to the next. */
const CALLS_PER_LOOK = 64;

export interface RoleDeps {
  readonly locks: LockManager;
  /** Name of the Web Lock. */
  readonly name: string;
  readonly channel: RoleChannel;
  /** How long it is kept at first. */
  readonly policy: WriterPolicy;
  /** Silence after which a holder is taken for dead, in milliseconds. */
  readonly stealAfterMs: number;
  readonly timer: Timer;
  readonly monotonicMs: () => number;
  readonly onChange: (why: WriterChange) => void;
  /** Somebody could not enter at once, and has waited so long, maybe in vain. */
  readonly onWaited?: (ms: number) => void;
  /** A promise while something this context acknowledged is on its way; it never rejects. */
  readonly unlanded: () => Promise<void> | undefined;
  /** The same while others could reclaim what this context reads. */
  readonly uncovered: () => Promise<void> | undefined;
}

/** The time for which the lock is held. */
interface Tenure {
  wanted: boolean;
  /** It is wanted, and kept for a moment for a connection that is about to write again; ends that. */
  lingering: (() => void) | undefined;
  readonly sinceMs: number;
  readonly release: () => void;
  readonly over: Promise<void>;
}

/** Somebody who waits for the lock. */
interface Attempt {
  /** Gives up as soon as the holder says that it is busy, if it has waited long enough by then. */
  readonly refused: () => void;
  readonly giveUp: () => void;
}

export class WriterRole {
  readonly #deps: RoleDeps;
  readonly #silence: Silence;
  readonly #unlisten: () => void;
  readonly #attempts: Set<Attempt> = new Set();
  #policy: WriterPolicy;
  #tenure: Tenure | undefined;
  #writing = 0;
  #calls = 0;
  #saidMs = Number.NEGATIVE_INFINITY;
  #handedOverMs = Number.NEGATIVE_INFINITY;
  readonly #turn: Turn = new Turn();
  #isClosed = false;
  /** Called when another context asks while something is being written, or could be. */
  onwanted: (() => void) | undefined;
  /** Called when another context has taken the lock away. */
  onstolen: (() => void) | undefined;

  constructor(deps: RoleDeps) {
    this.#deps = deps;
    this.#policy = deps.policy;
    const { channel, name, stealAfterMs: limitMs, timer, monotonicMs } = deps;
    const ask = () => channel.say(name, 'ask');
    this.#silence = new Silence({ limitMs, timer, monotonicMs, ask });
    this.#unlisten = channel.listen(name, (word) => this.#heard(word));
  }

  get held(): boolean {
    return this.#tenure !== undefined;
  }

  get state(): WriterState {
    if (!this.#tenure) return this.#attempts.size > 0 ? 'waiting' : 'none';
    if (this.#tenure.wanted) return 'wanted';
    return this.#writing > 0 ? 'writing' : 'held';
  }

  /** True if a connection may begin to write without waiting. */
  get mayEnter(): boolean {
    const tenure = this.#tenure;
    return tenure !== undefined && (!tenure.wanted || tenure.lingering !== undefined);
  }

  /** True if it may be left to a connection until somebody asks. */
  get mayLend(): boolean {
    return this.mayEnter && !this.#tenure?.wanted && !this.#isBrief;
  }

  /** Nobody is waited for to ask. */
  get #isBrief(): boolean {
    const policy = this.#policy;
    return policy === 'each-commit' || (policy === 'until-asked' && !this.#deps.channel.hears);
  }

  /** From now on it is not handed over. */
  keep(): void {
    this.#policy = 'keep';
  }

  /** Takes the lock if nobody has it or waits for it. */
  async take(): Promise<boolean> {
    return this.held || (await this.#request({ ifAvailable: true }));
  }

  /**
   * Lets a connection begin to write, with the lock; false when the time is up, or nobody waits any
   * more. The lock stays until `leave`.
   */
  async enter(waitMs: number, ended?: AbortSignal): Promise<boolean> {
    const { timer, monotonicMs, onWaited } = this.#deps;
    this.#turn.begins(monotonicMs);
    if (this.#tryEnter()) return true;
    const limit = new AbortController();
    const giveUp = () => limit.abort();
    const startedMs = monotonicMs();
    const refused = () => {
      if (monotonicMs() - startedMs >= waitMs) giveUp();
    };
    const attempt: Attempt = { refused, giveUp };
    this.#attempts.add(attempt);
    const callOff = timer(Math.max(waitMs, HAND_OVER_MS), giveUp);
    ended?.addEventListener('abort', giveUp);
    if (ended?.aborted || this.#isClosed) giveUp();
    try {
      return await this.#enterWithin(limit.signal);
    } finally {
      ended?.removeEventListener('abort', giveUp);
      callOff();
      this.#attempts.delete(attempt);
      onWaited?.(monotonicMs() - startedMs);
    }
  }

  #tryEnter(): boolean {
    if (!this.mayEnter) return false;
    this.#tenure?.lingering?.();
    this.#writing++;
    return true;
  }

  async #enterWithin(limit: AbortSignal): Promise<boolean> {
    const aborted = new Promise<void>((resolve) => {
      limit.addEventListener('abort', () => resolve());
    });
    while (!limit.aborted) {
      if (this.#tryEnter()) return true;
      // The one who asked comes first.
      if (this.#tenure) await Promise.race([this.#tenure.over, aborted]);
      else if (await this.#acquire(limit)) return true;
    }
    return false;
  }

  /** Queues for the lock, and steals it from a holder that is silent. */
  async #acquire(limit: AbortSignal): Promise<boolean> {
    while (!limit.aborted) {
      const turn = new AbortController();
      const end = () => turn.abort();
      limit.addEventListener('abort', end);
      const granted = this.#request({ signal: turn.signal }, { enters: true });
      // Asked for behind the request: who lets go finds it in the queue.
      const isContended = this.#deps.monotonicMs() - this.#handedOverMs < CONTENDED_MS;
      const stopAsking = this.#silence.begin(end, isContended ? ASK_LATER_MS : 0);
      try {
        if (await granted) return true;
      } finally {
        limit.removeEventListener('abort', end);
        stopAsking();
      }
      if (!limit.aborted && (await this.#seize())) return true;
    }
    return false;
  }

  /** False if the holder has given a sign of life, or another context is at it. */
  async #seize(): Promise<boolean> {
    const { locks, name, timer, channel } = this.#deps;
    return await new Promise((resolve, reject) => {
      const steal = async (lock: Lock | null): Promise<void> => {
        const isDue = lock !== null && channel.hears && this.#silence.isSilent && !this.#isClosed;
        this.#silence.heard();
        if (!isDue) return resolve(false);
        resolve(await this.#request({ steal: true }, { enters: true }));
        // Others who would steal it have time to hear that it has a living holder.
        await new Promise<void>((over) => timer(this.#silence.askMs, over));
      };
      locks.request(`${name}:thief`, { ifAvailable: true }, steal).catch(reject);
    });
  }

  /** A connection that the lock is kept for begins to write. */
  beginWrite(): void {
    this.#writing++;
  }

  /** A connection ends to write. */
  leave(): void {
    this.#writing--;
    const tenure = this.#tenure;
    if (!tenure || this.#writing > 0) return;
    if (this.#isBrief) this.#handOver(tenure);
    else if (tenure.wanted && !this.#linger(tenure)) this.#handOver(tenure);
  }

  /** Keeps the lock for a moment, if it is likely to be needed again at once. */
  #linger(tenure: Tenure): boolean {
    const { monotonicMs, timer } = this.#deps;
    tenure.lingering = undefined;
    if (!this.#turn.ends(monotonicMs(), tenure.sinceMs)) return false;
    tenure.lingering = timer(AGAIN_MS, () => {
      this.#turn.missed();
      this.#handOver(tenure);
    });
    return true;
  }

  /** Lets go of the lock as soon as may be. */
  #handOver(tenure: Tenure): void {
    tenure.wanted = true;
    tenure.lingering?.();
    tenure.lingering = undefined;
    if (this.#writing > 0) {
      this.onwanted?.();
      return;
    }
    const landing = this.#deps.unlanded();
    // Once: commits to other files may go on and on.
    const landed = () => this.#letGo(tenure);
    if (landing !== undefined) landing.then(landed, landed);
    else landed();
  }

  #letGo(tenure: Tenure): void {
    if (this.#tenure !== tenure) return;
    const covering = this.#deps.uncovered();
    const again = () => this.#letGo(tenure);
    if (covering !== undefined) covering.then(again, again);
    else this.#end(tenure, 'released');
  }

  /** This context may not run for long: it lets go of the lock, if no connection writes. */
  rest(): void {
    if (this.#tenure && this.#writing === 0 && this.#policy !== 'keep') {
      this.#handOver(this.#tenure);
    }
  }

  /** To be called now and then while a connection writes: others hear that this context lives. */
  breathe(): void {
    if (++this.#calls % CALLS_PER_LOOK !== 0 || !this.#tenure) return;
    this.#sayBusy(this.#deps.stealAfterMs / BREATHS);
  }

  /** Resolves when this context has heard whether the lock was stolen from it. */
  async confirm(): Promise<void> {
    // What became of the lock before is told before the answer.
    await this.#deps.locks.query();
  }

  close(): void {
    this.#isClosed = true;
    this.#unlisten();
    this.#silence.stop();
    for (const { giveUp } of this.#attempts) giveUp();
    if (this.#tenure) this.#end(this.#tenure, 'closed');
  }

  #heard(word: RoleWord): void {
    if (word === 'ask') {
      this.#asked();
      return;
    }
    this.#silence.heard();
    for (const { refused } of this.#attempts) refused();
  }

  #asked(): void {
    const tenure = this.#tenure;
    if (!tenure) return;
    if (this.#policy !== 'keep' && !tenure.lingering) this.#handOver(tenure);
    if (this.#tenure) this.#sayBusy(ANSWERS_MS);
  }

  #sayBusy(everyMs: number): void {
    const { channel, name, monotonicMs } = this.#deps;
    const nowMs = monotonicMs();
    if (nowMs - this.#saidMs < everyMs) return;
    this.#saidMs = nowMs;
    channel.say(name, 'busy');
  }

  #end(tenure: Tenure, why: WriterChange): void {
    if (this.#tenure !== tenure) return;
    tenure.lingering?.();
    this.#tenure = undefined;
    this.#saidMs = Number.NEGATIVE_INFINITY;
    if (tenure.wanted) this.#handedOverMs = this.#deps.monotonicMs();
    this.#deps.onChange(why);
    tenure.release();
    if (why === 'stolen') this.onstolen?.();
  }

  #begin(options: LockOptions): Tenure {
    let release: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      release = resolve;
    });
    const sinceMs = this.#deps.monotonicMs();
    const tenure: Tenure = { wanted: false, lingering: undefined, sinceMs, release, over };
    this.#tenure = tenure;
    this.#silence.stop();
    this.#deps.onChange(options.steal ? 'seized' : 'acquired');
    // Others were about to steal it too.
    if (options.steal) this.#sayBusy(0);
    if (!options.ifAvailable) this.#lookForOthers(tenure).catch(() => undefined);
    return tenure;
  }

  /** Who is in the queue behind has asked the holder before this one. */
  async #lookForOthers(tenure: Tenure): Promise<void> {
    if (this.#policy === 'keep') return;
    const { locks, name } = this.#deps;
    const { pending = [] } = await locks.query();
    if (this.#tenure === tenure && pending.some((request) => request.name === name)) {
      this.#handOver(tenure);
    }
  }

  #request(options: LockOptions, { enters = false } = {}): Promise<boolean> {
    const { locks, name } = this.#deps;
    return new Promise((resolve, reject) => {
      let tenure: Tenure | undefined;
      const granted = (lock: Lock | null): Promise<void> | undefined => {
        resolve(lock !== null && !this.#isClosed);
        if (!lock || this.#isClosed) return undefined;
        if (enters) this.#writing++;
        tenure = this.#begin(options);
        return tenure.over;
      };
      locks.request(name, { mode: 'exclusive', ...options }, granted).catch((cause) => {
        if ((cause as Error | null)?.name !== 'AbortError') reject(cause);
        // Before it was granted: time is up; after: another context stole it.
        else if (tenure) this.#end(tenure, 'stolen');
        else resolve(false);
      });
    });
  }
}
