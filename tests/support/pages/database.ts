/** A database on any engine and build, for pages that run without a test framework. */
import * as SQLite from '@journeyapps/wa-sqlite';
import createSync from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import createAsyncify from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import createJspi from '@journeyapps/wa-sqlite/dist/wa-sqlite-jspi.mjs';
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

/** A minute: the lock of a page that was killed is not free at once on a busy machine. */
const LOCK_TRIES_MAX = 1200;
const LOCK_PAUSE_MS = 50;

/** Waits for files and writer locks where no statement can, and does nothing where there is no need. */
class Loader {
  readonly #vfs: IDBBlockMirrorVFS | undefined;
  readonly #paths: string[] = [];

  /** @param vfs one on a build that cannot wait */
  constructor(vfs: IDBBlockMirrorVFS | undefined) {
    this.#vfs = vfs;
  }

  async load(path: string): Promise<void> {
    this.#paths.push(path);
    await this.#vfs?.load(path, { create: true });
  }

  /** Loads again, and repeats what failed because another page had a writer lock. */
  async untilFree(work: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (cause) {
        const isBusy = (cause as { code?: number }).code === SQLite.SQLITE_BUSY;
        if (!this.#vfs || !isBusy || tries === LOCK_TRIES_MAX) throw cause;
      }
      await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
      await this.reload();
    }
  }

  async reload(): Promise<void> {
    for (const path of this.#paths) await this.#vfs?.load(path);
  }
}

export class Database {
  readonly vfs: Engine;
  readonly #module: SerializingModule;
  readonly #sqlite3: SQLiteAPI;
  readonly #handle: number;
  readonly #loader: Loader;

  private constructor(
    vfs: Engine,
    parts: {
      readonly module: object;
      readonly sqlite3: SQLiteAPI;
      readonly handle: number;
      readonly loader: Loader;
    },
  ) {
    this.vfs = vfs;
    this.#module = parts.module as SerializingModule;
    this.#sqlite3 = parts.sqlite3;
    this.#handle = parts.handle;
    this.#loader = parts.loader;
  }

  static async open(path: string, { build, vfs: options, watch }: OpenOptions): Promise<Database> {
    const module = await CREATE[build]();
    const sqlite3 = (build.startsWith('legacy') ? LegacySQLite : SQLite).Factory(module);
    const engine = build.endsWith('mirror') ? IDBBlockMirrorVFS : IDBBlockVFS;
    const vfs = await engine.create('page-vfs', module, options);
    sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
    watch(vfs);
    const loads = build === 'legacy-mirror' && vfs instanceof IDBBlockMirrorVFS;
    const loader = new Loader(loads ? vfs : undefined);
    await loader.load(path);
    const handle = await sqlite3.open_v2(path);
    return new Database(vfs, { module, sqlite3, handle, loader });
  }

  async attach(path: string, schema: string): Promise<void> {
    await this.#loader.load(path);
    await this.run(`ATTACH '${path}' AS ${schema}`);
  }

  async inTransaction(): Promise<boolean> {
    return this.#sqlite3.get_autocommit(this.#handle) === 0;
  }

  async reload(): Promise<void> {
    await this.#loader.reload();
  }

  async beginImmediate(): Promise<void> {
    await this.#loader.untilFree(() => this.run('BEGIN IMMEDIATE'));
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
