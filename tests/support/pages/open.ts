/** A database on any engine and build: in this page, or in the worker that the shared engine needs. */

import { storagePort } from '../../../src/vfs/shared/storage-port.js';
import type { SharedBuild } from '../builds.ts';
import type { SharedOptions } from '../shared/calls.ts';
import { SharedContext, SharedPage } from '../shared/context.ts';
import type { BuildName } from '../sqlite.ts';
import { Database, type LocalBuild, type OpenOptions } from './database.ts';

type Rows = Awaited<ReturnType<Database['rows']>>;

/** What a page asks of its database, wherever it runs. */
export interface PageDatabase {
  readonly vfs: Pick<Database['vfs'], 'durable' | 'listFiles' | 'verify'>;
  /** IndexedDB requests made so far, or calls made of the worker that makes them. */
  readonly requests: number;
  run(sql: string, parameters?: readonly SQLiteCompatibleType[]): Promise<void>;
  rows(sql: string, parameters?: readonly SQLiteCompatibleType[]): Promise<Rows>;
  value(sql: string): Promise<SQLiteCompatibleType | null>;
  attach(path: string, schema: string): Promise<void>;
  inTransaction(): Promise<boolean>;
  /** Takes up what the store has, where no statement can. */
  reload(): Promise<void>;
  /** Begins to write, when the writer lock is free. */
  beginImmediate(): Promise<void>;
  serialize(schema: string): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

interface PageOptions extends Omit<OpenOptions, 'build'> {
  readonly build: BuildName;
  /** Starts a storage worker for the shared engine. Default: it starts one by itself. */
  readonly startStorage?: (() => Worker) | undefined;
}

/** A storage worker that is held is not to be given up before that which it waits for has died. */
const WORKER_TIMEOUT_MS = 60_000;

export async function openDatabase(path: string, options: PageOptions): Promise<PageDatabase> {
  const { build } = options;
  if (build === 'shared' || build === 'legacy-shared')
    return await openShared(path, build, options);
  return await Database.open(path, { ...options, build: build satisfies LocalBuild });
}

async function openShared(
  path: string,
  build: SharedBuild,
  { vfs: options, watch, startStorage }: PageOptions,
): Promise<PageDatabase> {
  const page = new SharedPage();
  const storage = startStorage?.();
  const context = await SharedContext.create(
    page,
    build,
    { idbName: 'page', workerTimeoutMs: WORKER_TIMEOUT_MS, ...(options as Partial<SharedOptions>) },
    storage && storagePort(storage),
  );
  const vfs = context.vfs as unknown as Database['vfs'];
  watch(vfs);
  const database = await context.open(path);
  let requests = 0;
  const counted = (sql: string, parameters?: readonly SQLiteCompatibleType[]) => {
    requests++;
    return database.rows(sql, parameters);
  };
  const run = async (sql: string, parameters?: readonly SQLiteCompatibleType[]) =>
    void (await counted(sql, parameters));
  return {
    vfs,
    get requests() {
      return requests;
    },
    rows: counted,
    run,
    inTransaction: () => database.inTransaction(),
    reload: async () => {},
    attach: (path, schema) => run(`ATTACH '${path}' AS ${schema}`),
    beginImmediate: () => run('BEGIN IMMEDIATE'),
    value: async (sql) => (await counted(sql))[0]?.[0] ?? null,
    serialize: () => Promise.reject(new Error('serialize works on the Asyncify build only')),
    async close() {
      await database.close();
      await context.close();
      page.worker.terminate();
      storage?.terminate();
    },
  };
}
