/** absurd-sql, as its README sets it up, with the page size SQLite has and the one the README suggests. */
import type { Contender, Row, Session, Statement, Value } from '../types.ts';
import { hasSharedMemory } from './builds.ts';
import { quiet } from './quiet.ts';

const FOLDER = '/sql';

type SqlJs = Awaited<ReturnType<typeof loadSqlJs>>;
type SqlJsDatabase = InstanceType<SqlJs['Database']>;

function contender(pageBytes: 4096 | 8192): Contender {
  return {
    name: `absurd-sql.sql.js.${pageBytes}`,
    engine: 'absurd-sql',
    pageBytes,
    build: 'sql.js',
    durability: 'relaxed',
    // Unlocking commits the idbTx and opens a readonly one; neither end is awaited. The next
    // sqliteTx's first read queues behind it.
    waitsFor: '`commit()` being called, not `complete`; durability `default`',
    persistent: true,
    available: hasSharedMemory,
    async attach(worker) {
      const { initBackend } = await import('absurd-sql/dist/indexeddb-main-thread');
      initBackend(worker);
    },
    async load() {
      const sql = await loadSqlJs();
      return async (database) => openSession(sql, { database, pageBytes });
    },
  };
}

async function loadSqlJs() {
  const [{ default: initSqlJs }, { default: wasm }, { SQLiteFS }, { default: Backend }] =
    await Promise.all([
      import('@jlongster/sql.js'),
      import('@jlongster/sql.js/dist/sql-wasm.wasm?url'),
      import('absurd-sql'),
      import('absurd-sql/dist/indexeddb-backend'),
    ]);
  const sql = await initSqlJs({ locateFile: () => wasm });
  const files = new SQLiteFS(sql.FS, new Backend());
  sql.register_for_idb(files);
  sql.FS.mkdir(FOLDER);
  sql.FS.mount(files, {}, FOLDER);
  return sql;
}

interface Options {
  readonly database: string;
  readonly pageBytes: number;
}

function openSession(sql: SqlJs, { database, pageBytes }: Options): Session {
  const file = database.replaceAll('/', '-');
  const db = new sql.Database(`${FOLDER}/${file}`, { filename: true });
  const exec = (statements: string): Row[] => db.exec(statements).flatMap(({ values }) => values);
  // As the others, it has its database opened and its schema read before the clock stops.
  exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = full`);
  const [found] = exec('PRAGMA page_size');
  if (found?.[0] !== pageBytes) throw new Error(`Pages of ${found?.[0]} bytes`);
  return {
    exec: async (statements) => exec(statements),
    prepare: async (text) => prepare(db, text),
    async close() {
      await quiet(file);
      db.close();
    },
  };
}

function prepare(db: SqlJsDatabase, text: string): Statement {
  const statement = db.prepare(text);
  return {
    async run(parameters: Value[] = []) {
      if (parameters.length > 0) statement.bind(parameters);
      const rows: Row[] = [];
      while (statement.step()) rows.push(statement.get());
      statement.reset();
      return rows;
    },
    async finalize() {
      statement.free();
    },
  };
}

export const absurdSql: readonly Contender[] = [contender(4096), contender(8192)];
