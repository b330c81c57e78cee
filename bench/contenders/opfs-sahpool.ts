/** SQLite's own package with its opfs-sahpool VFS, a reference of OPFS, and the same build in memory. */
import type { Database as Oo1Database, Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import type { Contender, Row, Session, Statement, Value } from '../types.ts';
import { hasFileSystem } from './builds.ts';

type Rows = Row[];

async function loadSqlite(): Promise<Sqlite3Static> {
  const { default: init } = await import('@sqlite.org/sqlite-wasm');
  return await init();
}

function openSession(db: Oo1Database, close: () => unknown): Session {
  const exec = (sql: string) =>
    db.exec({ sql, rowMode: 'array', returnValue: 'resultRows' }) as Rows;
  exec('PRAGMA synchronous = full');
  return {
    exec: async (sql) => exec(sql),
    prepare: async (sql) => prepare(db, sql),
    async close() {
      db.close();
      await close();
    },
  };
}

function prepare(db: Oo1Database, sql: string): Statement {
  const statement = db.prepare(sql);
  return {
    async run(parameters: Value[] = []) {
      if (parameters.length > 0) statement.bind(parameters);
      const rows: Rows = [];
      while (statement.step()) rows.push(statement.get([]) as Value[]);
      statement.reset();
      return rows;
    },
    async finalize() {
      statement.finalize();
    },
  };
}

/** A pool for each database: a pool is one context's alone as long as it is open. */
export const opfsSahpool: Contender = {
  name: 'opfs-sahpool.sqlite-wasm.strict',
  engine: 'opfs-sahpool',
  build: 'sqlite-wasm',
  durability: 'strict',
  waitsFor: '`flush()`',
  persistent: true,
  shareable: false,
  available: hasFileSystem,
  async load() {
    const sqlite3 = await loadSqlite();
    return async (database) => {
      const name = database.replaceAll('/', '-');
      const pool = await sqlite3.installOpfsSAHPoolVfs({ name, directory: `/${name}` });
      return openSession(new pool.OpfsSAHPoolDb('/bench.db'), () => pool.pauseVfs());
    };
  },
};

export const sqliteWasmMemory: Contender = {
  name: 'memory-plain.sqlite-wasm.none',
  engine: ':memory:',
  build: 'sqlite-wasm',
  durability: 'none',
  waitsFor: 'nothing: lost with the page',
  persistent: false,
  async load() {
    const sqlite3 = await loadSqlite();
    return async () => openSession(new sqlite3.oo1.DB(':memory:'), () => {});
  },
};
