/** A database on any engine and build, for pages that run without a test framework. */
import * as SQLite from 'wa-sqlite';
import createSync from 'wa-sqlite/dist/wa-sqlite.mjs';
import createAsyncify from 'wa-sqlite/dist/wa-sqlite-async.mjs';
import createJspi from 'wa-sqlite/dist/wa-sqlite-jspi.mjs';
import * as LegacySQLite from 'wa-sqlite-legacy';
import createLegacySync from 'wa-sqlite-legacy/dist/wa-sqlite.mjs';
import createLegacy from 'wa-sqlite-legacy/dist/wa-sqlite-async.mjs';
import { IDBBlockMirrorVFS, IDBBlockVFS, type VFSOptions } from '../../../src/index.js';
import type { LocalBuild } from '../sqlite.ts';

export type { LocalBuild } from '../sqlite.ts';

const CREATE: Readonly<Record<LocalBuild, () => Promise<object>>> = {
  asyncify: createAsyncify,
  jspi: createJspi,
  'legacy-asyncify': createLegacy,
  mirror: createSync,
  'legacy-mirror': createLegacySync,
};

type Engine = IDBBlockVFS | IDBBlockMirrorVFS;

/** What `serialize` needs of a wa-sqlite module. */
interface SerializingModule {
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  _sqlite3_malloc(bytes: number): number;
  _sqlite3_free(address: number): void;
  ccall(
    name: string,
    returns: 'number',
    types: readonly ('number' | 'string')[],
    values: readonly (number | string)[],
    options: { readonly async: true },
  ): Promise<number>;
}

export interface OpenOptions {
  readonly build: LocalBuild;
  readonly vfs: VFSOptions;
  /** Gets the VFS before the database is opened, to hear its events from the first on. */
  readonly watch: (vfs: Engine) => void;
}

export class Database {
  readonly vfs: Engine;
  readonly #module: SerializingModule;
  readonly #sqlite3: SQLiteAPI;
  readonly #handle: number;

  private constructor(vfs: Engine, module: object, sqlite3: SQLiteAPI, handle: number) {
    this.vfs = vfs;
    this.#module = module as SerializingModule;
    this.#sqlite3 = sqlite3;
    this.#handle = handle;
  }

  static async open(path: string, { build, vfs: options, watch }: OpenOptions): Promise<Database> {
    const module = await CREATE[build]();
    const sqlite3 = (build.startsWith('legacy') ? LegacySQLite : SQLite).Factory(module);
    const engine = build.endsWith('mirror') ? IDBBlockMirrorVFS : IDBBlockVFS;
    const vfs = await engine.create('page-vfs', module, options);
    sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
    watch(vfs);
    if (build === 'legacy-mirror' && vfs instanceof IDBBlockMirrorVFS) {
      await vfs.load(path, { create: true });
    }
    return new Database(vfs, module, sqlite3, await sqlite3.open_v2(path));
  }

  /** Requests made of IndexedDB so far. */
  get requests(): number {
    return this.vfs.stats().requests;
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

  /** The bytes of a database's file, read through the VFS. On the Asyncify build only. */
  async serialize(schema: string): Promise<Uint8Array<ArrayBuffer>> {
    const module = this.#module;
    const size = module._sqlite3_malloc(8);
    try {
      const address = await module.ccall(
        'sqlite3_serialize',
        'number',
        ['number', 'string', 'number', 'number'],
        [this.#handle, schema, size, 0],
        { async: true },
      );
      const { buffer, byteOffset } = module.HEAPU8;
      const bytes = new DataView(buffer, byteOffset).getUint32(size, true);
      if (address === 0 && bytes > 0) throw new Error(`${schema} cannot be serialized`);
      const image = module.HEAPU8.slice(address, address + bytes);
      module._sqlite3_free(address);
      return image;
    } finally {
      module._sqlite3_free(size);
    }
  }

  async close(): Promise<void> {
    await this.#sqlite3.close(this.#handle);
    await this.vfs.close();
  }
}
