/** IDBObjectStore: checks what is asked at once, queues the rest. */
import { openCursor } from './cursor.js';
import { exception } from './exceptions.js';
import { graft } from './graft.js';
import { SimulatedIndex } from './index-handle.js';
import { extractKey, injectKey, isInjectable, isKeyPath, type KeyPath } from './key-path.js';
import { describeBounds, toBounds } from './key-range.js';
import { describeKey, fromKey, type Key, requireKey } from './keys.js';
import type { TransactionPort } from './port.js';
import { count, get, getAll, getAllKeys, getAllRecords, getKey, type Source } from './queries.js';
import type { SimulatedRequest } from './request.js';
import { Sorted } from './sorted.js';
import {
  clearRecords,
  deleteRecords,
  fillIndex,
  freshId,
  generateKey,
  type IndexState,
  passKey,
  putRecord,
  type StoreState,
} from './state.js';
import { StringList } from './string-list.js';
import { adopt, fingerprint } from './values.js';

/** A record ready to be stored, but for a generated key. */
interface Prepared {
  readonly data: unknown;
  readonly key: Key | undefined;
}

export class SimulatedObjectStore implements IDBObjectStore, Source {
  readonly port: TransactionPort;
  readonly storeId: number;
  readonly autoIncrement: boolean;
  readonly keyPath: string | string[] | null;
  /** Deleted by the upgrade that this handle belongs to. */
  deleted = false;
  readonly #indexes = new Map<string, IndexState>();
  readonly #handles = new Map<number, SimulatedIndex>();
  /** What an aborted upgrade goes back to; undefined for a store it created. */
  readonly #original: StoreState | undefined;
  #name: string;

  constructor(port: TransactionPort, state: StoreState, created = false) {
    this.port = port;
    this.storeId = state.id;
    this.autoIncrement = state.autoIncrement;
    this.keyPath = toOutside(state.keyPath);
    this.#name = state.name;
    this.#original = created ? undefined : state;
    for (const index of state.indexes.values()) this.#indexes.set(index.name, index);
  }

