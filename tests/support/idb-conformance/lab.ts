/** A small language for cases about IndexedDB, on whichever one is to be examined. */
import { expect } from './expect.ts';
import type { Deviant } from './table.ts';

/** The IndexedDB under examination. */
export interface Subject {
  readonly factory: IDBFactory;
  readonly KeyRange: typeof IDBKeyRange;
  /** Whose deviations from the table it may have. */
  readonly deviant?: Deviant;
  /** A listener that throws, in a way that the test runner does not take for its own failure. */
  readonly throwing: () => () => never;
}

export type Upgrade = (db: IDBDatabase, request: IDBOpenDBRequest) => void;

/** Two plain stores, for cases that need no more. */
export const TWO_STORES: Upgrade = (db) => {
  db.createObjectStore('a');
  db.createObjectStore('b');
};

let names = 0;

export class Lab {
  readonly factory: IDBFactory;
  readonly KeyRange: typeof IDBKeyRange;
  readonly throwing: () => () => never;
  readonly #open: IDBDatabase[] = [];
  readonly #names: string[] = [];

  constructor(subject: Subject) {
    this.factory = subject.factory;
    this.KeyRange = subject.KeyRange;
    this.throwing = subject.throwing;
  }

  /** A name that no other case uses; what it names is deleted afterwards. */
  name(): string {
    names++;
    const name = `conformance-${names}-${Date.now().toString(36)}`;
    this.#names.push(name);
    return name;
  }

  /** Opens; the connection is closed afterwards. */
  async open(name: string, version?: number, upgrade?: Upgrade): Promise<IDBDatabase> {
    const request = this.factory.open(name, version);
    request.onupgradeneeded = () => upgrade?.(request.result, request);
    const db = await result(request);
    this.#open.push(db);
    return db;
  }

  /** A new database with what `upgrade` makes. */
  fresh(upgrade: Upgrade = TWO_STORES): Promise<IDBDatabase> {
    return this.open(this.name(), 1, upgrade);
  }

  /** A new database with one store `a` that holds `records`. */
  async filled(
    records: readonly (readonly [key: IDBValidKey, value: unknown])[],
  ): Promise<IDBDatabase> {
    const db = await this.fresh();
    const tx = db.transaction('a', 'readwrite');
    for (const [key, value] of records) tx.objectStore('a').put(value, key);
    expect(await end(tx)).toBe('complete');
    return db;
  }

  /** A new database with one store `a` that has in-line keys, one index, and `values`. */
  async indexed(
    index: { readonly keyPath: string | string[] } & IDBIndexParameters,
    values: readonly unknown[],
  ): Promise<IDBDatabase> {
    return await this.fresh((db) => {
      const store = db.createObjectStore('a', { keyPath: 'id' });
      store.createIndex('i', index.keyPath, index);
      for (const value of values) store.put(value);
    });
  }

  /** To be called after each case. */
  async cleanUp(): Promise<void> {
    for (const db of this.#open.splice(0)) db.close();
    for (const name of this.#names.splice(0)) await result(this.factory.deleteDatabase(name));
  }
}

export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
  });
}

/** Waits for the end of an idbTx. */
export function end(tx: IDBTransaction): Promise<'complete' | 'abort'> {
  return new Promise((resolve) => {
    tx.addEventListener('complete', () => resolve('complete'));
    tx.addEventListener('abort', () => resolve('abort'));
  });
}

/** The name of the error of a request that fails. */
export function errorOf(request: IDBRequest): Promise<string | undefined> {
  return new Promise((resolve) => {
    request.addEventListener('error', () => resolve(request.error?.name));
    request.addEventListener('success', () => resolve(undefined));
  });
}

/** The name of what `run` throws. */
export function thrownBy(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as Error).name;
  }
}

/** A task later: timers do not belong to any idbTx. */
export function later(ms = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Writes down the events of targets, by a label and the event's type. */
export class EventLog {
  readonly lines: string[] = [];

  watch(label: string, target: EventTarget, types: readonly string[]): void {
    for (const type of types) {
      target.addEventListener(type, () => this.lines.push(`${label} ${type}`));
    }
  }

  note(line: string): void {
    this.lines.push(line);
  }
}

/** Keeps an idbTx alive until `release` is called. */
export function hold(tx: IDBTransaction, store: string): () => void {
  let held = true;
  const again = () => {
    if (held) tx.objectStore(store).get(0).onsuccess = again;
  };
  again();
  return () => {
    held = false;
  };
}
