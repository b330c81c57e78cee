/** Hooks over stores, indexes and cursors: each request passes through a maker of requests. */
import { define } from './genuine.js';

/** A request as it is asked for. */
export interface Call {
  readonly method: string;
  readonly store: string;
  readonly key: unknown;
  readonly args: readonly unknown[];
  /** Where the records are. */
  readonly objectStore: IDBObjectStore;
}

export interface Requests {
  /** Makes a request by `issue`, or what a fault puts in its place. */
  request(call: Call, issue: () => IDBRequest): IDBRequest;
  /** A cursor moves: its request is used once more. */
  step(call: Call, request: IDBRequest, issue: () => void): void;
}

const READS = ['get', 'getKey', 'getAll', 'getAllKeys', 'getAllRecords', 'count'];
const CURSORS = ['openCursor', 'openKeyCursor'];
const WRITES = ['add', 'put', 'delete', 'clear'];
const STEPS = ['advance', 'continue', 'continuePrimaryKey'];

type Method = (...args: unknown[]) => unknown;

export class Sources {
  readonly #requests: Requests;
  readonly #hooked = new WeakSet<object>();

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  hookStore(store: IDBObjectStore): IDBObjectStore {
    if (this.#hooked.has(store)) return store;
    this.#hooked.add(store);
    this.#hookMethods(store, store, [...READS, ...CURSORS, ...WRITES]);
    for (const method of ['index', 'createIndex']) {
      cover(store, method, (genuine, args) => this.#hookIndex(genuine(...args) as IDBIndex, store));
    }
    return store;
  }

  #hookIndex(index: IDBIndex, store: IDBObjectStore): IDBIndex {
    if (this.#hooked.has(index)) return index;
    this.#hooked.add(index);
    this.#hookMethods(index, store, [...READS, ...CURSORS]);
    return index;
  }

  #hookMethods(source: object, objectStore: IDBObjectStore, methods: readonly string[]): void {
    for (const method of methods) {
      cover(source, method, (genuine, args) => {
        const key = method === 'add' || method === 'put' ? args[1] : args[0];
        const call = { method, store: objectStore.name, key, args, objectStore };
        return this.#requests.request(call, () => genuine(...args) as IDBRequest);
      });
    }
  }

  /** A request has answered: if it was with a cursor, that is to be hooked. */
  hookResult(request: IDBRequest): void {
    const cursor: unknown = request.result;
    if (typeof cursor !== 'object' || cursor === null || !('continuePrimaryKey' in cursor)) return;
    if (this.#hooked.has(cursor)) return;
    this.#hooked.add(cursor);
    const { source } = cursor as IDBCursor;
    const objectStore = 'objectStore' in source ? source.objectStore : source;
    for (const method of STEPS) {
      cover(cursor, method, (genuine, args) => {
        const call = { method, store: objectStore.name, key: args[0], args, objectStore };
        this.#requests.step(call, request, () => genuine(...args));
        // `idb` makes a promise of what it finds here; others ask for nothing.
        return request;
      });
    }
    for (const method of ['update', 'delete']) {
      cover(cursor, method, (genuine, args) => {
        const key = (cursor as IDBCursor).primaryKey;
        const call = { method, store: objectStore.name, key, args: [key], objectStore };
        return this.#requests.request(call, () => genuine(...args) as IDBRequest);
      });
    }
  }
}

function cover(
  target: object,
  method: string,
  cover: (genuine: Method, args: unknown[]) => unknown,
): void {
  const found: unknown = Reflect.get(target, method);
  if (typeof found !== 'function') return;
  const genuine: Method = (...args) => Reflect.apply(found, target, args);
  define(target, method, (...args: unknown[]) => cover(genuine, args));
}
