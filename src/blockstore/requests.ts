/**
 * The requests of one idbTx, counted and watched.
 *
 *   I4  Only `complete` resolves a write; `abort` is always wired.
 *   I9  What waits for an answer waits no longer than the watchdog does.
 */
import type { KeyBounds, StoreName } from '../format/keys.js';
import type { Watch } from './watchdog.js';

/** Counts of what was asked of IndexedDB. */
export interface RequestCounters {
  requests: number;
  transactions: number;
  /** Of all values that were handed over, whatever became of their idbTxs. */
  bytesWritten: number;
}

/** The value of one request. */
export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Each method but the last two is one request. */
export class Requests {
  readonly tx: IDBTransaction;
  readonly #counters: RequestCounters;
  readonly #watch: Watch;

  constructor(tx: IDBTransaction, counters: RequestCounters, watch: Watch) {
    this.tx = tx;
    this.#counters = counters;
    this.#watch = watch;
    counters.transactions++;
  }

  #store(name: StoreName): IDBObjectStore {
    this.#counters.requests++;
    return this.tx.objectStore(name);
  }

  get(store: StoreName, key: IDBValidKey): IDBRequest<unknown> {
    return this.#store(store).get(key);
  }
  getKey(store: StoreName, bounds: KeyBounds): IDBRequest<IDBValidKey | undefined> {
    return this.#store(store).getKey(rangeOf(bounds));
  }
  getAll(store: StoreName, bounds: KeyBounds, countMax?: number): IDBRequest<unknown[]> {
    return this.#store(store).getAll(rangeOf(bounds), countMax);
  }
  getAllKeys(store: StoreName, bounds?: KeyBounds, countMax?: number): IDBRequest<IDBValidKey[]> {
    return this.#store(store).getAllKeys(bounds ? rangeOf(bounds) : undefined, countMax);
  }
  count(store: StoreName, bounds: KeyBounds): IDBRequest<number> {
    return this.#store(store).count(rangeOf(bounds));
  }
  add(store: StoreName, key: IDBValidKey, value: ArrayBuffer): IDBRequest<IDBValidKey> {
    this.#counters.bytesWritten += value.byteLength;
    return this.#store(store).add(value, key);
  }
  put(store: StoreName, key: IDBValidKey, value: ArrayBuffer): IDBRequest<IDBValidKey> {
    this.#counters.bytesWritten += value.byteLength;
    return this.#store(store).put(value, key);
  }
  delete(store: StoreName, keyOrBounds: string | KeyBounds): IDBRequest<undefined> {
    const query = typeof keyOrBounds === 'string' ? keyOrBounds : rangeOf(keyOrBounds);
    return this.#store(store).delete(query);
  }

  /** I4: resolves on `complete`, rejects on `abort`: never on a request's success. */
  completion(): Promise<void> {
    const { tx } = this;
    const ended = new Promise<void>((resolve, reject) => {
      tx.oncomplete = () => resolve();
      tx.onabort = () => reject(tx.error ?? new DOMException('idbTx aborted', 'AbortError'));
    });
    return this.inTime(ended);
  }

  /** I9: `answer`, or a rejection if nothing happens in this idbTx any more. */
  inTime<T>(answer: Promise<T>): Promise<T> {
    return Promise.race([answer, this.#watch.overdue]);
  }
}

/** A key range from inclusive bounds. */
function rangeOf(bounds: KeyBounds): IDBKeyRange {
  return IDBKeyRange.bound(bounds[0], bounds[1]);
}

/** Aborts an idbTx that may have ended already. */
export function abort(tx: IDBTransaction): void {
  try {
    tx.abort();
  } catch {
    // Ended: there is nothing left to abort.
  }
}
