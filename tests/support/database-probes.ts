/** What scenarios of an `openDatabase` suite have in common. */
import { type Database, type OpenOptions, SqlError } from '../../src/index.js';

export type ScenarioOptions = Pick<
  OpenOptions,
  'engine' | 'build' | 'idbName' | 'durability' | 'busyTimeoutMs' | 'locateFile' | 'cacheBytes'
>;

export type Scenario = (db: Database, options: ScenarioOptions) => Promise<unknown>;

export const PEOPLE = `CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, born INTEGER, face BLOB);
  INSERT INTO people(name, born) VALUES ('Ada', 1815), ('Grace', 1906)`;
export const MANY = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
  SELECT i FROM n`;

export async function values(db: Database): Promise<unknown[]> {
  return (await db.query('SELECT a FROM t ORDER BY a', [], { rows: 'arrays' })).flat();
}

/** What `await using` does, which WebKit cannot parse. */
export async function using<T extends AsyncDisposable, R>(
  resource: T,
  use: (resource: T) => Promise<R>,
): Promise<R> {
  try {
    return await use(resource);
  } finally {
    await resource[Symbol.asyncDispose]();
  }
}

/** How a call fails, in plain values. */
export async function failure(call: () => Promise<unknown> | undefined): Promise<unknown> {
  try {
    return { returned: await call() };
  } catch (error) {
    const { name, message, code } = error as Error & { code?: unknown };
    if (!(error instanceof SqlError)) return { name, message, code };
    return { name, message, code, sqliteCode: error.sqliteCode, isBusy: error.isBusy };
  }
}

export async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
