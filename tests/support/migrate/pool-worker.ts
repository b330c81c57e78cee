/** SQLite's own package with its opfs-sahpool VFS, in a worker. */
import init from '@sqlite.org/sqlite-wasm';
import { servePeer } from './serve-peer.ts';

servePeer(async (name, statements) => {
  const sqlite3 = await init();
  // The pool's folder is named like the database, so that tests do not meet.
  const pool = await sqlite3.installOpfsSAHPoolVfs({ directory: `${name}-pool` });
  const db = new pool.OpfsSAHPoolDb(`/${name}`);
  for (const sql of statements) db.exec(sql);
  db.close();
});
