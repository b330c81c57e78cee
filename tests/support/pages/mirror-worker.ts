/** A worker of any kind that writes and reads a database through the mirror, and says how it went. */
import * as SQLite from 'wa-sqlite';
import createModule from 'wa-sqlite/dist/wa-sqlite.mjs';
import { IDBBlockMirrorVFS } from '../../../src/index.js';

export interface Job {
  readonly idbName: string;
  readonly sql: string;
}

export type Report = { readonly rows: unknown[][]; readonly scope: string } | { error: string };

async function work({ idbName, sql }: Job): Promise<Report> {
  const module = await createModule();
  const sqlite3 = SQLite.Factory(module);
  const vfs = await IDBBlockMirrorVFS.create('worker-vfs', module, { idbName });
  try {
    sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
    const db = await sqlite3.open_v2('test.db');
    const rows: unknown[][] = [];
    for await (const statement of sqlite3.statements(db, sql)) {
      while ((await sqlite3.step(statement)) === SQLite.SQLITE_ROW)
        rows.push(sqlite3.row(statement));
    }
    await sqlite3.close(db);
    return { rows, scope: globalThis.constructor.name };
  } finally {
    await vfs.close();
  }
}

async function serve(job: Job, reply: (report: Report) => void): Promise<void> {
  reply(await work(job).catch((cause: unknown) => ({ error: String(cause) })));
}

/** A dedicated worker gets its job itself; the others by a port, as a connection or in a message. */
globalThis.addEventListener('message', (event) => {
  const { data, ports } = event as MessageEvent<Job>;
  const target = ports[0] ?? (globalThis as object as Worker);
  serve(data, (report) => target.postMessage(report)).catch(() => undefined);
});
globalThis.addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<Job>) => {
    serve(data, (report) => port.postMessage(report)).catch(() => undefined);
  };
});
