/** Any engine, for the histories: a VFS that stays, and connections that come and go. */
import * as SQLite from '@journeyapps/wa-sqlite';
import createSync from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import createAsyncify from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import createJspi from '@journeyapps/wa-sqlite/dist/wa-sqlite-jspi.mjs';
import {
  type BlockStoreError,
  IDBBlockMirrorVFS,
  IDBBlockSharedVFS,
  IDBBlockVFS,
} from '../../../src/index.js';
import { FaultyLocks } from '../../../src/testing/index.js';
import { Database } from '../database.ts';
import { STEAL_AFTER_MS } from '../history/plan.ts';
import type { Seat } from '../history/seats.ts';

/** Short, so that waiting for a context that is frozen or gone does not take most of a history. */
const OPTIONS = {
  busyTimeoutMs: 400,
  stealAfterMs: STEAL_AFTER_MS,
  spillBytes: 65_536,
} as const;

const CREATE = {
  asyncify: createAsyncify,
  jspi: createJspi,
  mirror: createSync,
  shared: createSync,
} as const;

export class Engine {
  readonly vfs: IDBBlockVFS | IDBBlockMirrorVFS | IDBBlockSharedVFS;
  readonly #sqlite3: SQLiteAPI;
  readonly #locks: FaultyLocks | undefined;
  /** What VFS methods answered with an error code for, in order. */
  readonly errors: BlockStoreError[] = [];

  private constructor(sqlite3: SQLiteAPI, vfs: Engine['vfs'], locks: FaultyLocks | undefined) {
    this.#sqlite3 = sqlite3;
    this.vfs = vfs;
    this.#locks = locks;
    vfs.addEventListener('error', ({ detail }) => this.errors.push(detail.error));
  }

  static async create(build: Seat['build'], idbName: string): Promise<Engine> {
    const module = await CREATE[build]();
    const sqlite3 = SQLite.Factory(module);
    // The locks of the shared engine are its storage worker's.
    const locks = build === 'shared' ? undefined : new FaultyLocks(navigator.locks);
    const options = { ...OPTIONS, idbName, ...(locks && { locks }) };
    const vfs = await createVFS(build, module, options);
    sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
    return new Engine(sqlite3, vfs, locks);
  }

  async open(path: string): Promise<Database> {
    return new Database(this.#sqlite3, await this.#sqlite3.open_v2(path), () => {});
  }

  /** Others can have the lock from now on, and nobody here knows. */
  release(lock: string): void {
    this.#locks?.releaseHeld(lock);
  }
}

async function createVFS(
  build: Seat['build'],
  module: object,
  options: { readonly idbName: string },
): Promise<Engine['vfs']> {
  switch (build) {
    case 'asyncify':
    case 'jspi':
      return await IDBBlockVFS.create('history', module, options);
    case 'mirror':
      return await IDBBlockMirrorVFS.create('history', module, options);
    case 'shared':
      return await IDBBlockSharedVFS.create('history', module, options);
  }
}
