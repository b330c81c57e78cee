/** Has the database. The page asks, and is told of events. */
import { type Database, openDatabase, type VFSEventMap } from '../src/index.ts';
import type { CallMessage, Calls, Opening, Table, WorkerMessage } from './protocol.ts';

const PATH = 'cities.db';
const IDB_NAME = 'idb-block-vfs-page';
/** So many rows are shown. */
const ROWS_MAX = 500;
const INSERT = `INSERT INTO city SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3,
  value ->> 5, value ->> 6, value ->> 7 FROM json_each(?)`;

const say = (message: WorkerMessage) => (self as unknown as Worker).postMessage(message);

let database: Database | undefined;

function db(): Database {
  if (!database) throw new Error('The database is not open');
  return database;
}

const calls: Calls = {
  async open({ engine, durability }: Opening) {
    await database?.close();
    database = undefined;
    const opened = await openDatabase(PATH, { engine, durability, idbName: IDB_NAME });
    database = opened;
    tell(opened);
    return {
      engine: opened.engine,
      durability: opened.durability,
      persistence: opened.persistence,
    };
  },

  async run(sql) {
    const started = performance.now();
    const table = await rowsOf(sql);
    return { ...table, durationMs: performance.now() - started };
  },

  async loadCities() {
    const response = await fetch('/cities.jsonl');
    if (!response.ok) throw new Error(`The cities could not be had: ${response.status}`);
    const lines = (await response.text()).split('\n');
    return await db().transaction(async (tx) => {
      await tx.exec(`DROP TABLE IF EXISTS city;
        CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT, country TEXT, region TEXT,
          population INTEGER, latitude REAL, longitude REAL)`);
      let count = 0;
      for (const line of lines) count += (await tx.exec(INSERT, [line])).changes;
      await tx.exec('CREATE INDEX city_population ON city(population DESC)');
      return count;
    });
  },

  async rewriteForEver() {
    await db().exec('CREATE TABLE IF NOT EXISTS rewritten(at INTEGER, what BLOB)');
    for (let at = 1; ; at++) {
      await db().transaction(async (tx) => {
        await tx.exec('DELETE FROM rewritten');
        await tx.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
          INSERT INTO rewritten SELECT ${at}, randomblob(3000) FROM n`);
      });
      say({ type: 'event', name: 'acknowledged', text: `commit ${at} of 2,000 rows` });
    }
  },

  stats: async () => db().vfs.stats(),

  async blocks() {
    const { version, versions, segments } = await db().vfs.layout(PATH);
    return { version, versions, segments };
  },

  exportFile: async () => await new Response(db().export()).blob(),

  async importFile(file) {
    const { fileBytes, pageBytes } = await db().import(file);
    return `${(fileBytes / pageBytes).toLocaleString('en')} pages of ${pageBytes} bytes`;
  },

  async verify() {
    const { blocksChecked, defects } = await db().vfs.verify(PATH);
    if (defects.length > 0) return `${defects.length} defects: ${defects[0]?.error.message}`;
    return `${blocksChecked.toLocaleString('en')} blocks read and checked, no defect`;
  },

  async close() {
    await database?.close();
    database = undefined;
  },
};

/** One statement's rows, if it has any; of several statements only how many rows they changed. */
async function rowsOf(sql: string): Promise<Omit<Table, 'durationMs'>> {
  const isOne = !/;\s*\S/.test(sql);
  if (!isOne || !/^\s*(select|with|values|pragma|explain)\b/i.test(sql)) {
    const { changes } = await db().exec(sql);
    return { columns: [], rows: [], changes };
  }
  const rows: unknown[][] = [];
  let columns: string[] = [];
  for await (const row of db().iterate(sql)) {
    columns = Object.keys(row);
    rows.push(Object.values(row));
    if (rows.length >= ROWS_MAX) break;
  }
  return { columns, rows, changes: 0 };
}

function tell({ vfs }: Database): void {
  vfs.addEventListener('commit', ({ detail }) => {
    if (detail.durationMs !== undefined) say({ type: 'commit', durationMs: detail.durationMs });
  });
  const texts: { [K in keyof VFSEventMap]?: (detail: VFSEventMap[K]) => string } = {
    recovery: ({ version, foundAbove, deletedAbove, durationMs }) =>
      `version ${version}; ${foundAbove ? 'an unfinished commit was found' : 'nothing unfinished'}${
        deletedAbove ? ' and removed' : ''
      }; ${durationMs.toFixed(1)} ms`,
    error: ({ error }) => error.message,
    loss: ({ error }) => error.message,
    backpressure: ({ waits, commits }) => (waits ? `${commits} commits wait` : 'over'),
    connectionlost: ({ why }) => why,
    connectionhealed: ({ reopens }) => `opened ${reopens} times`,
    writerchange: ({ held, why }) => `${held ? 'this tab writes' : 'another may write'} (${why})`,
    flush: ({ commits }) => `${commits} commits are complete`,
  };
  for (const name of Object.keys(texts) as (keyof VFSEventMap)[]) {
    vfs.addEventListener(name, ({ detail }) => {
      const text = (texts[name] as ((detail: unknown) => string) | undefined)?.(detail) ?? '';
      say({ type: 'event', name, text });
    });
  }
  const [recovery] = vfs.stats().recoveries;
  if (recovery) say({ type: 'event', name: 'recovery', text: texts.recovery?.(recovery) ?? '' });
}

addEventListener('message', async ({ data }: MessageEvent<CallMessage>) => {
  const { id, name, args } = data;
  try {
    const value = await (calls[name] as (...all: readonly unknown[]) => Promise<unknown>)(...args);
    say({ type: 'answer', id, value });
  } catch (error) {
    say({ type: 'failure', id, message: (error as Error).message });
  }
});
