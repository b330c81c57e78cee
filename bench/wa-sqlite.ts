/** A session on wa-sqlite, the same for every VFS: figures then differ by the VFS alone. */
import type { Row, Session, Statement, Value } from './types.ts';

const SQLITE_ROW = 100;

export interface WaSqliteOptions {
  readonly sqlite3: SQLiteAPI;
  readonly file: string;
  readonly synchronous: 'full' | 'normal' | 'off';
  /** Of a database that is created. Default: SQLite's. */
  readonly pageBytes?: number | undefined;
  /** SQLite's locking mode. Default: normal. */
  readonly locking?: 'exclusive' | undefined;
  readonly counters?: () => Record<string, number>;
  readonly durable?: () => Promise<void>;
  readonly closeVFS?: () => unknown;
}

export async function openSession(options: WaSqliteOptions): Promise<Session> {
  const { sqlite3, counters, durable, closeVFS } = options;
  const db = await sqlite3.open_v2(options.file);
  const exec = async (sql: string) => {
    const rows: Row[] = [];
    for await (const statement of sqlite3.statements(db, sql)) {
      rows.push(...(await rowsOf(sqlite3, statement)));
    }
    return rows;
  };
  if (options.pageBytes !== undefined) await exec(`PRAGMA page_size = ${options.pageBytes}`);
  if (options.locking) await exec(`PRAGMA locking_mode = ${options.locking}`);
  await exec(`PRAGMA synchronous = ${options.synchronous}`);
  return {
    exec,
    prepare: (sql) => prepare(sqlite3, db, sql),
    ...(counters ? { counters } : {}),
    ...(durable ? { durable } : {}),
    async close() {
      await sqlite3.close(db);
      await closeVFS?.();
    },
  };
}

async function rowsOf(sqlite3: SQLiteAPI, statement: number): Promise<Row[]> {
  const rows: Row[] = [];
  while ((await sqlite3.step(statement)) === SQLITE_ROW) rows.push(sqlite3.row(statement));
  return rows;
}

async function prepare(sqlite3: SQLiteAPI, db: number, sql: string): Promise<Statement> {
  // The iterator finalizes its statement when it goes on: it stays where it is until then.
  const iterator = sqlite3.statements(db, sql)[Symbol.asyncIterator]();
  const { value: statement } = await iterator.next();
  if (statement === undefined) throw new Error(`No statement in: ${sql}`);
  return {
    async run(parameters: Value[] = []) {
      if (parameters.length > 0) sqlite3.bind_collection(statement, parameters);
      const rows: Row[] = [];
      while ((await sqlite3.step(statement)) === SQLITE_ROW) rows.push(sqlite3.row(statement));
      await sqlite3.reset(statement);
      return rows;
    },
    async finalize() {
      await iterator.return?.(undefined);
    },
  };
}
