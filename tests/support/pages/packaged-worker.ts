/** The worker of packaged.ts. */

import * as SQLite from '@journeyapps/wa-sqlite';
import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import { IDBBlockSharedVFS } from 'idb-block-vfs';

const module = await createModule();
const sqlite3 = SQLite.Factory(module);
const vfs = await IDBBlockSharedVFS.create('packaged', module);
sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
const db = await sqlite3.open_v2('app.db');
await sqlite3.exec(db, 'CREATE TABLE IF NOT EXISTS t(v); INSERT INTO t VALUES (1)');
const rows: unknown[] = [];
await sqlite3.exec(db, 'SELECT count(*) FROM t', (row) => rows.push(...row));
await sqlite3.close(db);
await vfs.close();
postMessage(rows);