  get api(): IDBObjectStore {
    return this;
  }
  get storeName(): string {
    return this.#name;
  }
  get transaction(): IDBTransaction {
    return this.port;
  }
  get indexNames(): StringList {
    return StringList.sorted(this.#indexes.keys());
  }

  get name(): string {
    return this.#name;
  }
  set name(value: string) {
    const name = String(value);
    this.#assertUpgrade();
    if (name === this.#name) return;
    this.port.renameStore(this.#name, name);
    this.#name = name;
    this.port.alter('rename', () => this.port.write({ ...this.port.read(this.storeId), name }));
  }

  assertUsable(): void {
    if (this.deleted) throw exception('InvalidStateError', 'The store has been deleted.');
    this.port.assertActive();
  }

  rows(): StoreState['records'] {
    return this.port.read(this.storeId).records;
  }

  add(value: unknown, key?: IDBValidKey): IDBRequest<IDBValidKey> {
    return this.#store('add', value, key);
  }
  put(value: unknown, key?: IDBValidKey): IDBRequest<IDBValidKey> {
    return this.#store('put', value, key);
  }

  #store(name: 'add' | 'put', value: unknown, key: unknown): SimulatedRequest<IDBValidKey> {
    this.#assertWritable();
    const { data, key: given } = this.#prepare(value, key);
    let stored = given;
    return this.port.place<IDBValidKey>(this, {
      name,
      store: this.#name,
      detail: () =>
        `${this.#name} ${stored === undefined ? '?' : describeKey(stored)} ${fingerprint(data)}`,
      run: () => {
        stored = storeRecord(this, { data, key: given }, name === 'put');
        return fromKey(stored);
      },
    });
  }

  #prepare(value: unknown, key: unknown): Prepared {
    const { keyPath, autoIncrement } = this;
    if (keyPath !== null && key !== undefined) {
      throw exception('DataError', 'The store uses in-line keys and a key was given.');
    }
    if (keyPath === null && !autoIncrement && key === undefined) {
      throw exception('DataError', 'The store uses out-of-line keys and no key was given.');
    }
    const given = key === undefined ? undefined : requireKey(key);
    const data = this.port.cloneIn(value);
    if (keyPath === null) return { data, key: given };
    const found = extractKey(data, keyPath);
    if (found.tag === 'key') return { data, key: found.key };
    const canGenerate =
      found.tag === 'none' &&
      autoIncrement &&
      typeof keyPath === 'string' &&
      isInjectable(data, keyPath);
    if (!canGenerate) throw exception('DataError', 'The key path of the store yields no key.');
    return { data, key: undefined };
  }

  delete(query: IDBValidKey | IDBKeyRange): IDBRequest<undefined> {
    this.#assertWritable();
    const bounds = toBounds(query, true);
    return this.port.place<undefined>(this, {
      name: 'delete',
      store: this.#name,
      detail: () => `${this.#name} ${describeBounds(bounds)}`,
      run: () => this.port.write(deleteRecords(this.port.read(this.storeId), bounds)),
    });
  }

  clear(): IDBRequest<undefined> {
    this.#assertWritable();
    return this.port.place<undefined>(this, {
      name: 'clear',
      store: this.#name,
      detail: () => this.#name,
      run: () => this.port.write(clearRecords(this.port.read(this.storeId))),
    });
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

  index(name: string): IDBIndex {
    if (this.deleted || this.port.finished) {
      throw exception('InvalidStateError', 'The store is deleted or the transaction has finished.');
    }
    const state = this.#indexes.get(String(name));
    if (!state) throw exception('NotFoundError', `Store "${this.#name}" has no index "${name}".`);
    return this.#indexHandle(state);
  }

  #indexHandle(state: IndexState, created = false): SimulatedIndex {
    let handle = this.#handles.get(state.id);
    if (!handle) {
      handle = new SimulatedIndex(this, state, created);
      this.#handles.set(state.id, handle);
    }
    return handle;
  }

  createIndex(
    name: string,
    keyPath: string | Iterable<string>,
    options: IDBIndexParameters = {},
  ): IDBIndex {
    const path = typeof keyPath === 'object' ? [...keyPath].map(String) : String(keyPath);
    const { unique = false, multiEntry = false } = options;
    this.#assertUpgrade();
    const indexName = String(name);
    if (this.#indexes.has(indexName)) {
      throw exception('ConstraintError', `Index "${indexName}" exists.`);
    }
    if (!isKeyPath(path)) throw exception('SyntaxError', 'The key path is not valid.');
    if (multiEntry && typeof path === 'object') {
      throw exception('InvalidAccessError', 'A multiEntry index cannot have an array key path.');
    }
    const rows: IndexState['rows'] = Sorted.empty();
    const id = freshId();
    const parts = { id, name: indexName, keyPath: path, filled: false, rows };
    const state: IndexState = {
      ...parts,
      unique: Boolean(unique),
      multiEntry: Boolean(multiEntry),
    };
    this.#indexes.set(indexName, state);
    this.port.alter('createIndex', () =>
      this.port.write(fillIndex(this.port.read(this.storeId), state)),
    );
    return this.#indexHandle(state, true);
  }

  deleteIndex(name: string): void {
    this.#assertUpgrade();
    const state = this.#indexes.get(String(name));
    if (!state) throw exception('NotFoundError', `Store "${this.#name}" has no index "${name}".`);
    this.#indexHandle(state).deleted = true;
    this.#indexes.delete(state.name);
    this.port.alter('deleteIndex', () => {
      const store = this.port.read(this.storeId);
      const indexes = new Map(store.indexes);
      indexes.delete(state.id);
      this.port.write({ ...store, indexes });
    });
  }

  renameIndex(state: IndexState, from: string, to: string): void {
    this.#assertUpgrade();
    if (from === to) return;
    if (this.#indexes.has(to)) throw exception('ConstraintError', `Index "${to}" exists.`);
    this.#indexes.delete(from);
    this.#indexes.set(to, { ...state, name: to });
    this.port.alter('renameIndex', () => {
      const store = this.port.read(this.storeId);
      const index = store.indexes.get(state.id);
      if (!index) return;
      const indexes = new Map(store.indexes).set(state.id, { ...index, name: to });
      this.port.write({ ...store, indexes });
    });
  }

  /** The upgrade was aborted: names and indexes are what they were. */
  revert(): void {
    this.#indexes.clear();
    for (const handle of this.#handles.values()) handle.revert();
    if (!this.#original) {
      this.deleted = true;
      return;
    }
    this.deleted = false;
    this.#name = this.#original.name;
    for (const index of this.#original.indexes.values()) this.#indexes.set(index.name, index);
  }

  #assertWritable(): void {
    this.assertUsable();
    if (this.port.mode !== 'readonly') return;
    throw exception('ReadOnlyError', 'The transaction is read-only.');
  }

  #assertUpgrade(): void {
    if (!this.port.isUpgrade) {
      throw exception('InvalidStateError', 'Only an upgrade can change the schema.');
    }
    this.assertUsable();
  }
}
graft(SimulatedObjectStore, 'IDBObjectStore');

/** Stores a record; @returns its key. @throws ConstraintError */
export function storeRecord(
  store: SimulatedObjectStore,
  prepared: Prepared,
  overwrite: boolean,
): Key {
  const { port, keyPath } = store;
  const { data } = prepared;
  let { key } = prepared;
  let state = port.read(store.storeId);
  if (key === undefined) {
    const generated = generateKey(state);
    key = generated.key;
    state = generated.next;
    if (typeof keyPath === 'string') injectKey(data, keyPath, generated.key);
  } else {
    state = passKey(state, key);
  }
  const record = { key, primaryKey: key, value: adopt(data) };
  port.write(putRecord(state, record, { overwrite }));
  return key;
}

function toOutside(path: KeyPath | null): string | string[] | null {
  return typeof path === 'string' || path === null ? path : [...path];
}
