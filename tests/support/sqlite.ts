/** A small language for tests that speak SQL: open, run, rows, close, on any engine and build. */

import * as SQLite from '@journeyapps/wa-sqlite';
import createCurrent from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import currentWasm from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.wasm?url';
import createJspi from '@journeyapps/wa-sqlite/dist/wa-sqlite-jspi.mjs';
import jspiWasm from '@journeyapps/wa-sqlite/dist/wa-sqlite-jspi.wasm?url';
import { expect } from 'vitest';
import * as LegacySQLite from 'wa-sqlite-legacy';
import createLegacy from 'wa-sqlite-legacy/dist/wa-sqlite-async.mjs';
import legacyWasm from 'wa-sqlite-legacy/dist/wa-sqlite-async.wasm?url';

import {
  type BlockStoreError,
  IDBBlockMirrorVFS,
  IDBBlockVFS,
  type MirrorVFSOptions,
} from '../../src/index.js';
import { has, runnable } from './browsers/capabilities.ts';
import * as all from './builds.ts';
import { type BuildName, engineOf, type SqlBuild } from './builds.ts';
import { Database, type Row, type Value } from './database.ts';
import { PATIENT } from './patience.ts';
import type { SharedOptions, SharedSqlBuild } from './shared/calls.ts';
import type { SharedContext } from './shared/context.ts';
import { seatedContext } from './shared/pool.ts';
import { type Loaded, loadSynchronous } from './synchronous-builds.ts';
import { wasmAt } from './wasm.ts';

export {
  type BuildName,
  engineOf,
  type LocalBuild,
  type SqlBuild,
  spills,
  UNWAITING,
} from './builds.ts';
export { Database, type Row, type Value } from './database.ts';

// Each list has what runs in this browser.
export const BUILDS: readonly BuildName[] = runnable(all.BUILDS);
export const ENGINES: readonly BuildName[] = runnable(all.ENGINES);
export const ONE_OF_EACH = runnable(all.ONE_OF_EACH);
export const SQL_ENGINES: readonly SqlBuild[] = runnable(all.SQL_ENGINES);
export const EVERY_ENGINE: readonly SqlBuild[] = runnable(all.EVERY_ENGINE);
/** `IDBBlockVFS` on the fastest build. */
export const FASTEST = has('JSPI') ? 'jspi' : 'asyncify';

type LocalSqlBuild = Exclude<SqlBuild, SharedSqlBuild>;

async function load(build: LocalSqlBuild): Promise<Loaded> {
  switch (build) {
    case 'asyncify':
      return over(await createCurrent(await wasmAt(currentWasm)));
    case 'jspi':
      return over(await createJspi(await wasmAt(jspiWasm)));
    case 'legacy-asyncify': {
      const module = await createLegacy(await wasmAt(legacyWasm));
      return { module, sqlite3: LegacySQLite.Factory(module) };
    }
    default:
      return await loadSynchronous(build);
  }
}

function over(module: object): Loaded {
  return { module, sqlite3: SQLite.Factory(module) };
}

/** SQLITE_OPEN_CREATE, and what wa-sqlite opens with if it is not told. */
const OPEN_CREATE = 0x4;
const OPEN_DEFAULT = 0x6;

function isShared(build: SqlBuild): build is SharedSqlBuild {
  return engineOf(build) === 'IDBBlockSharedVFS';
}

/** One wa-sqlite module with one VFS, as a page has it. */
export class Context {
  readonly sqlite3: SQLiteAPI;
  readonly vfs: IDBBlockVFS | IDBBlockMirrorVFS;
  /** What VFS methods answered with an error code for, in order. */
  readonly errors: BlockStoreError[] = [];
  readonly #open: Set<Database> = new Set();
  readonly #build: SqlBuild;
  readonly #remote: { readonly context: SharedContext; readonly leave: () => void } | undefined;

  private constructor(
    build: SqlBuild,
    sqlite3: SQLiteAPI,
    vfs: IDBBlockVFS | IDBBlockMirrorVFS,
    remote?: { readonly context: SharedContext; readonly leave: () => void },
  ) {
    this.#build = build;
    this.#remote = remote;
    this.sqlite3 = sqlite3;
    this.vfs = vfs;
    vfs.addEventListener('error', (event) => this.errors.push(event.detail.error));
  }

  /** It waits long for the writer lock, and steals none, unless it is told otherwise. */
  static async create(
    build: SqlBuild,
    given: MirrorVFSOptions & { idbName: string },
  ): Promise<Context> {
    const options = { ...PATIENT, ...given };
    if (isShared(build)) {
      const remote = await seatedContext(build, options as SharedOptions);
      // Its own methods are promises; it has no SQLite at hand.
      const vfs = remote.context.vfs as unknown as IDBBlockVFS;
      return new Context(build, undefined as never, vfs, remote);
    }
    const { module, sqlite3 } = await load(build);
    const engine = engineOf(build) === 'IDBBlockVFS' ? IDBBlockVFS : IDBBlockMirrorVFS;
    const vfs = await engine.create('test-vfs', module, options);
    // All lines' types are loaded here and overload each other; a program has one of them.
    sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
    return new Context(build, sqlite3, vfs);
  }

  async open(path = 'test.db', flags?: number): Promise<Database> {
    // Its API cannot wait for the file.
    const loads = (all.UNWAITING as readonly string[]).includes(this.#build);
    if (loads && this.vfs instanceof IDBBlockMirrorVFS && path !== ':memory:') {
      const create = ((flags ?? OPEN_DEFAULT) & OPEN_CREATE) !== 0;
      await this.vfs.load(path, { create });
    }
    const onclose = () => void this.#open.delete(database);
    const database: Database = this.#remote
      ? await this.#remote.context.open(path, flags, onclose)
      : new Database(this.sqlite3, await this.sqlite3.open_v2(path, flags), onclose);
    this.#open.add(database);
    return database;
  }

  /** Closes connections and the VFS, as a page that leaves in good order. */
  async close(): Promise<void> {
    try {
      for (const database of [...this.#open]) await database.close();
      await (this.#remote?.context ?? this.vfs).close();
    } finally {
      this.#remote?.leave();
    }
  }
}

/** A volume of one test, and the page that has it open. */
export class Site {
  readonly build: SqlBuild;
  readonly options: MirrorVFSOptions & { readonly idbName: string };
  #context: Context | undefined;

  constructor(build: SqlBuild, options: MirrorVFSOptions = {}) {
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
  async another(options: MirrorVFSOptions = {}): Promise<Context> {
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
const BLOCKED_MAX_MS = 60_000;

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
