/** A worker with synchronous wa-sqlite builds and the shared engine, which does what a test asks. */
import {
  type BackupMark,
  BlockStoreError,
  IDBBlockSharedVFS,
  type TransferProgress,
} from '../../../src/index.js';
import { SourceReader } from '../../../src/transfer/source.js';
import { receiveFrom, sendThrough, tellProgress } from '../../../src/vfs/shared/byte-pipe.js';
import { plainError, withPlainErrors } from '../../../src/vfs/shared/plain-error.js';
import { Database } from '../database.ts';
import { loadSynchronous } from '../synchronous-builds.ts';
import type { Answer, Call, Calls, StorageFunction } from './calls.ts';

type Async<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<R>
    : never;
};

interface Context {
  readonly sqlite3: SQLiteAPI;
  readonly vfs: IDBBlockSharedVFS;
  readonly open: Set<Database>;
}

const contexts = new Map<number, Context>();
const databases = new Map<number, Database>();
let numbers = 0;

const calls: Async<Calls> = {
  async create(build, options, storage) {
    const { module, sqlite3 } = await loadSynchronous(build);
    const worker = typeof storage === 'string' ? starters[storage] : storage;
    const vfs = await IDBBlockSharedVFS.create('shared', module, {
      ...(worker && { worker }),
      ...options,
    });
    sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
    contexts.set(++numbers, { sqlite3, vfs, open: new Set() });
    return numbers;
  },
  async open(context, path, flags) {
    const { sqlite3, open } = contextOf(context);
    const handle = await sqlite3.open_v2(path, flags);
    const number = ++numbers;
    const database = new Database(sqlite3, handle, () => {
      databases.delete(number);
      open.delete(database);
    });
    databases.set(number, database);
    open.add(database);
    return number;
  },
  rows: (database, sql, parameters) => databaseOf(database).rows(sql, parameters),
  inTransaction: (database) => databaseOf(database).inTransaction(),
  closeDatabase: (database) => databaseOf(database).close(),
  async vfs(context, method, args) {
    const { vfs } = contextOf(context);
    const call = vfs[method as keyof IDBBlockSharedVFS];
    if (typeof call !== 'function') return call;
    return await (call as (...args: readonly unknown[]) => unknown).apply(vfs, [...args]);
  },
  async send(context, port, method, args) {
    const { vfs } = contextOf(context);
    let mark: BackupMark | undefined;
    const onEnd = (made: BackupMark) => {
      mark = made;
    };
    const told = { onEnd, onProgress: tellProgress(port) };
    const [path, since] = args as [string, number];
    const stream =
      method === 'exportFile' ? vfs.exportFile(path, told) : vfs.changesSince(path, since);
    const source = new SourceReader(stream);
    try {
      await sendThrough(port, source, { volume: '', mark: () => mark });
    } finally {
      await source.close();
    }
  },
  async take(context, port, method, path, options) {
    const { vfs } = contextOf(context);
    const stream = receiveFrom(port).stream;
    const tell = tellProgress(port);
    let progressCount = 0;
    const onProgress = (progress: TransferProgress) => {
      progressCount++;
      tell(progress);
    };
    const report: unknown = await vfs[method](path, stream, { ...options, onProgress });
    return { report, progressCount };
  },
  async listen(context, event) {
    contextOf(context).vfs.addEventListener(event, ({ detail }) =>
      tell({ context, event, detail: withPlainErrors(detail, '') }),
    );
  },
  async close(context) {
    const { vfs, open } = contextOf(context);
    for (const database of [...open]) await database.close();
    await vfs.close();
    contexts.delete(context);
  },
};

/** As an app does that has bundled a storage worker by itself. */
const starters: Readonly<Record<StorageFunction, () => Worker>> = {
  function: () =>
    new Worker(new URL('../../../src/vfs/shared/storage-worker.ts', import.meta.url), {
      type: 'module',
    }),
  'odd function': () =>
    new Worker(new URL('./odd-storage.ts', import.meta.url), { type: 'module', name: '' }),
};

function contextOf(number: number): Context {
  const context = contexts.get(number);
  if (!context) throw new Error(`context ${number} is not open`);
  return context;
}

function databaseOf(number: number): Database {
  const database = databases.get(number);
  if (!database) throw new Error(`database ${number} is not open`);
  return database;
}

function tell(answer: Answer): void {
  postMessage(answer);
}

function tellError(id: number, error: unknown): void {
  if (error instanceof BlockStoreError) tell({ id, error: plainError(error, '') });
  else {
    const { code, message } = error as { code: number; message: string };
    tell({ id, sqlite: { code, message } });
  }
}

addEventListener('message', ({ data: { id, name, args } }: MessageEvent<Call>) => {
  const call = calls[name] as (...args: readonly unknown[]) => Promise<unknown>;
  Promise.resolve()
    .then(() => call(...args))
    .then(
      (value) => tell({ id, value: withPlainErrors(value, '') }),
      (error) => tellError(id, error),
    );
});
