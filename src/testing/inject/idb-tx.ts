/**
 * Hooks over one idbTx: its requests, its commit, its end.
 *
 *   I1  A fault at a request strikes when the answer comes; a request that is to fail has no effect.
 *   I2  Answers are delivered in the order they came. Those held back are delivered while a request of
 *       our own (a *probe*) keeps the idbTx open and active, as IndexedDB promises for callbacks.
 *   I3  A probe is placed whenever nothing else is left to do, so that the moment before the idbTx
 *       commits by itself is a point too.
 *   I4  `complete` can be held back for any time: nothing has to stay open for it.
 */
import type { Owner } from './context.js';
import type { Fault } from './faults.js';
import {
  abortWith,
  call,
  define,
  type EventShape,
  failRequest,
  fire,
  plannedError,
  shapeOf,
} from './genuine.js';
import type { Changes } from './history.js';
import { Clock } from './holds.js';
import type { Place, PointEvent } from './points.js';
import type { Scope } from './scope.js';
import { type Call, type Requests, Sources } from './sources.js';
import {
  changesComplete,
  delaysAnswer,
  failsRequest,
  preventsCommit,
  strikesAnswer,
  waitOf,
} from './strikes.js';

/** A request of the code under test that waits for its answer. */
interface Awaited {
  readonly request: IDBRequest;
  readonly place: Place;
  readonly fault: Fault | undefined;
}

interface Answer extends Awaited {
  readonly shape: EventShape;
}

const WRITES: readonly string[] = ['add', 'put', 'delete', 'clear', 'update'];
const NOTHING = (): void => undefined;
const REORDER_ROUNDS = 50;

export class HookedTx implements Requests {
  readonly scope: Scope;
  /** Resolves when it has really ended. */
  readonly ended: Promise<void>;
  readonly #idbTx: IDBTransaction;
  readonly #owner: Owner;
  readonly #sources = new Sources(this);
  readonly #awaited = new Map<IDBRequest, Awaited>();
  readonly #probes = new WeakMap<IDBRequest, (result: unknown) => void>();
  readonly #changes: Changes = [];
  #answers: Answer[] = [];
  /** It ends as soon as its probe is answered. */
  #isEnding = false;
  /** Its commit point is passed. */
  #committed = false;
  /** What happens to `complete`. */
  #ending: Fault | undefined;
  #tellEnded: () => void = NOTHING;

  constructor(owner: Owner, idbTx: IDBTransaction, scope: Scope) {
    this.#owner = owner;
    this.#idbTx = idbTx;
    this.scope = scope;
    this.ended = new Promise((resolve) => {
      this.#tellEnded = resolve;
    });
    define(idbTx, 'objectStore', (name: string) =>
      this.#sources.hookStore(call(idbTx, 'objectStore', name)),
    );
    define(idbTx, 'commit', () => this.#commit());
    define(idbTx, 'abort', () => {
      this.#pass({ kind: 'abort' });
      call(idbTx, 'abort');
    });
  }

  /** A store that the upgrade has made. */
  hookStore(store: IDBObjectStore): IDBObjectStore {
    return this.#sources.hookStore(store);
  }

  request(made: Call, issue: () => IDBRequest): IDBRequest {
    const { method, store, key } = made;
    const place: Place = { ...this.scope, method, store, key, kind: 'request' };
    const fault = this.#pass(place);
    const written = this.#remember(made);
    const request = failsRequest(fault) ? this.#harmless() : issue();
    written(request);
    this.#expect({ request, place, fault });
    return request;
  }

  step(made: Call, request: IDBRequest, issue: () => void): void {
    const { method, store, key } = made;
    const place: Place = { ...this.scope, method, store, key, kind: 'step' };
    const fault = this.#pass(place);
    for (const property of ['error', 'result']) Reflect.deleteProperty(request, property);
    issue();
    this.#expect({ request, place, fault });
  }

  #expect(awaited: Awaited): void {
    this.#awaited.set(awaited.request, awaited);
  }

  /** True while a fault is under way that a commit() would rob of its idbTx. */
  get #isBusy(): boolean {
    if (this.#isEnding || this.#answers.length > 0) return true;
    return [...this.#awaited.values()].some(
      ({ fault }) => strikesAnswer(fault) || delaysAnswer(fault),
    );
  }

