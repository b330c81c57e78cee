/** Opens a database on IDBBlockVFS, as any page would, and runs SQL on it. */
import * as SQLite from '@journeyapps/wa-sqlite';
import createAsyncify from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import createJspi from '@journeyapps/wa-sqlite/dist/wa-sqlite-jspi.mjs';
import { IDBBlockVFS, type VFSOptions } from '../src/index.js';

export type Value = SQLiteCompatibleType | null;

export class Database {
  readonly vfs: IDBBlockVFS;
  readonly #sqlite3: SQLiteAPI;
  readonly #handle: number;

  private constructor(vfs: IDBBlockVFS, sqlite3: SQLiteAPI, handle: number) {
    this.vfs = vfs;
    this.#sqlite3 = sqlite3;
    this.#handle = handle;
  }

  /** @param watch gets the VFS before the database is opened, to hear its `recovery` event */
  static async open(
    path: string,
    options: VFSOptions,
    watch: (vfs: IDBBlockVFS) => void,
  ): Promise<Database> {
    const hasJspi = 'Suspending' in WebAssembly;
    const module = await (hasJspi ? createJspi() : createAsyncify());
    const sqlite3 = SQLite.Factory(module);
    const vfs = await IDBBlockVFS.create('demo', module, options);
    sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
    watch(vfs);
    return new Database(vfs, sqlite3, await sqlite3.open_v2(path));
  }

  async rows(sql: string, parameters: readonly SQLiteCompatibleType[] = []): Promise<Value[][]> {
    const rows: Value[][] = [];
    for await (const statement of this.#sqlite3.statements(this.#handle, sql)) {
      if (parameters.length > 0) this.#sqlite3.bind_collection(statement, [...parameters]);
      while ((await this.#sqlite3.step(statement)) === SQLite.SQLITE_ROW) {
        rows.push(this.#sqlite3.row(statement));
      }
    }
    return rows;
  }

  async value(sql: string, parameters: readonly SQLiteCompatibleType[] = []): Promise<Value> {
    return (await this.rows(sql, parameters))[0]?.[0] ?? null;
  }

  async close(): Promise<void> {
    await this.#sqlite3.close(this.#handle);
    await this.vfs.close();
  }
}
