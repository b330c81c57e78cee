/** wa-sqlite's own IDBMirrorVFS: the whole database in memory, each page a record. */
import type { Contender } from '../types.ts';
import { openSession } from '../wa-sqlite.ts';
import { type AsyncBuild, available, loadBuild } from './builds.ts';

/** With `synchronous=normal` it waits for nothing, and closing it throws: `full` alone takes part. */
function contender(build: AsyncBuild): Contender {
  return {
    name: `idb-mirror.${build}.full`,
    engine: 'IDBMirrorVFS',
    build,
    // It leaves the durability of its idbTxs to the browser.
    durability: 'relaxed',
    waitsFor: '`complete`, durability `default`',
    persistent: true,
    available: () => available(build),
    // Slower than on JSPI throughout.
    optional: build === 'asyncify',
    async load() {
      const { module, sqlite3 } = await loadBuild(build);
      const { IDBMirrorVFS } = await import('@journeyapps/wa-sqlite/src/examples/IDBMirrorVFS.js');
      return async (database) => {
        const vfs = await IDBMirrorVFS.create(database, module);
        sqlite3.vfs_register(vfs, true);
        return await openSession({
          sqlite3,
          file: 'bench.db',
          synchronous: 'full',
          closeVFS: () => (vfs as SQLiteVFS & { close(): void }).close(),
        });
      };
    },
  };
}

export const idbMirror: readonly Contender[] = [contender('asyncify'), contender('jspi')];