  /** Reads what a write may change: for the history. @returns what the write's request goes to */
  #remember({ method, args, objectStore }: Call): (request: IDBRequest) => void {
    const { history } = this.#owner.context;
    if (!history || !WRITES.includes(method)) return NOTHING;
    const ask = (issue: () => IDBRequest, onsuccess: (result: unknown) => void) => {
      this.#probes.set(issue(), onsuccess);
    };
    return history.before(this.#changes, { method, args, store: objectStore }, ask);
  }

  /** A request that does nothing. @throws TransactionInactiveError */
  #harmless(): IDBRequest {
    const [name = ''] = this.#idbTx.objectStoreNames;
    return call(call(this.#idbTx, 'objectStore', name), 'getKey', 0);
  }

  /** I2. @returns false if it takes no requests any more */
  #probe(onsuccess: () => void): boolean {
    try {
      this.#probes.set(this.#harmless(), onsuccess);
      return true;
    } catch {
      return false;
    }
  }

  /** An event of one of its requests, before anybody else hears of it. */
  answered(event: Event): void {
    const request = event.target as IDBRequest;
    const probe = this.#probes.get(request);
    if (probe) {
      event.stopImmediatePropagation();
      if (event.type === 'success') probe(request.result);
      return;
    }
    const awaited = this.#awaited.get(request);
    if (!awaited) return;
    this.#awaited.delete(request);
    if (event.type === 'success') this.#sources.hookResult(request);
    const { fault } = awaited;
    if (this.#mustWait(fault) && !isAborted(event)) {
      event.stopImmediatePropagation();
      // It would abort the idbTx before anybody had a say.
      event.preventDefault();
      this.#hold({ ...awaited, shape: shapeOf(event) });
    } else if (strikesAnswer(fault) && !isAborted(event)) {
      event.stopImmediatePropagation();
      event.preventDefault();
      this.#strike(request, { place: awaited.place, fault });
    } else {
      this.#tell(awaited.place, event.type as PointEvent);
      this.#watchForTheEnd();
    }
  }

