/** This package's IDBBlockVFS, with its defaults. */
import type { Contender } from '../types.ts';
import { openSession } from '../wa-sqlite.ts';
import { loadBuild, loadLegacy } from './builds.ts';

const WAITS_FOR = {
  strict: '`complete`, durability `strict`',
  relaxed: '`complete`, durability `default`',
};

function contender(
  build: 'asyncify' | 'jspi' | 'legacy',
  durability: 'strict' | 'relaxed',
): Contender {
  return {
    name: `idb-block.${build}.${durability}`,
    engine: 'IDBBlockVFS',
    build,
    durability,
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    optional: build === 'legacy',
    async open(database) {
      const { module, sqlite3 } = await (build === 'legacy' ? loadLegacy() : loadBuild(build));
      const { IDBBlockVFS } = await import('../../src/index.ts');
      const vfs = await IDBBlockVFS.create(database, module);
      sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
      return await openSession({
        sqlite3,
        file: 'bench.db',
        synchronous: durability === 'strict' ? 'full' : 'normal',
        counters: () => {
          const { recoveries: _, ...counters } = vfs.stats();
          return counters;
        },
        closeVFS: () => vfs.close(),
      });
    },
  };
}

export const idbBlock: readonly Contender[] = [
  contender('asyncify', 'strict'),
  contender('asyncify', 'relaxed'),
  contender('jspi', 'strict'),
  contender('jspi', 'relaxed'),
  contender('legacy', 'strict'),
  contender('legacy', 'relaxed'),
];
