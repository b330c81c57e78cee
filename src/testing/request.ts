/**
 * IDBRequest and IDBOpenDBRequest.
 *
 *   pending ──succeed | fail──▶ done ──again (a cursor moves on)──▶ pending
 */
import { SimulatedEventTarget } from './events.js';
import { exception } from './exceptions.js';
import { graft } from './graft.js';

type Handler<This> = ((this: This, event: Event) => unknown) | null;
type VersionHandler<This> = ((this: This, event: IDBVersionChangeEvent) => unknown) | null;
type Source = IDBObjectStore | IDBIndex | IDBCursor;

/** A request as the idbTx that answers it sees it, whatever its result. */
export interface Answerable extends SimulatedEventTarget {
  succeed(result: unknown): void;
  fail(error: DOMException): void;
  /** Makes a cursor's request wait once more. */
  again(): void;
}

export class SimulatedRequest<T> extends SimulatedEventTarget implements IDBRequest<T> {
  readonly #source: Source | null;
  #transaction: IDBTransaction | null;
  #readyState: IDBRequestReadyState = 'pending';
  #result: unknown;
  #error: DOMException | null = null;

  constructor(source: Source | null, transaction: IDBTransaction | null) {
    super();
    this.#source = source;
    this.#transaction = transaction;
  }

  get readyState(): IDBRequestReadyState {
    return this.#readyState;
  }

  get result(): T {
    if (this.#readyState === 'pending') throw exception('InvalidStateError', 'It is not done yet.');
    return this.#result as T;
  }

  get error(): DOMException | null {
    if (this.#readyState === 'pending') throw exception('InvalidStateError', 'It is not done yet.');
    return this.#error;
  }

  /** Null for an open request, whatever the type says. */
  get source(): Source {
    return this.#source as Source;
  }

  get transaction(): IDBTransaction | null {
    return this.#transaction;
  }

  protected override get above(): EventTarget | null {
    return this.#transaction;
  }

  get onsuccess(): Handler<IDBRequest<T>> {
    return this.handler('success');
  }
  set onsuccess(callback: Handler<IDBRequest<T>>) {
    this.handle('success', callback);
  }
  get onerror(): Handler<IDBRequest<T>> {
    return this.handler('error');
  }
  set onerror(callback: Handler<IDBRequest<T>>) {
    this.handle('error', callback);
  }

  succeed(result: unknown): void {
    this.#readyState = 'done';
    this.#result = result;
    this.#error = null;
  }

  fail(error: DOMException): void {
    this.#readyState = 'done';
    this.#result = undefined;
    this.#error = error;
  }

  again(): void {
    this.#readyState = 'pending';
    this.#result = undefined;
    this.#error = null;
  }

  /** The idbTx an upgrade runs in; null before and after. */
  attach(transaction: IDBTransaction | null): void {
    this.#transaction = transaction;
  }
}
graft(SimulatedRequest, 'IDBRequest');

export class SimulatedOpenRequest
  extends SimulatedRequest<IDBDatabase>
  implements IDBOpenDBRequest
{
  constructor() {
    super(null, null);
  }

  get onblocked(): VersionHandler<IDBOpenDBRequest> {
    return this.handler('blocked');
  }
  set onblocked(callback: VersionHandler<IDBOpenDBRequest>) {
    this.handle('blocked', callback);
  }
  get onupgradeneeded(): VersionHandler<IDBOpenDBRequest> {
    return this.handler('upgradeneeded');
  }
  set onupgradeneeded(callback: VersionHandler<IDBOpenDBRequest>) {
    this.handle('upgradeneeded', callback);
  }
}
graft(SimulatedOpenRequest, 'IDBOpenDBRequest');
