/**
 * A LockManager over another one, where faults can be planned: 23 of the fault model, and its like.
 *
 *   I1  A lock that was taken away early is free for everybody else, while its holder's callback runs on.
 *   I2  What the holder is told of it is part of the fault: nothing, or as a stolen lock.
 */
import { Countdowns } from './countdown.js';
import { InjectionError } from './faults.js';
import { plannedError } from './genuine.js';

/** What happens to a request for a lock. */
export type LockFault =
  /** 23: released `afterMs` (default 0) into the callback, which runs on and is not told. */
  | { readonly tag: 'lock-released'; readonly afterMs?: number }
  /** The same, but the request rejects with AbortError, as for a lock that was stolen. */
  | { readonly tag: 'lock-stolen'; readonly afterMs?: number }
  /** Asked for only `ms` of real time later. */
  | { readonly tag: 'lock-delayed'; readonly ms: number }
  /** Not granted, to `ifAvailable` not available. Ends only by the request's signal. */
  | { readonly tag: 'lock-never-granted' };

/** A request for a lock. */
export interface LockPoint {
  /** Place in the sequence, from 1. */
  readonly number: number;
  /** Of the lock. */
  readonly name: string;
  /** `exclusive` or `shared`. */
  readonly mode: LockMode;
  /** It is to be granted at once or not at all. */
  readonly ifAvailable: boolean;
  /** It takes the lock away from who holds it. */
  readonly steal: boolean;
}

/** Where and how often a fault strikes. Nothing given holds for every request. */
export interface LockWhere {
  /** True for the requests it is for. */
  readonly at?: (point: LockPoint) => boolean;
  /** Of the lock. */
  readonly name?: string;
  /** `exclusive` or `shared`. */
  readonly mode?: LockMode;
  /** The first of them that is struck, from 1. Default 1. */
  readonly nth?: number;
  /** How many are struck. Default 1. */
  readonly times?: number;
}

/** A request for a lock, and what struck it. */
export interface LockTraceEntry extends LockPoint {
  /** Undefined if nothing did. */
  readonly fault: LockFault | undefined;
}

/** A lock whose callback runs. */
interface Held {
  readonly name: string;
  /** Takes it away: I1, I2. */
  readonly end: (isTold: boolean) => void;
}

/** A LockManager, for the option `locks`, whose locks are lost, late or never granted as planned. */
export class FaultyLocks implements LockManager {
  readonly #genuine: LockManager;
  readonly #held = new Set<Held>();
  readonly #trace: LockTraceEntry[] = [];
  readonly #planned = new Countdowns<LockFault, LockWhere>();
  #thawed: Promise<void> | undefined;
  #thaw: (() => void) | undefined;

  /**
   * @param locks what does the work; default the global `navigator.locks`
   * @throws InjectionError `NO_FACTORY`
   */
  constructor(locks: LockManager | undefined = globalThis.navigator?.locks) {
    if (!locks) {
      throw new InjectionError('NO_FACTORY', 'There are no Web Locks here: pass a LockManager.');
    }
    this.#genuine = locks;
  }

