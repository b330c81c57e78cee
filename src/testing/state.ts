/**
 * What a database holds, as values that never change: a state, and the functions from one to the next.
 *
 *   I1  Nothing here is modified in place, so any state ever seen can be kept and started from.
 *   I2  A function that throws has changed nothing: a failed request needs no undoing.
 */
import { exception } from './exceptions.js';
import { extractKey, type KeyPath } from './key-path.js';
import { type Bounds, isBelow, isWithin, only } from './key-range.js';
import { compareKeys, describeKey, type Key } from './keys.js';
import { type Before, Sorted } from './sorted.js';
import type { StoredValue } from './values.js';

/** An entry of a store (`key` is `primaryKey`) or of an index. */
export interface Row {
  readonly key: Key;
  readonly primaryKey: Key;
}

export interface RecordRow extends Row {
  readonly value: StoredValue;
}

export interface IndexState {
  readonly id: number;
  readonly name: string;
  readonly keyPath: KeyPath;
  readonly unique: boolean;
  readonly multiEntry: boolean;
  /** False until the records there were at its creation are in it. */
  readonly filled: boolean;
  readonly rows: Sorted<Row>;
}

export interface StoreState {
  /** Stays the same when the store is renamed. */
  readonly id: number;
  readonly name: string;
  readonly keyPath: KeyPath | null;
  readonly autoIncrement: boolean;
  /** Next key of the generator. */
  readonly nextKey: number;
  readonly records: Sorted<RecordRow>;
  readonly indexes: ReadonlyMap<number, IndexState>;
  /** What its records count towards the quota. */
  readonly bytes: number;
}

export interface DatabaseState {
  readonly version: number;
  readonly stores: ReadonlyMap<number, StoreState>;
}

export const EMPTY_DATABASE: DatabaseState = { version: 0, stores: new Map() };

let lastId = 0;

/** An id no store or index has had. Told to nobody, so forks may share the counter. */
export function freshId(): number {
  lastId++;
  return lastId;
}

/** What a record's key and place cost beside its value. */
const RECORD_OVERHEAD_BYTES = 32;

export function isBeforeRow(place: Row): Before<Row> {
  return (row) => {
    const sign = compareKeys(row.key, place.key);
    return sign < 0 || (sign === 0 && compareKeys(row.primaryKey, place.primaryKey) < 0);
  };
}

function isUpToRow(place: Row): Before<Row> {
  return (row) => {
    const sign = compareKeys(row.key, place.key);
    return sign < 0 || (sign === 0 && compareKeys(row.primaryKey, place.primaryKey) <= 0);
  };
}

export function findRecord(store: StoreState, key: Key): RecordRow | undefined {
  const found = store.records.first(isBelow(only(key)));
  return found && compareKeys(found.key, key) === 0 ? found : undefined;
}

/** @throws ConstraintError if the key or a unique index key exists */
export function putRecord(
  store: StoreState,
  record: RecordRow,
  options: { readonly overwrite: boolean },
): StoreState {
  const existing = findRecord(store, record.key);
  if (existing && !options.overwrite) {
    throw exception('ConstraintError', `Key ${describeKey(record.key)} already exists.`);
  }
  const cleared = existing ? deleteRecords(store, only(record.key)) : store;
  const indexes = new Map(cleared.indexes);
  for (const index of cleared.indexes.values()) {
    if (index.filled) indexes.set(index.id, indexRecord(index, record));
  }
  return {
    ...cleared,
    indexes,
    records: cleared.records.with(isBelow(only(record.key)), record, false),
    bytes: cleared.bytes + record.value.bytes + RECORD_OVERHEAD_BYTES,
  };
}

export function deleteRecords(store: StoreState, bounds: Bounds): StoreState {
  const gone = store.records.between(isBelow(bounds), isWithin(bounds));
  if (gone.length === 0) return store;
  const records = store.records.without(isBelow(bounds), isWithin(bounds));
  const bytes = gone.reduce((sum, { value }) => sum + value.bytes + RECORD_OVERHEAD_BYTES, 0);
  const indexes = new Map<number, IndexState>();
  for (const index of store.indexes.values()) {
    const rows = gone.reduce(
      (left, record) =>
        indexKeys(index, record).reduce((all, key) => {
          const row = { key, primaryKey: record.key };
          return all.without(isBeforeRow(row), isUpToRow(row));
        }, left),
      index.rows,
    );
    indexes.set(index.id, { ...index, rows });
  }
  return { ...store, records, indexes, bytes: store.bytes - bytes };
}

export function clearRecords(store: StoreState): StoreState {
  const indexes = new Map<number, IndexState>();
  for (const index of store.indexes.values()) {
    indexes.set(index.id, { ...index, rows: Sorted.empty() });
  }
  return { ...store, records: Sorted.empty(), indexes, bytes: 0 };
}

/** Puts the records there are into a new index. @throws ConstraintError */
export function fillIndex(store: StoreState, index: IndexState): StoreState {
  let filled: IndexState = { ...index, filled: true, rows: Sorted.empty() };
  for (const record of store.records) filled = indexRecord(filled, record);
  return { ...store, indexes: new Map(store.indexes).set(index.id, filled) };
}

function indexRecord(index: IndexState, record: RecordRow): IndexState {
  let { rows } = index;
  for (const key of indexKeys(index, record)) {
    const row = { key, primaryKey: record.key };
    const taken = index.unique ? rows.first(isBelow(only(key))) : undefined;
    if (taken && compareKeys(taken.key, key) === 0) {
      const what = `Index "${index.name}" already has key ${describeKey(key)}`;
      throw exception('ConstraintError', `${what}, and it is unique.`);
    }
    rows = rows.with(isBeforeRow(row), row, false);
  }
  return { ...index, rows };
}

/** The keys a record has in an index, each once. */
function indexKeys(index: IndexState, record: RecordRow): readonly Key[] {
  const found = extractKey(record.value.data, index.keyPath, index.multiEntry);
  if (found.tag === 'key') return [found.key];
  if (found.tag !== 'keys') return [];
  const sorted = [...found.keys].sort(compareKeys);
  return sorted.filter((key, i) => i === 0 || compareKeys(sorted[i - 1] as Key, key) !== 0);
}

const KEY_MAX = 2 ** 53;

/** The generator's next key, and the store after it. @throws ConstraintError when there is none */
export function generateKey(store: StoreState): {
  readonly key: number;
  readonly next: StoreState;
} {
  const key = store.nextKey;
  if (key > KEY_MAX) throw exception('ConstraintError', 'The key generator has no more keys.');
  return { key, next: { ...store, nextKey: after(key) } };
}

/** An explicit number moves the generator past it. */
export function passKey(store: StoreState, key: Key): StoreState {
  if (!store.autoIncrement || typeof key !== 'number' || key < store.nextKey) return store;
  return { ...store, nextKey: after(Math.floor(key)) };
}

/** 2^53 + 1 is no number: past the last key there is only infinity. */
function after(key: number): number {
  return key < KEY_MAX ? key + 1 : Number.POSITIVE_INFINITY;
}

export function databaseBytes(database: DatabaseState | undefined): number {
  let bytes = 0;
  for (const store of database?.stores.values() ?? []) bytes += store.bytes;
  return bytes;
}
