/** absurd-sql in a worker, as its README sets it up. */
import initSqlJs from '@jlongster/sql.js';
import wasm from '@jlongster/sql.js/dist/sql-wasm.wasm?url';
import { SQLiteFS } from 'absurd-sql';
import IndexedDBBackend from 'absurd-sql/dist/indexeddb-backend';
import { servePeer } from './serve-peer.ts';

servePeer(async (name, statements) => {
  const sql = await initSqlJs({ locateFile: () => wasm });
  const files = new SQLiteFS(sql.FS, new IndexedDBBackend());
  sql.register_for_idb(files);
  sql.FS.mkdir('/sql');
  sql.FS.mount(files, {}, '/sql');
  const db = new sql.Database(`/sql/${name}`, { filename: true });
  db.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = MEMORY');
  for (const statement of statements) db.exec(statement);
  // What it has committed is not awaited by it: the next read queues behind it.
  db.exec('SELECT count(*) FROM sqlite_master');
  db.close();
});