  /**
   * Plans a fault. By default it strikes once, at the next request.
   * @throws InjectionError `BAD_PLAN`
   */
  plan(fault: LockFault, where: LockWhere = {}): void {
    const { nth = 1, times = 1 } = where;
    if (!this.#planned.add({ fault, where }, { nth, times }))
      throw new InjectionError('BAD_PLAN', `nth ${nth}, times ${times} name no request.`);
  }

  /** No more faults until another one is planned. */
  stop(): void {
    this.#planned.clear();
  }

  /** Every request, in order. */
  trace(): readonly LockTraceEntry[] {
    return this.#trace;
  }

  /** Releases what is held under `name` (default everything) while its callbacks run on, untold. */
  releaseHeld(name?: string): void {
    this.#end(name, false);
  }

  /** Takes away what is held under `name` (default everything) as if it were stolen. */
  stealHeld(name?: string): void {
    this.#end(name, true);
  }

  /** From now on no callback begins: what is granted is held, but nobody knows. */
  freeze(): void {
    this.#thawed ??= new Promise((resolve) => {
      this.#thaw = resolve;
    });
  }

  /** Ends `freeze`: the callbacks of what was granted meanwhile begin. */
  thaw(): void {
    this.#thaw?.();
    this.#thawed = undefined;
  }

  /** As `LockManager.query` of the LockManager below. */
  query(): Promise<LockManagerSnapshot> {
    return this.#genuine.query();
  }

  /** As `LockManager.request`, unless a fault strikes. */
  request<T>(name: string, callback: LockGrantedCallback<T>): Promise<Awaited<T>>;
  /** As `LockManager.request`, unless a fault strikes. */
  request<T>(
    name: string,
    options: LockOptions,
    callback: LockGrantedCallback<T>,
  ): Promise<Awaited<T>>;
  request<T>(
    name: string,
    second: LockOptions | LockGrantedCallback<T>,
    third?: LockGrantedCallback<T>,
  ): Promise<Awaited<T>> {
    const [options, callback] = typeof second === 'function' ? [{}, second] : [second, third];
    if (!callback) return Promise.reject(new TypeError('There is no callback.'));
    const { mode = 'exclusive', ifAvailable = false, steal = false } = options;
    const number = this.#trace.length + 1;
    const point: LockPoint = { number, name: String(name), mode, ifAvailable, steal };
    const fault = this.#strike(point);
    this.#trace.push({ ...point, fault });
    if (fault?.tag === 'lock-never-granted') return refuse(options, callback);
    return this.#ask(point.name, { options, callback, fault });
  }

  #strike(point: LockPoint): LockFault | undefined {
    return this.#planned.pass(({ where: { name, mode, at } }) => {
      if ((name ?? point.name) !== point.name) return false;
      return (mode ?? point.mode) === point.mode && at?.(point) !== false;
    });
  }

  async #ask<T>(
    name: string,
    asked: { options: LockOptions; callback: LockGrantedCallback<T>; fault: LockFault | undefined },
  ): Promise<Awaited<T>> {
    const { options, callback, fault } = asked;
    if (fault?.tag === 'lock-delayed') await sleep(fault.ms);
    return await new Promise((resolve, reject) => {
      const grant = async (lock: Lock | null): Promise<void> => {
        await this.#thawed;
        const run = (async () => await callback(lock))();
        run.then(resolve, reject);
        if (lock) await this.#hold(name, { run, reject, fault });
        else await run.catch(NOTHING);
      };
      this.#genuine.request(name, options, grant).catch(reject);
    });
  }

  /** Ends when the callback does, or when the lock is taken away. */
  async #hold(
    name: string,
    holder: {
      readonly run: Promise<unknown>;
      readonly reject: (error: unknown) => void;
      readonly fault: LockFault | undefined;
    },
  ): Promise<void> {
    const { run, reject, fault } = holder;
    await new Promise<void>((resolve) => {
      const end = (isTold: boolean): void => {
        this.#held.delete(held);
        if (isTold) reject(plannedError('AbortError'));
        resolve();
      };
      const held: Held = { name, end };
      this.#held.add(held);
      run.catch(NOTHING).then(() => end(false), NOTHING);
      if (fault?.tag !== 'lock-released' && fault?.tag !== 'lock-stolen') return;
      setTimeout(end, fault.afterMs ?? 0, fault.tag === 'lock-stolen');
    });
  }

  #end(name: string | undefined, isTold: boolean): void {
    for (const held of [...this.#held]) {
      if (name === undefined || held.name === name) held.end(isTold);
    }
  }
}

const NOTHING = (): void => undefined;

/** Nobody gets it. */
async function refuse<T>(
  options: LockOptions,
  callback: LockGrantedCallback<T>,
): Promise<Awaited<T>> {
  const { signal, ifAvailable = false } = options;
  if (ifAvailable) return await callback(null);
  signal?.throwIfAborted();
  return await new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
