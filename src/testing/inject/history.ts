/**
 * What records were before they were changed: to undo idbTxs, and to make a record stale.
 *
 *   I1  Before each write of an idbTx the records it may change are read, within that idbTx.
 *   I2  The list of a database holds what completed since its last strict or upgrading idbTx, in order.
 *   I3  Only a suffix of the list is ever undone, so there is never a hole.
 */

import { extractKey } from '../key-path.js';
import { fromKey, type Key } from '../keys.js';
import { call, completed, promised } from './genuine.js';

/** A change of one store. */
interface Change {
  readonly store: string;
  /** What it may have changed; undefined for everything. */
  query: IDBValidKey | IDBKeyRange | undefined;
  keys: readonly IDBValidKey[];
  values: readonly unknown[];
}

/** The changes of one idbTx, in order. */
export type Changes = Change[];

/** Places a request nobody is told of. */
export type Ask = (issue: () => IDBRequest, onsuccess: (result: unknown) => void) => void;

export interface Write {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly store: IDBObjectStore;
}

export interface Earlier {
  readonly store: string;
  readonly key: IDBValidKey;
  readonly value: unknown;
}

export class History {
  readonly #done = new Map<string, Changes[]>();
  readonly #earlier = new Map<string, Earlier[]>();

  /** I1. @returns what to call with the write's request, once there is one */
  before(
    changes: Changes,
    { method, args, store }: Write,
    ask: Ask,
  ): (request: IDBRequest) => void {
    const query = queryOf(method, args, store);
    const change: Change = { store: store.name, query: query.key, keys: [], values: [] };
    changes.push(change);
    if (query.isGenerated) {
      return (request) =>
        request.addEventListener('success', () => {
          change.query = request.result as IDBValidKey;
        });
    }
    ask(
      () => call(store, 'getAllKeys', query.key),
      (keys) => {
        change.keys = keys as IDBValidKey[];
      },
    );
    ask(
      () => call(store, 'getAll', query.key),
      (values) => {
        change.values = values as unknown[];
      },
    );
    return () => undefined;
  }

  /** I2 */
  completed(database: string, changes: Changes, isDurable: boolean): void {
    const done = this.#done.get(database) ?? [];
    this.#done.set(database, isDurable ? [] : [...done, changes]);
    const earlier = this.#earlier.get(database) ?? [];
    for (const { store, keys, values } of changes) {
      earlier.push(...keys.map((key, i) => ({ store, key, value: values[i] })));
    }
    this.#earlier.set(database, earlier.slice(-EARLIER_MAX));
  }

  /** What records of a store once were, oldest first. */
  earlier(database: string, store: string): readonly Earlier[] {
    return (this.#earlier.get(database) ?? []).filter((record) => record.store === store);
  }

  /** Undoes the last `count` idbTxs of the list: I3. @returns how many */
  async undo(factory: IDBFactory, database: string, count: number): Promise<number> {
    const db = await promised(factory.open(database));
    try {
      if (db.objectStoreNames.length === 0) return 0;
      const idbTx = db.transaction([...db.objectStoreNames], 'readwrite', { durability: 'strict' });
      const ended = completed(idbTx);
      // Whatever was under way before is over when this is answered.
      await promised(idbTx.objectStore(db.objectStoreNames[0] as string).getKey(0));
      const done = this.#done.get(database) ?? [];
      const lost = done.slice(Math.max(0, done.length - count));
      for (const change of lost.flat().reverse()) undoChange(idbTx, change);
      await ended;
      this.#done.set(database, done.slice(0, done.length - lost.length));
      return lost.length;
    } finally {
      db.close();
    }
  }
}

const EARLIER_MAX = 10_000;

function undoChange(idbTx: IDBTransaction, { store: name, query, keys, values }: Change): void {
  const store = idbTx.objectStore(name);
  if (query === undefined) store.clear();
  else store.delete(query);
  for (const [i, key] of keys.entries()) {
    if (store.keyPath === null) store.put(values[i], key);
    else store.put(values[i]);
  }
}

interface Query {
  readonly key: IDBValidKey | IDBKeyRange | undefined;
  readonly isGenerated: boolean;
}

/** The records a write may change. */
function queryOf(method: string, args: readonly unknown[], store: IDBObjectStore): Query {
  const isPut = method === 'put' || method === 'add';
  if (!isPut) return { key: args[0] as IDBValidKey | undefined, isGenerated: false };
  if (args[1] !== undefined) return { key: args[1] as IDBValidKey, isGenerated: false };
  const { keyPath } = store;
  const found = keyPath === null ? undefined : extractKey(args[0], keyPath);
  if (found?.tag === 'key') return { key: fromKey(found.key as Key), isGenerated: false };
  return { key: undefined, isGenerated: true };
}