  #mustWait(fault: Fault | undefined): boolean {
    return delaysAnswer(fault) || this.#answers.length > 0 || this.#owner.context.holds.isFrozen;
  }

  #hold(answer: Answer): void {
    this.#answers.push(answer);
    if (this.#answers.length > 1) return;
    const { holds } = this.#owner.context;
    const clock = new Clock(waitOf(answer.fault, holds));
    const again = (): void => {
      clock.tick();
      if (!clock.isOver || holds.isFrozen) this.#probe(again);
      else this.#letGo();
    };
    if (this.#probe(again)) return;
    // It is committing: nothing has to be kept open.
    if (holds.isFrozen) holds.queue(() => this.#letGo());
    else holds.hold(() => this.#letGo(), waitOf(answer.fault, holds));
  }

  /** I2: one answer at a time, so that what it starts has its microtasks before the next. */
  #letGo(): void {
    const answer = this.#answers.shift();
    if (!answer) return;
    const { request, place, shape } = answer;
    const isLast = this.#answers.length === 0;
    const isOpen = isLast || this.#probe(() => this.#letGo());
    if (isLast) this.#watchForTheEnd();
    this.#tell(place, shape.type as PointEvent);
    const goesOn = fire(request, shape);
    if (shape.type === 'error' && goesOn) abortWith(this.#idbTx, request.error);
    if (!isOpen) this.#letGo();
  }

  /** I1 */
  #strike(request: IDBRequest, { place, fault }: { place: Place; fault: Fault }): void {
    const name = 'name' in fault ? fault.name : undefined;
    this.#tell(place, 'error');
    if (fault.tag === 'abort' || fault.tag === 'close') {
      // A request that is pending when its idbTx aborts is told so.
      failRequest(request, plannedError('AbortError'));
      if (fault.tag === 'close') this.#owner.forceClose();
      else this.#abort(name ?? null);
      return;
    }
    const quota = fault.tag === 'quota-at-put' ? 'QuotaExceededError' : undefined;
    const error = plannedError(quota ?? name ?? 'UnknownError');
    this.#watchForTheEnd();
    if (failRequest(request, error)) abortWith(this.#idbTx, error);
  }

  /** What a browser does when it takes the connection away. */
  forceAbort(): void {
    this.#abort('AbortError');
  }

  #abort(name: string | null): void {
    abortWith(this.#idbTx, name === null ? null : plannedError(name));
  }

  #commit(): void {
    if (this.#isBusy) return;
    this.#committed = true;
    const fault = this.#pass({ kind: 'commit', method: 'commit' });
    if (changesComplete(fault)) this.#ending = fault;
    // Requests are served in order: when the probe is, all others have succeeded.
    if (preventsCommit(fault) && this.#probe(() => this.#end(fault))) this.#isEnding = true;
    else call(this.#idbTx, 'commit');
  }

  #end(fault: Fault): void {
    if (fault.tag === 'close') this.#owner.forceClose();
    else if (fault.tag === 'abort-at-commit') this.#abort(fault.name ?? null);
    else this.#abort('QuotaExceededError');
  }

  /** I3: called when an answer is about to be delivered, so while requests are taken. */
  #watchForTheEnd(): void {
    const isLast = () => this.#awaited.size === 0 && !this.#isBusy;
    if (!isLast() || this.#committed || this.scope.mode === 'readonly') return;
    this.#probe(() => {
      if (!isLast() || this.#committed) return;
      this.#committed = true;
      const fault = this.#pass({ kind: 'commit', method: 'auto' });
      if (changesComplete(fault)) this.#ending = fault;
      else if (preventsCommit(fault)) this.#end(fault);
    });
  }

  completed(event: Event): void {
    const { history, holds } = this.#owner.context;
    const isDurable = this.#idbTx.durability === 'strict' || this.scope.mode === 'versionchange';
    if (this.scope.mode !== 'readonly') {
      history?.completed(this.scope.database, this.#changes, isDurable);
    }
    this.#over();
    const ending = this.#ending;
    const wait = ending && this.#waitToComplete(ending);
    const shape = shapeOf(event);
    const deliver = () => {
      this.#tellComplete();
      fire(this.#idbTx, shape);
    };
    if (ending?.tag === 'close-after-landing') this.#silence(event);
    else if (holds.isFrozen) {
      event.stopImmediatePropagation();
      holds.queue(deliver);
    } else if (wait) {
      event.stopImmediatePropagation();
      holds.hold(deliver, wait, this.scope);
    } else this.#tellComplete();
  }

  #waitToComplete(ending: Fault) {
    const { holds } = this.#owner.context;
    if (ending.tag !== 'reorder') return waitOf(ending, holds);
    return { rounds: ending.rounds ?? REORDER_ROUNDS, until: holds.overtaken(this.scope) };
  }

  #tellComplete(): void {
    this.#tell({ ...this.scope, kind: 'event' }, 'complete');
    this.#owner.context.holds.completed(this.scope);
  }

  /** It landed, and its connection goes before anybody knows. */
  #silence(complete: Event): void {
    complete.stopImmediatePropagation();
    define(this.#idbTx, 'error', plannedError('AbortError'));
    this.#tell({ ...this.scope, kind: 'event' }, 'abort');
    fire(this.#idbTx, { type: 'abort', bubbles: true, cancelable: false });
    this.#owner.forceClose();
  }

  aborted(event: Event): void {
    const { holds } = this.#owner.context;
    const answers = this.#answers;
    this.#answers = [];
    this.#over();
    const deliver = () => {
      for (const { request, place } of answers) {
        this.#tell(place, 'error');
        failRequest(request, plannedError('AbortError'));
      }
      this.#tell({ ...this.scope, kind: 'event' }, 'abort');
    };
    if (!holds.isFrozen) {
      deliver();
      return;
    }
    const shape = shapeOf(event);
    event.stopImmediatePropagation();
    holds.queue(() => {
      deliver();
      fire(this.#idbTx, shape);
    });
  }

  #over(): void {
    this.#committed = true;
    this.#owner.forget(this.#idbTx);
    this.#tellEnded();
  }

  /** Numbers an event that is about to be delivered. */
  #tell(place: Place, event: PointEvent): void {
    this.#owner.context.holds.flushBefore(this.scope);
    this.#pass({ ...place, kind: 'event', event });
  }

  /** @returns the fault that is left to be injected */
  #pass(place: Place): Fault | undefined {
    const fault = this.#owner.context.pass({ ...this.scope, ...place });
    return this.#owner.strikeNow(fault, place.kind) ? undefined : fault;
  }
}

/** True for an error that only tells of the idbTx's end. */
function isAborted({ type, target }: Event): boolean {
  return type === 'error' && (target as IDBRequest).error?.name === 'AbortError';
}
