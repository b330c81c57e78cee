/** A connection of any wa-sqlite build, for tests and for tools that run without a test runner. */
import * as SQLite from '@journeyapps/wa-sqlite';

export type Value = SQLiteCompatibleType;
export type Row = (Value | null)[];

export class Database {
  readonly handle: number;
  readonly #sqlite3: SQLiteAPI;
  readonly #onclose: () => void;

  constructor(sqlite3: SQLiteAPI, handle: number, onclose: () => void) {
    this.#sqlite3 = sqlite3;
    this.handle = handle;
    this.#onclose = onclose;
  }

  /** Runs statements, with parameters for each of them. */
  async run(sql: string, parameters: readonly Value[] = []): Promise<void> {
    await this.rows(sql, parameters);
  }

  /** Rows of all statements. */
  async rows(sql: string, parameters: readonly Value[] = []): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const statement of this.#sqlite3.statements(this.handle, sql)) {
      if (parameters.length > 0) this.#sqlite3.bind_collection(statement, [...parameters]);
      while ((await this.#sqlite3.step(statement)) === SQLite.SQLITE_ROW) {
        rows.push(this.#sqlite3.row(statement).map((value) => copy(value)));
      }
    }
    return rows;
  }

  /** The first column of the first row. */
  async value(sql: string, parameters: readonly Value[] = []): Promise<Value | null> {
    return (await this.rows(sql, parameters))[0]?.[0] ?? null;
  }

  /** SQLite's result code of a statement that has to fail. */
  async failure(sql: string, parameters: readonly Value[] = []): Promise<number> {
    try {
      await this.rows(sql, parameters);
    } catch (cause) {
      return (cause as { code: number }).code;
    }
    throw new Error(`did not fail: ${sql}`);
  }

  /** Schema and rows of all tables, as one value that two equal databases have in common. */
  async dump(schema = 'main'): Promise<Record<string, unknown>> {
    const objects = await this.rows(
      `SELECT name, type, tbl_name, sql FROM ${schema}.sqlite_schema ORDER BY name`,
    );
    const dumped: Record<string, unknown> = { schema: objects };
    for (const [name, type] of objects) {
      if (type === 'table')
        dumped[String(name)] = await this.rows(`SELECT * FROM ${schema}."${name}"`);
    }
    return dumped;
  }

  async expectIntact(): Promise<void> {
    const found = await this.rows('PRAGMA integrity_check');
    if (found.length !== 1 || found[0]?.[0] !== 'ok') throw new Error(JSON.stringify(found));
  }

  /** A sqliteTx is open that BEGIN has begun. */
  async inTransaction(): Promise<boolean> {
    return this.#sqlite3.get_autocommit(this.handle) === 0;
  }

  async close(): Promise<void> {
    this.#onclose();
    await this.#sqlite3.close(this.handle);
  }
}

/** Blobs are views of the wasm memory. */
function copy(value: Value | null): Value | null {
  return value instanceof Uint8Array ? value.slice() : value;
}
