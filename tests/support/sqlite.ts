/** A small language for tests that speak SQL: open, run, rows, close, on any build. */
import * as SQLite from 'wa-sqlite';
import createCurrent from 'wa-sqlite/dist/wa-sqlite-async.mjs';
import createJspi from 'wa-sqlite/dist/wa-sqlite-jspi.mjs';
import * as LegacySQLite from 'wa-sqlite-legacy';
import createLegacy from 'wa-sqlite-legacy/dist/wa-sqlite-async.mjs';
import { IDBBlockVFS, type VFSOptions } from '../../src/index.js';

export type BuildName = 'asyncify' | 'jspi' | 'legacy-asyncify';
export const BUILDS: readonly BuildName[] = ['asyncify', 'jspi', 'legacy-asyncify'];

export type Value = SQLiteCompatibleType;
export type Row = (Value | null)[];

const CREATE = { asyncify: createCurrent, jspi: createJspi, 'legacy-asyncify': createLegacy };

/** One wa-sqlite module with one VFS, as a page has it. */
export class Context {
  readonly sqlite3: SQLiteAPI;
  readonly vfs: IDBBlockVFS;
  readonly #open: Set<Database> = new Set();

  private constructor(sqlite3: SQLiteAPI, vfs: IDBBlockVFS) {
    this.sqlite3 = sqlite3;
    this.vfs = vfs;
  }

  static async create(
    build: BuildName,
    options: VFSOptions & { idbName: string },
  ): Promise<Context> {
    const module = await CREATE[build]();
    const api = build === 'legacy-asyncify' ? LegacySQLite : SQLite;
    const sqlite3 = api.Factory(module);
    const vfs = await IDBBlockVFS.create('test-vfs', module, options);
    // Both lines' types are loaded here and overload each other; a program has one of them.
    sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
    return new Context(sqlite3, vfs);
  }

  async open(path = 'test.db', flags?: number): Promise<Database> {
    const handle = await this.sqlite3.open_v2(path, flags);
    const database = new Database(this.sqlite3, handle, () => this.#open.delete(database));
    this.#open.add(database);
    return database;
  }

  /** Closes connections and the VFS, as a page that leaves in good order. */
  async close(): Promise<void> {
    for (const database of [...this.#open]) await database.close();
    await this.vfs.close();
  }
}

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

  async close(): Promise<void> {
    this.#onclose();
    await this.#sqlite3.close(this.handle);
  }
}

/** Blobs are views of the wasm memory. */
function copy(value: Value | null): Value | null {
  return value instanceof Uint8Array ? value.slice() : value;
}

let volumes = 0;

/** A name no other test uses. */
export function freshVolume(label = 'volume'): string {
  return `${label}-${Date.now().toString(36)}-${volumes++}`;
}

export function deleteVolume(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error(`${name} is still open`));
  });
}
