/**
 * IDBTransaction: takes requests while it is active, carries them out one per turn, commits in steps.
 *
 *   I1  Requests are taken only while active: in the task that made it, and in its requests' callbacks.
 *   I2  Requests are carried out in order, on a private view; others see all of it or nothing.
 *   I3  A commit is three turns, and a crash can fall between any two of them: the window opens,
 *       the medium has it, `complete`. `abort` fires instead if it fails in the first one.
 *   I4  A strict idbTx that wrote something is durable from its `complete` turn on.
 *
 *   active ◀──a request's event──▶ inactive ──nothing left to do, or commit()──▶ committing
 *      └──────────┬──────────────────┘                                               │
 *               abort                                                    abort ◀─────┴─▶ complete
 *                 └──▶ finished ◀────────────────────────────────────────────┴───────────┘
 */
import { CommitWindow } from './commit-window.js';
import { SimulatedEvent, type SimulatedEventTarget } from './events.js';
import { exception } from './exceptions.js';
import { graft } from './graft.js';
import { afterMicrotasks } from './host.js';
import type { Operation, TransactionPort } from './port.js';
import { type Answerable, SimulatedRequest } from './request.js';
import type { InFlight } from './settings.js';
import type { StoreState } from './state.js';
import { StoreHandles } from './store-handles.js';
import type { StringList } from './string-list.js';
import { TransactionEvents } from './transaction-events.js';
import type { After } from './turns.js';
import { clone } from './values.js';
import { TransactionView } from './view.js';
import type { Hub, Scheduled, World } from './world.js';

type State = 'active' | 'inactive' | 'committing' | 'finished';

interface Queued extends Operation {
  readonly request: Answerable | undefined;
}

/** What an idbTx needs of the connection it belongs to. */
export interface Owner {
  readonly world: World;
  readonly hub: Hub;
  readonly api: IDBDatabase;
  readonly target: SimulatedEventTarget;
  /** It aborts; no event has fired yet. */
  aborting(idbTx: SimulatedTransaction): void;
  /** It is over: nothing of it will fire any more. */
  ended(idbTx: SimulatedTransaction, committed: boolean): void;
}

export interface TransactionOptions {
  /** Ids by name: the stores in scope. */
  readonly stores: ReadonlyMap<string, number>;
  readonly mode: IDBTransactionMode;
  readonly durability: IDBTransactionDurability;
  /** The version an upgrade leads to. */
  readonly version?: number;
}

export class SimulatedTransaction extends TransactionEvents implements Scheduled, TransactionPort {
  readonly mode: IDBTransactionMode;
  readonly durability: IDBTransactionDurability;
  readonly scope: Set<number>;
  readonly handles: StoreHandles;
  readonly #number: number;
  readonly #owner: Owner;
  readonly #world: World;
  readonly #version: number | undefined;
  readonly #queue: Queued[] = [];
  readonly #window: CommitWindow;
  #state: State = 'active';
  #started = false;
  /** True from when the first turn of the commit is posted. */
  #committing = false;
  #commitStep = 'commit begins';
  #view: TransactionView;
  #error: DOMException | null = null;

  constructor(owner: Owner, options: TransactionOptions) {
    super();
    this.#owner = owner;
    this.#world = owner.world;
    this.mode = options.mode;
    this.durability = options.durability;
    this.#version = options.version;
    this.scope = new Set(options.stores.values());
    this.handles = new StoreHandles(this, options.stores, (id) =>
      owner.hub.log.head?.stores.get(id),
    );
    this.#view = new TransactionView(undefined, this.scope, undefined);
    this.#window = new CommitWindow(owner.hub.log);
    this.#world.idbTxCount++;
    this.#number = this.#world.idbTxCount;
    owner.hub.enter(this);
    // An upgrade is active while `upgradeneeded` goes round; whoever fires that says when it ends.
    if (!this.isUpgrade) afterMicrotasks(() => this.rest());
  }

  get db(): IDBDatabase {
    return this.#owner.api;
  }
  get error(): DOMException | null {
    return this.#error;
  }
  get objectStoreNames(): StringList {
    return this.handles.names;
  }
  get started(): boolean {
    return this.#started;
  }
  get finished(): boolean {
    return this.#state === 'finished';
  }
  get isUpgrade(): boolean {
    return this.mode === 'versionchange';
  }

