/** IDBIndex. */
import { openCursor } from './cursor.js';
import { exception } from './exceptions.js';
import { graft } from './graft.js';
import type { TransactionPort } from './port.js';
import { count, get, getAll, getAllKeys, getAllRecords, getKey, type Source } from './queries.js';
import type { IndexState } from './state.js';

/** What an index needs of its store. */
export interface IndexOwner {
  readonly port: TransactionPort;
  readonly storeId: number;
  readonly name: string;
  readonly deleted: boolean;
  readonly api: IDBObjectStore;
  renameIndex(state: IndexState, from: string, to: string): void;
}

export class SimulatedIndex implements IDBIndex, Source {
  readonly port: TransactionPort;
  readonly storeId: number;
  readonly keyPath: string | string[];
  readonly multiEntry: boolean;
  readonly unique: boolean;
  /** Deleted by the upgrade that this handle belongs to. */
  deleted = false;
  readonly #store: IndexOwner;
  readonly #state: IndexState;
  readonly #created: boolean;
  #name: string;

  constructor(store: IndexOwner, state: IndexState, created: boolean) {
    this.#store = store;
    this.#state = state;
    this.#created = created;
    this.#name = state.name;
    this.port = store.port;
    this.storeId = store.storeId;
    this.keyPath = typeof state.keyPath === 'string' ? state.keyPath : [...state.keyPath];
    this.multiEntry = state.multiEntry;
    this.unique = state.unique;
  }

  get api(): IDBIndex {
    return this;
  }
  get objectStore(): IDBObjectStore {
    return this.#store.api;
  }
  get storeName(): string {
    return this.#store.name;
  }

  get name(): string {
    return this.#name;
  }
  set name(value: string) {
    const name = String(value);
    if (this.deleted) throw exception('InvalidStateError', 'The index has been deleted.');
    this.#store.renameIndex(this.#state, this.#name, name);
    this.#name = name;
  }

  assertUsable(): void {
    if (this.deleted || this.#store.deleted) {
      throw exception('InvalidStateError', 'The index or its store has been deleted.');
    }
    this.port.assertActive();
  }

  rows(): IndexState['rows'] {
    const index = this.port.read(this.storeId).indexes.get(this.#state.id);
    if (!index) throw exception('InvalidStateError', 'The index has been deleted.');
    return index.rows;
  }

  /** The upgrade was aborted. */
  revert(): void {
    this.#name = this.#state.name;
    this.deleted = this.#created;
  }

  get(query: IDBValidKey | IDBKeyRange): IDBRequest<unknown> {
    return get(this, query);
  }
  getKey(query: IDBValidKey | IDBKeyRange): IDBRequest<IDBValidKey | undefined> {
    return getKey(this, query);
  }
  getAll(query?: unknown, countMax?: number): IDBRequest<unknown[]> {
    return getAll(this, query, countMax);
  }
  getAllKeys(query?: unknown, countMax?: number): IDBRequest<IDBValidKey[]> {
    return getAllKeys(this, query, countMax);
  }
  getAllRecords(options?: unknown): IDBRequest<unknown[]> {
    return getAllRecords(this, options);
  }
  count(query?: IDBValidKey | IDBKeyRange): IDBRequest<number> {
    return count(this, query);
  }
  openCursor(
    query?: IDBValidKey | IDBKeyRange | null,
    direction?: IDBCursorDirection,
  ): IDBRequest<IDBCursorWithValue | null> {
    return openCursor<IDBCursorWithValue>(this, { query, direction, withValue: true });
  }
  openKeyCursor(
    query?: IDBValidKey | IDBKeyRange | null,
    direction?: IDBCursorDirection,
  ): IDBRequest<IDBCursor | null> {
    return openCursor<IDBCursor>(this, { query, direction, withValue: false });
  }
}
graft(SimulatedIndex, 'IDBIndex');
