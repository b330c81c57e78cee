/** SQLite on a simulated IndexedDB in Node: wa-sqlite's Asyncify build with IDBBlockVFS. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as SQLite from '@journeyapps/wa-sqlite';
import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { IDBBlockVFS, type VFSOptions } from '../../src/index.js';
import { SimulatedLocks } from '../../src/testing/index.js';
import { Database } from './database.ts';
import { wasmAt } from './wasm.ts';

const WASM = createRequire(import.meta.url).resolve(
  '@journeyapps/wa-sqlite/dist/wa-sqlite-async.wasm',
);
const compile = (path: string) => WebAssembly.compile(readFileSync(path));

/** One instance of SQLite; any number of VFSs, one after the other, as pages that come and go. */
export class NodeSQLite {
  readonly #module: object;
  readonly #sqlite3: SQLiteAPI;
  #pages = 0;

  private constructor(module: object) {
    this.#module = module;
    this.#sqlite3 = SQLite.Factory(module);
  }

  static async create(): Promise<NodeSQLite> {
    return new NodeSQLite(await createModule(await wasmAt(WASM, compile)));
  }

  async page(indexedDB: IDBFactory, options: VFSOptions = {}): Promise<Page> {
    this.#pages++;
    const name = `page-${this.#pages}`;
    const vfs = await IDBBlockVFS.create(name, this.#module, {
      idbName: 'volume',
      locks: new SimulatedLocks(),
      indexedDB,
      ...options,
    });
    this.#sqlite3.vfs_register(vfs as object as SQLiteVFS, false);
    return new Page(this.#sqlite3, vfs, name);
  }
}

export class Page {
  readonly vfs: IDBBlockVFS;
  readonly #sqlite3: SQLiteAPI;
  readonly #name: string;
  readonly #open: Set<Database> = new Set();

  constructor(sqlite3: SQLiteAPI, vfs: IDBBlockVFS, name: string) {
    this.#sqlite3 = sqlite3;
    this.vfs = vfs;
    this.#name = name;
  }

  async open(path: string): Promise<Database> {
    const flags = SQLite.SQLITE_OPEN_CREATE | SQLite.SQLITE_OPEN_READWRITE;
    const handle = await this.#sqlite3.open_v2(path, flags, this.#name);
    const database = new Database(this.#sqlite3, handle, () => this.#open.delete(database));
    this.#open.add(database);
    return database;
  }

  async close(): Promise<void> {
    for (const database of [...this.#open]) await database.close();
    await this.vfs.close();
  }
}
