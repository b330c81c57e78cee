/** wa-sqlite's OPFSCoopSyncVFS in a worker: files of OPFS as they are. */
import * as SQLite from '@journeyapps/wa-sqlite';
import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import { OPFSCoopSyncVFS } from '@journeyapps/wa-sqlite/src/examples/OPFSCoopSyncVFS.js';
import { servePeer } from './serve-peer.ts';

servePeer(async (name, statements) => {
  const module = await createModule();
  const sqlite3 = SQLite.Factory(module);
  const vfs = await OPFSCoopSyncVFS.create('opfs', module);
  sqlite3.vfs_register(vfs, true);
  const db = await sqlite3.open_v2(name);
  for (const sql of statements) await sqlite3.exec(db, sql);
  await sqlite3.close(db);
});
