/**
 * The volume's one IndexedDB connection: opened, upgraded, checked, and opened anew when it is lost.
 *
 *   I4  Only `complete` resolves a write; `abort` is always wired.
 *   I9  A lost connection is reopened at most REOPEN_MAX times per call.
 *
 *   closed ──open──▶ open ──lost (close, InvalidStateError, versionchange)──▶ closed
 *      └────────────────────shut────────────────────────▶ shut
 */
import { type IDBPDatabase, unwrap, wrap } from 'idb';
import {
  BlockStoreError,
  ConnectionLostError,
  FormatVersionError,
  fromDomException,
  isConnectionLoss,
  NotAVolumeError,
} from '../errors.js';
import { encodeVolume } from '../format/files.js';
import {
  FORMAT_VERSION,
  type KeyBounds,
  STORES,
  type StoreName,
  VOLUME_KEY,
} from '../format/keys.js';

const REOPEN_MAX = 3;

export interface ConnectionOptions {
  readonly name: string;
  readonly factory: IDBFactory;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Counts of what was asked of IndexedDB. */
export interface ConnectionCounters {
  requests: number;
  transactions: number;
  reopens: number;
}

/** Requests of one idbTx; each method is one request. */
export interface Requests {
  readonly tx: IDBTransaction;
  get(store: StoreName, key: IDBValidKey): IDBRequest<unknown>;
  getKey(store: StoreName, bounds: KeyBounds): IDBRequest<IDBValidKey | undefined>;
  getAll(store: StoreName, bounds: KeyBounds, countMax?: number): IDBRequest<unknown[]>;
  getAllKeys(store: StoreName, bounds?: KeyBounds, countMax?: number): IDBRequest<IDBValidKey[]>;
  count(store: StoreName, bounds: KeyBounds): IDBRequest<number>;
  add(store: StoreName, key: IDBValidKey, value: ArrayBuffer): IDBRequest<IDBValidKey>;
  put(store: StoreName, key: IDBValidKey, value: ArrayBuffer): IDBRequest<IDBValidKey>;
  delete(store: StoreName, keyOrBounds: string | KeyBounds): IDBRequest<undefined>;
}

/** A key range from inclusive bounds. */
function rangeOf(bounds: KeyBounds): IDBKeyRange {
  return IDBKeyRange.bound(bounds[0], bounds[1]);
}

class CountedRequests implements Requests {
  readonly tx: IDBTransaction;
  readonly #counters: ConnectionCounters;

  constructor(tx: IDBTransaction, counters: ConnectionCounters) {
    this.tx = tx;
    this.#counters = counters;
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
    return this.#store(store).add(value, key);
  }
  put(store: StoreName, key: IDBValidKey, value: ArrayBuffer): IDBRequest<IDBValidKey> {
    return this.#store(store).put(value, key);
  }
  delete(store: StoreName, keyOrBounds: string | KeyBounds): IDBRequest<undefined> {
    const query = typeof keyOrBounds === 'string' ? keyOrBounds : rangeOf(keyOrBounds);
    return this.#store(store).delete(query);
  }
}

/** The value of one request. */
export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Resolves on `complete`, rejects on `abort`: never on a request's success. */
export function completion(tx: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error ?? new DOMException('idbTx aborted', 'AbortError'));
  });
}

export class Connection {
  readonly name: string;
  readonly counters: ConnectionCounters = { requests: 0, transactions: 0, reopens: 0 };
  readonly #options: ConnectionOptions;
  #db: IDBDatabase | undefined;
  #opening: Promise<IDBDatabase> | undefined;
  #shut = false;
  /** Called when another context wants to upgrade or delete the volume and we let go. */
  onversionchange: (() => void) | undefined;
  /** Called when the browser closed the connection, or it was found dead. */
  onlost: ((why: string) => void) | undefined;

