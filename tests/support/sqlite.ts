/** A small language for tests that speak SQL: open, run, rows, close, on any build. */

import { expect } from 'vitest';
import * as SQLite from 'wa-sqlite';
import createCurrent from 'wa-sqlite/dist/wa-sqlite-async.mjs';
import createJspi from 'wa-sqlite/dist/wa-sqlite-jspi.mjs';
import * as LegacySQLite from 'wa-sqlite-legacy';
import createLegacy from 'wa-sqlite-legacy/dist/wa-sqlite-async.mjs';
import { type BlockStoreError, IDBBlockVFS, type VFSOptions } from '../../src/index.js';
import { Database, type Row, type Value } from './database.ts';

export { Database, type Row, type Value } from './database.ts';

export type BuildName = 'asyncify' | 'jspi' | 'legacy-asyncify';
export const BUILDS: readonly BuildName[] = ['asyncify', 'jspi', 'legacy-asyncify'];

const CREATE = { asyncify: createCurrent, jspi: createJspi, 'legacy-asyncify': createLegacy };

/** One wa-sqlite module with one VFS, as a page has it. */
export class Context {
  readonly sqlite3: SQLiteAPI;
  readonly vfs: IDBBlockVFS;
  /** What VFS methods answered with an error code for, in order. */
  readonly errors: BlockStoreError[] = [];
  readonly #open: Set<Database> = new Set();

  private constructor(sqlite3: SQLiteAPI, vfs: IDBBlockVFS) {
    this.sqlite3 = sqlite3;
    this.vfs = vfs;
    vfs.addEventListener('error', (event) => this.errors.push(event.detail.error));
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

/** A volume of one test, and the page that has it open. */
export class Site {
  readonly build: BuildName;
  readonly options: VFSOptions & { readonly idbName: string };
  #context: Context | undefined;

  constructor(build: BuildName, options: VFSOptions = {}) {
    this.build = build;
    this.options = { idbName: freshVolume('sql'), ...options };
  }

  get idbName(): string {
    return this.options.idbName;
  }

  /** The page's own module and VFS; a new one after `leave`. */
  async context(): Promise<Context> {
    this.#context ??= await Context.create(this.build, this.options);
    return this.#context;
  }

  async open(path?: string): Promise<Database> {
    return await (await this.context()).open(path);
  }

  /** Another page on the same volume. */
  async another(options: VFSOptions = {}): Promise<Context> {
    return await Context.create(this.build, { ...this.options, ...options });
  }

  /** Closes everything: the next `open` is a new page's. */
  async leave(): Promise<void> {
    await this.#context?.close();
    this.#context = undefined;
  }

  /**
   * How every test ends: the database is intact and holds `expected`, now and for a new page.
   */
  async expectKept(expected: Record<string, unknown>, path?: string): Promise<void> {
    await this.leave();
    const again = await this.open(path);
    await again.expectIntact();
    expect(await again.dump()).toEqual(expected);
  }

  /** Leaves, and deletes the volume. */
  async remove(): Promise<void> {
    await this.leave();
    await deleteVolume(this.idbName);
  }
}

/** A database beside one in SQLite's own memory that is told the same. */
export class Twins {
  readonly db: Database;
  readonly oracle: Database;

  private constructor(db: Database, oracle: Database) {
    this.db = db;
    this.oracle = oracle;
  }

  static async create(site: Site, path?: string): Promise<Twins> {
    return new Twins(await site.open(path), await site.open(':memory:'));
  }

  /** Runs on both, which give the same rows. */
  async run(sql: string, parameters: readonly Value[] = []): Promise<void> {
    const expected = await this.oracle.rows(sql, parameters);
    expect(await this.db.rows(sql, parameters), sql).toEqual(expected);
  }

  /** Runs on both; both give the same rows, or both fail with the same code. */
  async attempt(sql: string): Promise<void> {
    const expected = await outcome(this.oracle.rows(sql));
    expect(await outcome(this.db.rows(sql)), sql).toEqual(expected);
  }

  /** Both are intact and hold the same, which is returned. */
  async expectSame(): Promise<Record<string, unknown>> {
    await this.db.expectIntact();
    const expected = await this.oracle.dump();
    expect(await this.db.dump()).toEqual(expected);
    return expected;
  }
}

async function outcome(rows: Promise<Row[]>): Promise<unknown> {
  try {
    return await rows;
  } catch (cause) {
    return { code: (cause as { code: number }).code };
  }
}

let volumes = 0;

/** A name no other test uses. */
export function freshVolume(label = 'volume'): string {
  return `${label}-${Date.now().toString(36)}-${volumes++}`;
}

/** Chromium calls a volume blocked also while a connection that was closed ends its idbTxs. */
const BLOCKED_MAX_MS = 5000;

export function deleteVolume(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
    request.onblocked = () => {
      setTimeout(() => reject(new Error(`${name} is still open`)), BLOCKED_MAX_MS);
    };
  });
}
