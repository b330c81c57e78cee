/**
 * Another library's IndexedDB database, opened to be read and nothing else.
 *
 *   I1  No idbTx but readonly ones, and no upgrade: a database that does not exist is not made.
 *   I9  It is closed when what was read from it is done with, or when its owner wants to upgrade or delete it.
 */
import { PeerStoreError } from '../errors.js';

/** Where the other library has stored. */
export interface MigrateOptions {
  /** The IDBFactory to use. Default: the context's own. */
  readonly indexedDB?: IDBFactory;
}

/** The object stores of one readonly idbTx; it lives while only its requests are waited for. */
export type PeerStores = (name: string) => IDBObjectStore;

export interface PeerOpening extends MigrateOptions {
  /** What is to be read, for messages. */
  readonly what: string;
  /** Object stores that it must have. */
  readonly stores: readonly string[];
  /** Object stores that it may have. */
  readonly optional?: readonly string[];
}

export class PeerStore {
  /** For messages. */
  readonly what: string;
  readonly #database: IDBDatabase;
  readonly #stores: readonly string[];

  private constructor(database: IDBDatabase, what: string, stores: readonly string[]) {
    this.what = what;
    this.#database = database;
    this.#stores = stores;
    database.onversionchange = () => database.close();
  }

  /** @throws PeerStoreError if there is no such database, or it is of something else */
  static async open(name: string, opening: PeerOpening): Promise<PeerStore> {
    const { what, stores, optional = [], indexedDB = globalThis.indexedDB } = opening;
    const database = await openExisting(indexedDB, name);
    if (!database) throw new PeerStoreError(what, `there is no IndexedDB database "${name}"`);
    const names = [...database.objectStoreNames];
    const missing = stores.filter((store) => !names.includes(store));
    if (missing.length === 0) {
      const read = [...stores, ...optional.filter((store) => names.includes(store))];
      return new PeerStore(database, what, read);
    }
    database.close();
    const why = `IndexedDB database "${name}" has no object store "${missing.join('", "')}"`;
    throw new PeerStoreError(what, why);
  }

  has(store: string): boolean {
    return this.#stores.includes(store);
  }

  /** Runs `work` in one readonly idbTx. */
  async read<T>(work: (stores: PeerStores) => Promise<T>): Promise<T> {
    try {
      const tx = this.#database.transaction([...this.#stores], 'readonly');
      return await work((name) => tx.objectStore(name));
    } catch (cause) {
      if (cause instanceof PeerStoreError) throw cause;
      throw new PeerStoreError(this.what, 'IndexedDB failed', { cause });
    }
  }

  refuse(why: string): PeerStoreError {
    return new PeerStoreError(this.what, why);
  }

  close(): void {
    this.#database.close();
  }
}

/** Undefined if there is none: to ask for it makes it, so that is given up at once. */
export function openExisting(factory: IDBFactory, name: string): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name);
    let isNew = false;
    request.onupgradeneeded = () => {
      isNew = true;
      request.transaction?.abort();
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => {
      if (isNew) resolve(undefined);
      else
        reject(
          new PeerStoreError(`IndexedDB database "${name}"`, 'it does not open', {
            cause: request.error,
          }),
        );
    };
  });
}

export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
