/** What this package uses of wa-sqlite's API, and the values that cross it. */

/** A value as SQLite stores it. Integers beyond 2^53 come as `bigint`. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** A value that can be bound. `true` and `false` are 1 and 0, as in SQL. */
export type BindValue = SqlValue | boolean;

/**
 * Parameters of a statement: an array for `?`, an object for `:name`, `$name` and `@name`, whose
 * keys may have the prefix or not.
 */
export type Params = readonly BindValue[] | Readonly<Record<string, BindValue>>;

/** The object that wa-sqlite's `Factory(module)` makes, of the current line. */
export interface SqliteApi {
  open_v2(path: string, flags?: number, vfs?: string): Promise<number>;
  close(connection: number): Promise<number>;
  statements(
    connection: number,
    sql: string,
    options?: { readonly flags?: number; readonly unscoped?: boolean },
  ): AsyncIterableIterator<number>;
  step(statement: number): Promise<number>;
  reset(statement: number): Promise<number>;
  finalize(statement: number): Promise<number>;
  bind_blob(statement: number, index: number, value: Uint8Array): number;
  bind_double(statement: number, index: number, value: number): number;
  bind_int64(statement: number, index: number, value: bigint): number;
  bind_null(statement: number, index: number): number;
  bind_text(statement: number, index: number, value: string): number;
  bind_parameter_count(statement: number): number;
  bind_parameter_name(statement: number, index: number): string;
  clear_bindings(statement: number): number;
  column_count(statement: number): number;
  column_names(statement: number): string[];
  column_type(statement: number, column: number): number;
  row(statement: number): SqlValue[];
  get_autocommit(connection: number): number;
  changes(connection: number): number;
  vfs_register(vfs: object, makeDefault?: boolean): number;
}

/** What this package calls of the Emscripten module itself, beside the API. */
export interface ConnectionModule {
  _sqlite3_interrupt(connection: number): void;
  _sqlite3_bind_zeroblob(statement: number, index: number, bytes: number): number;
  readonly HEAPU8: Uint8Array;
  _sqlite3_malloc(bytes: number): number;
  _sqlite3_free(address: number): void;
  _sqlite3_serialize(connection: number, schema: number, size: number, flags: number): number;
  /** 0 if it may write. */
  _sqlite3_stmt_readonly(statement: number): number;
  _sqlite3_extended_errcode(connection: number): number;
  _sqlite3_last_insert_rowid(connection: number): number;
  _sqlite3_total_changes(connection: number): number;
  /** The upper half of a 64-bit result. */
  getTempRet0(): number;
}
