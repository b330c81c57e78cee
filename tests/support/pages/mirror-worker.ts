/** A worker of any kind that writes and reads a database through the mirror, and says how it went. */
import * as SQLite from '@journeyapps/wa-sqlite';
import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import { IDBBlockMirrorVFS } from '../../../src/index.js';
import { answerJobs } from './worker-jobs.ts';

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

answerJobs(work);
