/** What stores and indexes are asked for alike: get, getKey, getAll, getAllKeys, count. */
import { exception } from './exceptions.js';
import { type Bounds, describeBounds, isRange, toBounds } from './key-range.js';
import { fromKey, toKey } from './keys.js';
import type { TransactionPort } from './port.js';
import type { SimulatedRequest } from './request.js';
import { countRows, firstRow, listRows } from './rows.js';
import type { Sorted } from './sorted.js';
import { findRecord, type Row } from './state.js';
import { takeOut } from './values.js';

/** A store or an index, as it is queried. */
export interface Source {
  readonly port: TransactionPort;
  readonly storeId: number;
  readonly storeName: string;
  readonly api: IDBObjectStore | IDBIndex;
  /** @throws InvalidStateError if it is deleted, TransactionInactiveError */
  assertUsable(): void;
  /** Its rows as the idbTx sees them now. */
  rows(): Sorted<Row>;
}

/** The value of the record that a row leads to. */
export function recordOf(source: Source, row: Row): unknown {
  const record = findRecord(source.port.read(source.storeId), row.primaryKey);
  if (!record) throw exception('UnknownError', 'An index lists a record that is not there.');
  return takeOut(record.value);
}

function ask<T>(
  source: Source,
  name: string,
  bounds: Bounds,
  run: (rows: Sorted<Row>) => T,
): SimulatedRequest<T> {
  return source.port.place<T>(source.api, {
    name,
    store: source.storeName,
    detail: () => `${source.storeName} ${describeBounds(bounds)}`,
    run: () => run(source.rows()),
  });
}

export function get(source: Source, query: unknown): SimulatedRequest<unknown> {
  source.assertUsable();
  const bounds = toBounds(query, true);
  return ask(source, 'get', bounds, (rows) => {
    const row = firstRow(rows, bounds);
    return row && recordOf(source, row);
  });
}

export function getKey(source: Source, query: unknown): SimulatedRequest<IDBValidKey | undefined> {
  source.assertUsable();
  const bounds = toBounds(query, true);
  return ask(source, 'getKey', bounds, (rows) => {
    const row = firstRow(rows, bounds);
    return row && fromKey(row.primaryKey);
  });
}

export function count(source: Source, query: unknown): SimulatedRequest<number> {
  source.assertUsable();
  const bounds = toBounds(query, false);
  return ask(source, 'count', bounds, (rows) => countRows(rows, bounds));
}

export function getAll(
  source: Source,
  query: unknown,
  countMax: unknown,
): SimulatedRequest<unknown[]> {
  return all(source, 'getAll', readOptions(source, query, countMax), (row) =>
    recordOf(source, row),
  );
}

export function getAllKeys(
  source: Source,
  query: unknown,
  countMax: unknown,
): SimulatedRequest<IDBValidKey[]> {
  const options = readOptions(source, query, countMax);
  return all(source, 'getAllKeys', options, (row) => fromKey(row.primaryKey));
}

export function getAllRecords(source: Source, options: unknown): SimulatedRequest<unknown[]> {
  source.assertUsable();
  return all<unknown>(source, 'getAllRecords', fromDictionary(options ?? {}), (row) => ({
    key: fromKey(row.key),
    primaryKey: fromKey(row.primaryKey),
    value: recordOf(source, row),
  }));
}

interface AllOptions {
  readonly bounds: Bounds;
  readonly direction: IDBCursorDirection;
  readonly countMax: number;
}

function all<T>(
  source: Source,
  name: string,
  options: AllOptions,
  each: (row: Row) => T,
): SimulatedRequest<T[]> {
  return ask(source, name, options.bounds, (rows) =>
    listRows(rows, options.bounds, options).map(each),
  );
}

/** Either (query, count) or one dictionary of options. */
function readOptions(source: Source, query: unknown, countMax: unknown): AllOptions {
  const max = toCount(countMax);
  source.assertUsable();
  const isDictionary =
    typeof query === 'object' &&
    query !== null &&
    !isRange(query) &&
    !isKeyLike(query) &&
    toKey(query) === undefined;
  if (isDictionary) return fromDictionary(query);
  return { bounds: toBounds(query, false), direction: 'next', countMax: max };
}

/** Meant as a key, though perhaps not a valid one. */
function isKeyLike(query: object): boolean {
  return Array.isArray(query) || query instanceof Date || ArrayBuffer.isView(query);
}

function fromDictionary(options: object): AllOptions {
  const given = options as { query?: unknown; count?: unknown; direction?: unknown };
  return {
    bounds: toBounds(given.query, false),
    direction: toDirection(given.direction),
    countMax: toCount(given.count),
  };
}

const DIRECTIONS = ['next', 'nextunique', 'prev', 'prevunique'] as const;

export function toDirection(direction: unknown): IDBCursorDirection {
  if (direction === undefined) return 'next';
  const found = DIRECTIONS.find((known) => known === direction);
  if (!found) throw new TypeError(`"${String(direction)}" is not a cursor direction.`);
  return found;
}

const U32_MAX = 0xffffffff;

/** A WebIDL `[EnforceRange] unsigned long`; 0 and nothing stand for no limit. */
function toCount(value: unknown): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  return enforceU32(value) || Number.POSITIVE_INFINITY;
}

export function enforceU32(value: unknown): number {
  const n = Math.trunc(Number(value));
  if (!(n >= 0 && n <= U32_MAX)) throw new TypeError('The count is out of range.');
  return n;
}
