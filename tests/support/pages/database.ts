/** A database on any asynchronous build, for pages that run without a test framework. */
import * as SQLite from 'wa-sqlite';
import createAsyncify from 'wa-sqlite/dist/wa-sqlite-async.mjs';
import createJspi from 'wa-sqlite/dist/wa-sqlite-jspi.mjs';
import * as LegacySQLite from 'wa-sqlite-legacy';
import createLegacy from 'wa-sqlite-legacy/dist/wa-sqlite-async.mjs';
import { IDBBlockVFS, type VFSOptions } from '../../../src/index.js';
import type { BuildName } from '../sqlite.ts';

const CREATE: Readonly<Record<BuildName, () => Promise<object>>> = {
  asyncify: createAsyncify,
  jspi: createJspi,
  'legacy-asyncify': createLegacy,
};

export interface OpenOptions {
  readonly build: BuildName;
  readonly vfs: VFSOptions;
  /** Gets the VFS before the database is opened, to hear its events from the first on. */
  readonly watch: (vfs: IDBBlockVFS) => void;
}

export class Database {
  readonly vfs: IDBBlockVFS;
  readonly #sqlite3: SQLiteAPI;
  readonly #handle: number;

  private constructor(vfs: IDBBlockVFS, sqlite3: SQLiteAPI, handle: number) {
    this.vfs = vfs;
    this.#sqlite3 = sqlite3;
    this.#handle = handle;
  }

  static async open(path: string, { build, vfs: options, watch }: OpenOptions): Promise<Database> {
    const module = await CREATE[build]();
    const sqlite3 = (build === 'legacy-asyncify' ? LegacySQLite : SQLite).Factory(module);
    const vfs = await IDBBlockVFS.create('page-vfs', module, options);
    sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
    watch(vfs);
    return new Database(vfs, sqlite3, await sqlite3.open_v2(path));
  }

  async run(sql: string, parameters: readonly SQLiteCompatibleType[] = []): Promise<void> {
    await this.rows(sql, parameters);
  }

  /** Rows of all statements; the parameters are bound to each of them. */
  async rows(
    sql: string,
    parameters: readonly SQLiteCompatibleType[] = [],
  ): Promise<(SQLiteCompatibleType | null)[][]> {
    const rows: (SQLiteCompatibleType | null)[][] = [];
    for await (const statement of this.#sqlite3.statements(this.#handle, sql)) {
      if (parameters.length > 0) this.#sqlite3.bind_collection(statement, [...parameters]);
      while ((await this.#sqlite3.step(statement)) === SQLite.SQLITE_ROW) {
        const row = this.#sqlite3.row(statement);
        // A blob is a view of memory that SQLite uses again.
        rows.push(row.map((value) => (value instanceof Uint8Array ? value.slice() : value)));
      }
    }
    return rows;
  }

  /** The first column of the first row. */
  async value(sql: string): Promise<SQLiteCompatibleType | null> {
    return (await this.rows(sql))[0]?.[0] ?? null;
  }

  async close(): Promise<void> {
    await this.#sqlite3.close(this.#handle);
    await this.vfs.close();
  }
}