  objectStore(name: string): IDBObjectStore {
    if (this.finished) throw exception('InvalidStateError', 'The transaction has finished.');
    return this.handles.named(String(name));
  }

  abort(): void {
    if (this.#state === 'committing' || this.#state === 'finished') {
      throw exception('InvalidStateError', 'The transaction is committing or has finished.');
    }
    this.fail(null);
  }

  commit(): void {
    if (this.#state !== 'active') {
      throw exception('InvalidStateError', 'The transaction is not active.');
    }
    this.#state = 'committing';
    this.#commitWhenDone();
  }

  assertActive(): void {
    if (this.#state === 'active') return;
    throw exception('TransactionInactiveError', 'The transaction is not active.');
  }

  /** A store that this upgrade creates. */
  createStore(state: StoreState): IDBObjectStore {
    const handle = this.handles.create(state);
    this.scope.add(state.id);
    this.alter('createObjectStore', () => this.write(state));
    return handle;
  }

  /** Takes a store out of the schema; what was asked of it before is still done. */
  deleteStore(name: string): void {
    const id = this.handles.remove(name);
    this.alter('deleteObjectStore', () => this.#view.remove(id));
  }

  renameStore(from: string, to: string): void {
    this.handles.rename(from, to);
  }

  read(store: number): StoreState {
    const state = this.#view.get(store);
    if (!state) throw exception('InvalidStateError', 'The store has been deleted.');
    return state;
  }

  write(store: StoreState): void {
    this.#view.set(store);
  }

  cloneIn(value: unknown): unknown {
    const before = this.#state;
    this.#state = 'inactive';
    try {
      return clone(value);
    } finally {
      if (this.#state === 'inactive') this.#state = before;
    }
  }

  place<T>(
    source: IDBObjectStore | IDBIndex | IDBCursor,
    operation: Operation,
  ): SimulatedRequest<T> {
    const request = new SimulatedRequest<T>(source, this);
    this.placeAgain(request, operation);
    return request;
  }

  placeAgain(request: Answerable, operation: Operation): void {
    this.assertActive();
    this.#enqueue({ ...operation, request });
  }

  alter(name: string, run: () => unknown): void {
    this.#enqueue({ name, run, detail: () => '', request: undefined });
  }

  #enqueue(operation: Queued): void {
    this.#queue.push(operation);
    if (this.#started) this.#postNext();
  }

  /** Its turn has come: nothing it must wait for is left. */
  start(): void {
    this.#started = true;
    this.#view = new TransactionView(this.#owner.hub.log.head, this.scope, this.#version);
    for (const _ of this.#queue) this.#postNext();
    this.#commitWhenDone();
  }

  #post(what: () => string, run: () => Promise<After | undefined> | After | undefined): void {
    const { name } = this.#owner.hub;
    const describe = () => `${name} #${this.#number} ${this.mode} ${what()}`;
    this.#world.turns.post(this, describe, run);
  }

  #postNext(): void {
    let done: Queued | undefined;
    let how = '';
    this.#post(
      () => `${done?.name} ${done?.detail()}${how}`,
      () => {
        done = this.#queue.shift();
        if (!done) return undefined;
        try {
          const result = this.#carryOut(done);
          return done.request ? this.#succeed(done.request, result) : () => this.rest();
        } catch (error) {
          if (!(error instanceof DOMException)) throw error;
          how = ` → ${error.name}`;
          if (done.request) return this.#answerWithError(done.request, error);
          this.fail(error);
          return undefined;
        }
      },
    );
  }

  /** Does it on the view; what fails leaves the view as it was. */
  #carryOut(operation: Queued): unknown {
    const { name, store = '', request } = operation;
    const { faults, quota } = this.#world;
    const site = { database: this.#owner.hub.name, store, operation: name, mode: this.mode };
    const fault = request && faults.request?.(site);
    if (fault) throw fault;
    const goBack = this.#view.save();
    const result = operation.run();
    if (quota?.noticedAt === 'put' && this.#exceeds(quota.bytes)) {
      goBack();
      throw exception('QuotaExceededError', 'The quota is used up.');
    }
    return result;
  }

  /** Only what grows can be too much: deleting always works. */
  #exceeds(bytes: number): boolean {
    const { growth } = this.#view;
    return growth > 0 && this.#world.medium.bytes + growth > bytes;
  }

