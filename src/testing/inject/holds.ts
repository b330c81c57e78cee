/**
 * Events that are kept back, and let go later. For those that no idbTx has to stay open for:
 * `complete`, `abort`, what openings are told, what connections are told.
 *
 *   I1  While frozen, everything waits in one line; it is let go in that order.
 *   I2  An event held back is delivered before any of an idbTx that had to wait for its own: what
 *       IndexedDB orders stays ordered.
 *   I3  Time is counted in round trips to the storage, so that on a simulation it depends on the seed only.
 */
import { conflict, type Scope } from './scope.js';

export interface Wait {
  /** Round trips; Infinity waits until `release`. Default 0, without a limit if there is `ms`. */
  readonly rounds?: number;
  readonly ms?: number;
  /** It ends sooner if this is true. */
  readonly until?: () => boolean;
}

/** Measures a wait, which begins when it is made. */
export class Clock {
  readonly #wait: Wait;
  readonly #endMs: number;
  #rounds = 0;

  constructor(wait: Wait) {
    this.#wait = wait;
    this.#endMs = wait.ms === undefined ? Number.POSITIVE_INFINITY : Date.now() + wait.ms;
  }

  /** One round trip is over. */
  tick(): void {
    this.#rounds++;
  }

  get isOver(): boolean {
    const { rounds = this.isTimed ? Number.POSITIVE_INFINITY : 0, until } = this.#wait;
    return this.#rounds >= rounds || until?.() === true || Date.now() >= this.#endMs;
  }

  /** False if no round trip brings its end nearer. */
  get isTicking(): boolean {
    return this.#wait.rounds !== Number.POSITIVE_INFINITY || this.isTimed;
  }

  private get isTimed(): boolean {
    return this.#wait.ms !== undefined;
  }
}

interface Held {
  readonly deliver: () => void;
  readonly clock: Clock;
  readonly scope: Scope | undefined;
}

export class Holds {
  readonly #factory: IDBFactory;
  /** I1 */
  #line: (() => void)[] = [];
  #held: Held[] = [];
  #frozen = false;
  #thawing = false;
  #polling = false;
  #releases = 0;
  readonly #watchers = new Set<(scope: Scope) => void>();

  constructor(factory: IDBFactory) {
    this.#factory = factory;
  }

  /** True while whatever happens has to queue. */
  get isFrozen(): boolean {
    return this.#frozen || this.#thawing;
  }

  freeze(): void {
    this.#frozen = true;
  }

  /** Lets everything go, in its order. @returns when all of it was delivered */
  async thaw(): Promise<void> {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#thawing = true;
    while (this.#line.length > 0 && !this.#frozen) {
      this.#line.shift()?.();
      // So that what a listener started has its microtasks before the next event comes.
      await this.trip();
    }
    this.#thawing = false;
  }

  /** To be delivered when no longer frozen. */
  queue(deliver: () => void): void {
    this.#line.push(deliver);
  }

  /** To be delivered when the wait is over. */
  hold(deliver: () => void, wait: Wait, scope?: Scope): void {
    this.#held.push({ deliver, scope, clock: new Clock(wait) });
    this.#poll();
  }

  /** I2: called before an event of an idbTx is delivered. */
  flushBefore(scope: Scope): void {
    this.#deliver(
      (held) =>
        held.scope !== undefined && held.scope.idbTx < scope.idbTx && conflict(held.scope, scope),
    );
  }

  /** Delivers everything held, but for what is frozen. */
  release(): void {
    this.#releases++;
    this.#deliver(() => true);
  }

  /** How often everything was let go. */
  get releases(): number {
    return this.#releases;
  }

  /** One round trip to the storage: I3. */
  async trip(): Promise<void> {
    await this.#factory.databases();
  }

  /** An idbTx has been told that it is complete. */
  completed(scope: Scope): void {
    for (const watcher of this.#watchers) watcher(scope);
  }

  /** @returns a function that says whether another idbTx, independent of this one, completed since */
  overtaken(scope: Scope): () => boolean {
    let passed = false;
    const watcher = (other: Scope): void => {
      if (other.idbTx === scope.idbTx || conflict(other, scope)) return;
      passed = true;
      this.#watchers.delete(watcher);
    };
    this.#watchers.add(watcher);
    return () => passed;
  }

  #deliver(due: (held: Held) => boolean): void {
    const now = this.#held.filter(due);
    this.#held = this.#held.filter((held) => !now.includes(held));
    for (const { deliver } of now) deliver();
  }

  #poll(): void {
    if (this.#polling || !this.#held.some(({ clock }) => clock.isTicking)) return;
    this.#polling = true;
    const again = (): void => {
      this.#polling = false;
      for (const { clock } of this.#held) clock.tick();
      this.#deliver(({ clock }) => clock.isOver);
      this.#poll();
    };
    this.trip().then(again, again);
  }
}
