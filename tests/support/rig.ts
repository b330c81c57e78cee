/** One page with a database on an IndexedDB that faults can be planned for. */
import type { BlockStoreError, VFSOptions } from '../../src/index.js';
import { FaultInjector } from '../../src/testing/index.js';
import { type BuildName, Context, type Database, freshVolume, type Row } from './sqlite.js';

/** How a statement ended. */
export type Outcome =
  | { readonly tag: 'done' }
  | { readonly tag: 'failed'; readonly code: number; readonly cause: BlockStoreError | undefined };

export interface RigOptions extends VFSOptions {
  /** Plans faults that opening meets. */
  readonly plan?: (faults: FaultInjector) => void;
}

/** wa-sqlite answers with primary result codes unless told otherwise. */
const PRIMARY = 0xff;

export class Rig {
  readonly idbName: string;
  readonly faults: FaultInjector;
  readonly context: Context;
  readonly db: Database;
  /** What the VFS said of failed methods. */
  readonly errors: BlockStoreError[] = [];

  private constructor(idbName: string, faults: FaultInjector, context: Context, db: Database) {
    this.idbName = idbName;
    this.faults = faults;
    this.context = context;
    this.db = db;
    context.vfs.addEventListener('error', ({ detail }) => this.errors.push(detail.error));
  }

  static async create(build: BuildName, options: RigOptions = {}): Promise<Rig> {
    const { plan, ...rest } = options;
    const idbName = options.idbName ?? freshVolume('fault');
    const faults = new FaultInjector();
    plan?.(faults);
    const context = await Context.create(build, { ...rest, idbName, indexedDB: faults.factory });
    try {
      return new Rig(idbName, faults, context, await context.open());
    } catch (cause) {
      await context.close();
      throw cause;
    }
  }

  /** Runs statements and says how they ended. */
  async try(sql: string, db: Database = this.db): Promise<Outcome> {
    const before = this.errors.length;
    try {
      await db.run(sql);
      return { tag: 'done' };
    } catch (error) {
      const code = (error as { code?: number }).code ?? -1;
      return { tag: 'failed', code: code & PRIMARY, cause: this.errors[before] };
    }
  }

  /** Resolves when all that was sent ahead has been acted on: only now do planned faults meet what follows. */
  async arrived(): Promise<void> {
    // Asked of the storage behind everything else.
    await this.context.vfs.stats();
  }

  /** A table of `rows` rows, each on a page of its own. */
  async fill(rows: number): Promise<void> {
    await this.db.run(`CREATE TABLE t(id INTEGER PRIMARY KEY, v); ${insert(rows)}`);
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

/** Inserts `rows` rows of 3,000 bytes in one statement. */
export function insert(rows: number): string {
  const from = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})`;
  return `${from} INSERT INTO t(v) SELECT randomblob(3000) FROM n`;
}

/** What a database holds, small enough to compare. */
export async function contentOf(db: Database): Promise<Row[]> {
  return await db.rows('SELECT count(*), sum(id), max(id), sum(length(v)) FROM t');
}

/** What a page that comes later finds in the volume. */
export async function reopened<T>(
  build: BuildName,
  idbName: string,
  look: (db: Database) => Promise<T>,
): Promise<T> {
  const context = await Context.create(build, { idbName });
  try {
    return await look(await context.open());
  } finally {
    await context.close();
  }
}

export function integrity(db: Database): Promise<unknown> {
  return db.value('PRAGMA integrity_check');
}
