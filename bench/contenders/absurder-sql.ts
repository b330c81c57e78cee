/**
 * absurder-sql on IndexedDB. It works in memory: `sync()` stores what has changed, and its own benchmark
 * calls that after each write. Here it is called after each commit, or never before closing.
 *
 * Its statements cannot be prepared: what the others prepare once is SQL text to it each time.
 */
import type { Contender, Row, Session, Value } from '../types.ts';

/** A value as its API takes and gives it. */
interface Cell {
  readonly type: string;
  readonly value?: number | string | readonly number[];
}

interface Rows {
  readonly rows: readonly { readonly values: readonly Cell[] }[];
}

interface Database {
  executeWithParams(sql: string, parameters: readonly Cell[]): Promise<Rows>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const WRITES = /^\s*(INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|COMMIT|END|VACUUM|WITH)\b/i;

function contender(synced: boolean): Contender {
  return {
    name: `absurder-sql.${synced ? 'synced' : 'unsynced'}.${synced ? 'relaxed' : 'none'}`,
    engine: synced ? 'absurder-sql, sync() each commit' : 'absurder-sql, sync() at the end',
    build: 'absurder-sql',
    durability: synced ? 'relaxed' : 'none',
    waitsFor: synced
      ? '`sync()`; durability `default`'
      : 'nothing: lost with the page until `sync()`',
    persistent: true,
    shareable: false,
    async load() {
      const { default: init, Database } = await import('@npiesco/absurder-sql');
      await init();
      return async (name) => {
        const db = await Database.newDatabaseWithBackend(name.replaceAll('/', '-'), 'IndexedDB');
        await db.allowNonLeaderWrites(true);
        return openSession(db, synced);
      };
    },
  };
}

function openSession(db: Database, synced: boolean): Session {
  let inSqliteTx = false;
  const execute = async (sql: string, parameters: readonly Value[]): Promise<Row[]> => {
    const { rows } = await db.executeWithParams(sql, parameters.map(cellOf));
    if (/^\s*BEGIN\b/i.test(sql)) inSqliteTx = true;
    if (/^\s*(COMMIT|END|ROLLBACK)\b/i.test(sql)) inSqliteTx = false;
    if (synced && !inSqliteTx && WRITES.test(sql)) await db.sync();
    return rows.map(({ values }) => values.map(fromCell));
  };
  return {
    async exec(sql) {
      const rows: Row[] = [];
      // It runs the first statement of a text and no more; no workload has a semicolon in a literal.
      for (const statement of sql.split(';').filter((text) => text.trim() !== '')) {
        rows.push(...(await execute(statement, [])));
      }
      return rows;
    },
    prepare: async (sql) => ({
      run: (parameters = []) => execute(sql, parameters),
      finalize: async () => {},
    }),
    async close() {
      await db.sync();
      await db.close();
    },
  };
}

function cellOf(value: Value): Cell {
  if (value === null) return { type: 'Null' };
  if (typeof value === 'string') return { type: 'Text', value };
  if (typeof value === 'number') {
    return { type: Number.isInteger(value) ? 'Integer' : 'Real', value };
  }
  return { type: 'Blob', value: [...value] };
}

function fromCell({ value }: Cell): Row[number] {
  if (value === undefined) return null;
  return typeof value === 'object' ? [...value] : value;
}

export const absurderSql: readonly Contender[] = [contender(true), contender(false)];