  constructor(options: ConnectionOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** True once it was closed for good. */
  get isShut(): boolean {
    return this.#shut;
  }

  /** Opens the volume, creating it if it does not exist. */
  async open(): Promise<void> {
    await this.#get();
  }

  /** The connection, if it is open now. */
  get current(): IDBDatabase | undefined {
    return this.#db;
  }

  #get(): Promise<IDBDatabase> {
    if (this.#db) return Promise.resolve(this.#db);
    if (this.#shut) return Promise.reject(new ConnectionLostError(this.name, 'the VFS was closed'));
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<IDBDatabase> {
    const { factory, name } = this.#options;
    let db: IDBDatabase;
    try {
      const request = factory.open(name, FORMAT_VERSION);
      request.onupgradeneeded = (event) => this.#upgrade(request, event.oldVersion);
      db = unwrap((await wrap(request)) as IDBPDatabase);
    } catch (cause) {
      throw await this.#whyNotOpened(cause);
    }
    const missing = STORES.filter((store) => !db.objectStoreNames.contains(store));
    if (missing.length > 0 || db.objectStoreNames.length !== STORES.length) {
      db.close();
      throw new NotAVolumeError(name, 'its object stores are not ours');
    }
    db.onclose = () => this.#lose(db, 'the browser closed it');
    db.onversionchange = () => {
      this.#lose(db, 'another context upgrades or deletes the volume');
      this.onversionchange?.();
    };
    this.#db = db;
    return db;
  }

  #upgrade(request: IDBOpenDBRequest, oldVersion: number): void {
    // Version 1 is our first: whatever has another is not a volume of ours to be changed.
    if (oldVersion !== 0) {
      request.transaction?.abort();
      return;
    }
    const db = request.result;
    for (const store of STORES) db.createObjectStore(store);
    const volume = encodeVolume({ nextFileId: 1, createdMs: this.#options.now() });
    request.transaction?.objectStore('files').put(volume, VOLUME_KEY);
  }

  async #whyNotOpened(cause: unknown): Promise<BlockStoreError> {
    const { name, factory } = this.#options;
    if ((cause as DOMException | null)?.name === 'VersionError') {
      const found = (await factory.databases?.())?.find((db) => db.name === name)?.version;
      return new FormatVersionError(name, {
        found: found ?? FORMAT_VERSION + 1,
        supported: FORMAT_VERSION,
      });
    }
    return fromDomException(cause, name, 'opening the volume');
  }

  #lose(db: IDBDatabase, why: string): void {
    if (this.#db !== db) return;
    this.#db = undefined;
    db.close();
    this.onlost?.(why);
  }

  /** Runs `body` in a readonly idbTx; a lost connection is reopened and the body run again. */
  read<T>(stores: readonly StoreName[], body: (r: Requests) => Promise<T>): Promise<T> {
    return this.#retrying(async (db) => {
      this.counters.transactions++;
      return await body(new CountedRequests(db.transaction(stores, 'readonly'), this.counters));
    });
  }

  /**
   * Runs `body` in a readwrite idbTx and waits for `complete`. Not repeated: whether it landed is
   * for the caller to find out when the connection was lost.
   */
  async write(
    stores: readonly StoreName[],
    durability: IDBTransactionDurability,
    body: (r: Requests) => void,
  ): Promise<void> {
    const r = await this.begin(stores, durability);
    const done = completion(r.tx);
    try {
      body(r);
    } catch (cause) {
      done.catch(() => undefined);
      abortQuietly(r.tx);
      throw cause;
    }
    await done;
  }

  /** A readwrite idbTx, on a fresh connection if the old one is dead. */
  begin(stores: readonly StoreName[], durability: IDBTransactionDurability): Promise<Requests> {
    return this.#retrying(async (db) => this.#begin(db, stores, durability));
  }

  #begin(
    db: IDBDatabase,
    stores: readonly StoreName[],
    durability: IDBTransactionDurability,
  ): Requests {
    this.counters.transactions++;
    return new CountedRequests(db.transaction(stores, 'readwrite', { durability }), this.counters);
  }

  async #retrying<T>(use: (db: IDBDatabase) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const db = await this.#get();
      try {
        return await use(db);
      } catch (cause) {
        if (cause instanceof BlockStoreError) throw cause;
        // A forced close aborts the idbTx before its event comes: look again, on the same
        // connection if it still is one.
        const aborted = (cause as DOMException | null)?.name === 'AbortError';
        const lost = this.#db !== db || isConnectionLoss(cause);
        if (!lost && !(aborted && attempt === 0)) {
          throw fromDomException(cause, this.name, 'a request');
        }
        if (lost) this.lost(db, cause);
        if (attempt === REOPEN_MAX) {
          throw new ConnectionLostError(this.name, `${REOPEN_MAX} new connections failed`, {
            cause,
          });
        }
        this.counters.reopens++;
      }
    }
  }

  /** Gives up a connection that was found dead. */
  lost(db: IDBDatabase | undefined, cause: unknown): void {
    if (db) this.#lose(db, (cause as Error | null)?.message ?? 'it was found dead');
  }

  /** Closes for good. */
  close(): void {
    this.#shut = true;
    this.#db?.close();
    this.#db = undefined;
  }
}

function abortQuietly(tx: IDBTransaction): void {
  try {
    tx.abort();
  } catch {
    // Already finished: there is nothing left to abort.
  }
}
