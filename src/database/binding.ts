/**
 * Binds parameters to a statement.
 *
 * Every parameter gets a value, and every value has a parameter: what is missing or too much is an
 * error, for SQLite would take it for NULL or drop it without a word.
 */
import { OptionError } from '../errors.js';
import type { BindValue, ConnectionModule, Params, SqliteApi } from './sqlite-api.js';

const INT64_MAX = 0x7fffffffffffffffn;
const INT64_MIN = -0x8000000000000000n;

/** Who binds. */
export interface Binder {
  readonly sqlite3: SqliteApi;
  readonly module: Pick<ConnectionModule, '_sqlite3_bind_zeroblob'>;
}

/** @throws OptionError if parameters and values do not match, or a value is not one of SQLite's. */
export function bind(binder: Binder, statement: number, params: Params = []): void {
  const { sqlite3 } = binder;
  const count = sqlite3.bind_parameter_count(statement);
  const values = isList(params)
    ? positional(params, count)
    : named(params, namesOf(sqlite3, statement, count));
  for (const [i, value] of values.entries()) bindOne(binder, statement, { index: i + 1, value });
}

function isList(params: Params): params is readonly BindValue[] {
  return Array.isArray(params);
}

function positional(params: readonly BindValue[], count: number): readonly BindValue[] {
  if (params.length === count) return params;
  throw new OptionError('params', `the statement has ${count}, not ${params.length}`);
}

function namesOf(sqlite3: SqliteApi, statement: number, count: number): (string | undefined)[] {
  return Array.from({ length: count }, (_, i) => {
    const name = sqlite3.bind_parameter_name(statement, i + 1);
    return name || undefined;
  });
}

function named(
  params: Readonly<Record<string, BindValue>>,
  names: readonly (string | undefined)[],
): BindValue[] {
  const unused = new Set(Object.keys(params));
  const values = names.map((name, i) => {
    if (name === undefined) {
      throw new OptionError('params', `parameter ${i + 1} has no name; pass an array`);
    }
    const key = Object.hasOwn(params, name) ? name : name.slice(1);
    const value = Object.hasOwn(params, key) ? params[key] : undefined;
    if (value === undefined) throw new OptionError('params', `no value for ${name}`);
    unused.delete(key);
    return value;
  });
  if (unused.size === 0) return values;
  throw new OptionError('params', `the statement has no ${[...unused].join(', ')}`);
}

function bindOne(
  { sqlite3, module }: Binder,
  statement: number,
  { index, value }: { readonly index: number; readonly value: BindValue },
): void {
  if (value === null) sqlite3.bind_null(statement, index);
  else if (typeof value === 'string') bindText(sqlite3, statement, { index, value });
  else if (typeof value === 'number') bindNumber(sqlite3, statement, { index, value });
  else if (typeof value === 'boolean') sqlite3.bind_int64(statement, index, value ? 1n : 0n);
  else if (typeof value === 'bigint') {
    if (value > INT64_MAX || value < INT64_MIN) {
      throw new OptionError('params', `${value} does not fit SQLite's 64-bit integers`);
    }
    sqlite3.bind_int64(statement, index, value);
  } else if (value instanceof Uint8Array) {
    // wa-sqlite would make NULL of an empty one.
    if (value.length === 0) module._sqlite3_bind_zeroblob(statement, index, 0);
    else sqlite3.bind_blob(statement, index, value);
  } else throw new OptionError('params', `number ${index} is no value that SQLite can store`);
}

/** wa-sqlite hands text over as a C string: what is behind a zero would be lost. */
function bindText(
  sqlite3: SqliteApi,
  statement: number,
  { index, value }: { readonly index: number; readonly value: string },
): void {
  if (value.includes('\0')) {
    throw new OptionError('params', `number ${index} is text with U+0000; store it as a blob`);
  }
  sqlite3.bind_text(statement, index, value);
}

/** A number that is an integer is stored as one, whatever the column's affinity. */
function bindNumber(
  sqlite3: SqliteApi,
  statement: number,
  { index, value }: { readonly index: number; readonly value: number },
): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    sqlite3.bind_int64(statement, index, BigInt(value));
  } else sqlite3.bind_double(statement, index, value);
}
