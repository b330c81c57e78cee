/** What tests have another library write, and how they look at where it lies. */
import { openDB } from 'idb';
import { expect } from 'vitest';
import { xxh32 } from '../../../src/format/checksum.js';
import { readAll } from '../bytes.ts';
import { plainDump } from '../plain-rows.ts';
import { type Database, Site } from '../sqlite.js';

/** Each a statement by itself; none has a semicolon or a random value in it. */
export const STATEMENTS: readonly string[] = [
  'CREATE TABLE t(id INTEGER PRIMARY KEY, text, bytes)',
  'CREATE INDEX by_text ON t(text)',
  `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 600)
    SELECT i, printf('%0500d', i * 7919 % 1000), x'00ff10' || i FROM s`,
  'DELETE FROM t WHERE id % 3 = 0',
  "UPDATE t SET text = 'changed' WHERE id % 10 = 1",
  'CREATE TABLE u(a, b REAL)',
  "INSERT INTO u VALUES ('ü', 1.5), (NULL, -0.25)",
];

/** Makes the file shorter than what was stored of it. */
export const SHRINK: readonly string[] = ['DELETE FROM t WHERE id > 100', 'VACUUM'];

/** What SQLite in memory makes of the same statements. */
export async function expected(statements: readonly string[]): Promise<Record<string, unknown>> {
  const site = new Site('asyncify');
  try {
    const oracle = await site.open(':memory:');
    for (const sql of statements) await oracle.run(sql);
    return await plainDump(oracle);
  } finally {
    await site.remove();
  }
}

/** Migrates into a database of ours and compares everything. @returns the database, open */
export async function expectMigrated(
  site: Site,
  stream: ReadableStream<Uint8Array>,
  statements: readonly string[],
): Promise<Database> {
  const { vfs } = await site.context();
  const report = await vfs.importFile('migrated.db', stream);
  const db = await site.open('migrated.db');
  await db.expectIntact();
  expect(await plainDump(db)).toEqual(await expected(statements));
  expect(await db.value('PRAGMA page_count')).toBe(report.fileBytes / report.pageBytes);
  await db.run("INSERT INTO u VALUES ('goes on', 1)");
  return db;
}

/** Every record of an IndexedDB database, to see that nothing was touched. */
export async function recordsOf(name: string): Promise<Record<string, unknown>> {
  const db = await openDB(name);
  try {
    const records: Record<string, unknown> = { version: db.version };
    for (const store of db.objectStoreNames) {
      const [keys, values] = [await db.getAllKeys(store), await db.getAll(store)];
      records[store] = keys.map((key, i) => [JSON.stringify(key), digestOf(values[i])]);
    }
    return records;
  } finally {
    db.close();
  }
}

function digestOf(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return xxh32(new Uint8Array(value), 0);
  if (value instanceof Uint8Array) return xxh32(value.slice(), 0);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([name, part]) => [name, digestOf(part)]);
}

/** Changes the records of an IndexedDB database behind its library's back. */
export async function alter(
  name: string,
  store: string,
  change: (store: {
    get(key: IDBValidKey): Promise<unknown>;
    put(value: unknown, key?: IDBValidKey): Promise<unknown>;
    delete(key: IDBValidKey): Promise<unknown>;
  }) => Promise<unknown>,
): Promise<void> {
  const db = await openDB(name);
  try {
    await change({
      get: (key) => db.get(store, key),
      put: (value, key) => db.put(store, value, key),
      delete: async (key) => {
        expect(await db.getKey(store, key)).toBeDefined();
        await db.delete(store, key);
      },
    });
  } finally {
    db.close();
  }
}

/** What a stream fails with. */
export async function failureOf(stream: ReadableStream<Uint8Array>): Promise<unknown> {
  try {
    await readAll(stream);
  } catch (cause) {
    return cause;
  }
  throw new Error('did not fail');
}

/** Runs statements in a worker that has another library. */
export class PeerWorker {
  readonly worker: Worker;

  constructor(worker: Worker) {
    this.worker = worker;
  }

  async write(name: string, statements: readonly string[]): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.worker.addEventListener('message', ({ data }) => {
        if (data.type === 'written') resolve();
        if (data.type === 'failed') reject(new Error(data.message));
      });
      this.worker.addEventListener('error', ({ message }) => reject(new Error(message)));
      this.worker.postMessage({ type: 'write', name, statements });
    });
  }

  end(): void {
    this.worker.terminate();
  }
}
