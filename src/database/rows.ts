/** Rows as the caller asked for them. */
import type { SqliteApi, SqlValue } from './sqlite-api.js';

/** How rows are returned. */
export interface RowOptions {
  /** A row is an object by column name, or an array by column. Default `'objects'`. */
  readonly rows?: 'objects' | 'arrays';
  /**
   * Whether integers come as numbers as far as a number holds them exactly, and as `bigint` beyond,
   * or all as `bigint`. Default `'number'`.
   */
  readonly integers?: 'number' | 'bigint';
}

/** What makes a row of the one a statement is at. */
export type ReadRow = () => unknown;

const SQLITE_INTEGER = 1;

export function rowReader(sqlite3: SqliteApi, statement: number, options: RowOptions): ReadRow {
  const { rows = 'objects', integers = 'number' } = options;
  const values =
    integers === 'number'
      ? () => sqlite3.row(statement)
      : () => sqlite3.row(statement).map((value, i) => asBigInt(sqlite3, { statement, value, i }));
  if (rows === 'arrays') return values;
  const names = sqlite3.column_names(statement);
  return () => {
    const row: Record<string, SqlValue> = {};
    for (const [i, value] of values().entries()) row[names[i] ?? i] = value;
    return row;
  };
}

function asBigInt(
  sqlite3: SqliteApi,
  at: { readonly statement: number; readonly value: SqlValue; readonly i: number },
): SqlValue {
  const isInteger =
    typeof at.value === 'number' && sqlite3.column_type(at.statement, at.i) === SQLITE_INTEGER;
  return isInteger ? BigInt(at.value as number) : at.value;
}