  async #succeed(request: Answerable, result: unknown): Promise<After> {
    request.succeed(result);
    return await this.#fire(request, new SimulatedEvent('success'));
  }

  async #answerWithError(request: Answerable, error: DOMException): Promise<After> {
    request.fail(error);
    const event = new SimulatedEvent('error', { bubbles: true, cancelable: true });
    return await this.#fire(request, event, error);
  }

  /** Fires a request's event; while it goes round, the idbTx takes requests. */
  async #fire(request: Answerable, event: SimulatedEvent, error?: DOMException): Promise<After> {
    if (this.#state === 'inactive') this.#state = 'active';
    const threw = await event.travel([request, this, this.#owner.target]);
    return () => {
      if (this.finished) return;
      if (threw) this.fail(exception('AbortError', 'A listener threw.'));
      else if (error && !event.defaultPrevented) this.fail(error);
      else this.rest();
    };
  }

  /** I1: the task that made it, or the callback, is over. */
  rest(): void {
    if (this.#state === 'active') this.#state = 'inactive';
    this.#commitWhenDone();
  }

  #commitWhenDone(): void {
    const idle = this.#state === 'inactive' || this.#state === 'committing';
    if (!idle || !this.#started || this.#committing || this.#queue.length > 0) return;
    this.#committing = true;
    if (this.mode === 'readonly') this.#postComplete();
    else
      this.#post(
        () => this.#commitStep,
        () => this.#beginCommit(),
      );
  }

  #beginCommit(): undefined {
    this.#state = 'committing';
    const failure = this.#whyNot();
    if (failure) {
      this.#commitStep = `commit → ${failure.name}`;
      this.fail(failure);
      return;
    }
    this.#window.open(this.#view);
    this.#post(
      () => 'commit lands',
      () => {
        this.#window.land();
        this.#postComplete();
        return undefined;
      },
    );
  }

  #whyNot(): DOMException | undefined {
    const { mode, durability, objectStoreNames: stores } = this;
    const { faults, quota } = this.#world;
    const database = this.#owner.hub.name;
    const fault = faults.commit?.({ database, stores: [...stores], mode, durability });
    if (fault) return fault;
    if (!quota || !this.#exceeds(quota.bytes)) return undefined;
    return exception('QuotaExceededError', 'The quota is used up.');
  }

  #postComplete(): void {
    this.#post(
      () => 'complete',
      async () => {
        this.#state = 'finished';
        this.#window.settle(this.durability);
        this.#owner.hub.leave(this);
        await new SimulatedEvent('complete').travel([this, this.#owner.target]);
        return () => this.#owner.ended(this, true);
      },
    );
  }

  /** Aborts. Each request still waiting gets its error in a turn of its own, then `abort` fires. */
  fail(error: DOMException | null): void {
    if (this.finished) return;
    this.#state = 'finished';
    this.#error = error;
    this.#window.close(false);
    this.#world.turns.cancel(this);
    if (this.isUpgrade) this.handles.revert();
    this.#owner.aborting(this);
    for (const { request, name } of this.#queue.splice(0)) {
      if (request) this.#postAbortedRequest(request, name);
    }
    this.#post(
      () => `abort ${error?.name ?? ''}`,
      async () => {
        this.#owner.hub.leave(this);
        const event = new SimulatedEvent('abort', { bubbles: true });
        await event.travel([this, this.#owner.target]);
        return () => this.#owner.ended(this, false);
      },
    );
  }

  #postAbortedRequest(request: Answerable, name: string): void {
    this.#post(
      () => `${name} → AbortError`,
      async () => {
        request.fail(exception('AbortError', 'The transaction was aborted.'));
        const event = new SimulatedEvent('error', { bubbles: true, cancelable: true });
        await event.travel([request, this, this.#owner.target]);
        return undefined;
      },
    );
  }

  /** Its connection is closed by force: what is in its window lands or is lost. */
  forceAbort(inFlight: InFlight): void {
    if (this.#window.isOpen) this.#window.close(this.#world.lands(inFlight));
    this.fail(exception('AbortError', 'The connection was closed.'));
  }

  /** Its tab is gone: it ends without a sound. */
  die(inFlight: InFlight): void {
    if (this.#window.isOpen) this.#window.close(this.#world.lands(inFlight));
    this.#state = 'finished';
    this.#queue.length = 0;
    this.#world.turns.cancel(this);
    this.#owner.hub.leave(this);
  }
}
graft(SimulatedTransaction, 'IDBTransaction');
