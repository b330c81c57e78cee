/**
 * Does to stored records what no browser may do: for tests that damage must be found out.
 *
 * It works on an outcome, and gives another one to fork from; nothing that runs is touched.
 */

import { only } from './key-range.js';
import { compareKeys, describeKey, fromKey, isArrayBuffer, type Key, requireKey } from './keys.js';
import type { Outcome } from './medium.js';
import {
  type DatabaseState,
  deleteRecords,
  findRecord,
  putRecord,
  type StoreState,
} from './state.js';
import { takeIn, takeOut } from './values.js';

/** Starts to edit one database of an outcome. */
export function editRecords(outcome: Outcome, database: string): RecordEditor {
  return new RecordEditor(outcome, database);
}

/**
 * Edits the records of one database of an outcome, from `editRecords`. The outcome stays as it is:
 * `outcome()` gives the edited one. A store or record that is needed and not there is a RangeError.
 */
export class RecordEditor {
  readonly #outcome: Outcome;
  readonly #name: string;
  #state: DatabaseState;

  constructor(outcome: Outcome, database: string) {
    const state = outcome.databases.get(database);
    if (!state) throw new RangeError(`The outcome has no database "${database}".`);
    this.#outcome = outcome;
    this.#name = database;
    this.#state = state;
  }

  /** The outcome with every edit so far. */
  outcome(): Outcome {
    const databases = new Map(this.#outcome.databases).set(this.#name, this.#state);
    return { ...this.#outcome, databases, description: `${this.#outcome.description}, edited` };
  }

  /** Names of the object stores. */
  stores(): string[] {
    return [...this.#state.stores.values()].map(({ name }) => name);
  }

  /** Keys of all records of a store, in order. */
  keys(store: string): IDBValidKey[] {
    return [...this.#store(store).records].map(({ key }) => fromKey(key));
  }

  /** A copy of the value, undefined if there is no record. */
  get(store: string, key: IDBValidKey): unknown {
    const record = findRecord(this.#store(store), requireKey(key));
    return record && takeOut(record.value);
  }

  /** Stores a copy of a value in the place of what was there. */
  set(store: string, key: IDBValidKey, value: unknown): this {
    const own = requireKey(key);
    const record = { key: own, primaryKey: own, value: takeIn(value) };
    return this.#replace(putRecord(this.#store(store), record, { overwrite: true }));
  }

  /** Deletes a record. */
  drop(store: string, key: IDBValidKey): this {
    this.#require(store, requireKey(key));
    return this.#replace(deleteRecords(this.#store(store), only(requireKey(key))));
  }

  /** Inverts one bit of a binary value. */
  flipBit(store: string, key: IDBValidKey, bit: number): this {
    const bytes = this.#bytes(store, key);
    const at = bit >>> 3;
    if (at >= bytes.length) throw new RangeError(`The value has ${bytes.length} bytes.`);
    bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
    return this.set(store, key, bytes.buffer);
  }

  /** Cuts a binary value to its first `byteLength` bytes. */
  truncate(store: string, key: IDBValidKey, byteLength: number): this {
    return this.set(store, key, this.#bytes(store, key).slice(0, byteLength).buffer);
  }

  /** Stores the value of `from` under `to` as well. */
  duplicate(store: string, from: IDBValidKey, to: IDBValidKey): this {
    this.#require(store, requireKey(from));
    return this.set(store, to, this.get(store, from));
  }

  /** Exchanges the values of two records. */
  swap(store: string, a: IDBValidKey, b: IDBValidKey): this {
    if (compareKeys(requireKey(a), requireKey(b)) === 0) return this;
    this.#require(store, requireKey(a));
    this.#require(store, requireKey(b));
    const value = this.get(store, a);
    return this.set(store, a, this.get(store, b)).set(store, b, value);
  }

  /** Puts back the record as it was in an earlier outcome; drops it if it was not there. */
  makeStale(store: string, key: IDBValidKey, earlier: Outcome): this {
    const before = earlier.databases.get(this.#name);
    const old = before && [...before.stores.values()].find(({ name }) => name === store);
    const record = old && findRecord(old, requireKey(key));
    if (!record) return this.drop(store, key);
    return this.#replace(putRecord(this.#store(store), record, { overwrite: true }));
  }

  #bytes(store: string, key: IDBValidKey): Uint8Array<ArrayBuffer> {
    const value = this.get(store, key);
    if (isArrayBuffer(value)) return new Uint8Array(value);
    if (ArrayBuffer.isView(value)) {
      return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
    }
    throw new TypeError(`The value of ${describeKey(requireKey(key))} is not binary.`);
  }

  #require(store: string, key: Key): void {
    if (findRecord(this.#store(store), key)) return;
    throw new RangeError(`Store "${store}" has no record ${describeKey(key)}.`);
  }

  #store(name: string): StoreState {
    const store = [...this.#state.stores.values()].find((s) => s.name === name);
    if (!store) throw new RangeError(`There is no store "${name}".`);
    return store;
  }

  #replace(store: StoreState): this {
    const stores = new Map(this.#state.stores).set(store.id, store);
    this.#state = { ...this.#state, stores };
    return this;
  }
}
