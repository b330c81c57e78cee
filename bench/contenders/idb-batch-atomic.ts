/** wa-sqlite's own IDBBatchAtomicVFS, with its defaults. */
import type { Contender } from '../types.ts';
import { openSession } from '../wa-sqlite.ts';
import { type AsyncBuild, loadBuild, loadLegacy } from './builds.ts';
import { quiet } from './quiet.ts';

const ENGINE = 'IDBBatchAtomicVFS';
const WAITS_FOR = {
  strict: '`complete`, durability `strict`',
  // Its sync(false) awaits the requests of the idbTx, not the idbTx.
  relaxed: 'the requests, not `complete`; durability `relaxed`',
};
const SYNCHRONOUS = { strict: 'full', relaxed: 'normal' } as const;

type Closing = SQLiteVFS & { close(): unknown };

async function closeQuietly(vfs: Closing, database: string): Promise<void> {
  await quiet(database);
  await vfs.close();
}

function current(build: AsyncBuild, durability: 'strict' | 'relaxed'): Contender {
  return {
    name: `idb-batch-atomic.${build}.${durability}`,
    engine: ENGINE,
    build,
    durability,
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    async open(database) {
      const { module, sqlite3 } = await loadBuild(build);
      const { IDBBatchAtomicVFS } = await import('wa-sqlite/src/examples/IDBBatchAtomicVFS.js');
      const vfs = (await IDBBatchAtomicVFS.create(database, module)) as Closing;
      sqlite3.vfs_register(vfs, true);
      return await openSession({
        sqlite3,
        file: 'bench.db',
        synchronous: SYNCHRONOUS[durability],
        closeVFS: () => closeQuietly(vfs, database),
      });
    },
  };
}

/** The old line takes the durability from an option. */
function legacy(durability: 'strict' | 'relaxed'): Contender {
  return {
    name: `idb-batch-atomic.legacy.${durability}`,
    engine: ENGINE,
    build: 'legacy',
    durability,
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    optional: true,
    async open(database) {
      const { sqlite3 } = await loadLegacy();
      const { IDBBatchAtomicVFS } = await import(
        'wa-sqlite-legacy/src/examples/IDBBatchAtomicVFS.js'
      );
      const vfs = new IDBBatchAtomicVFS(database, { durability }) as Closing;
      sqlite3.vfs_register(vfs, true);
      return await openSession({
        sqlite3,
        file: 'bench.db',
        synchronous: SYNCHRONOUS[durability],
        closeVFS: () => closeQuietly(vfs, database),
      });
    },
  };
}

export const idbBatchAtomic: readonly Contender[] = [
  current('asyncify', 'strict'),
  current('asyncify', 'relaxed'),
  current('jspi', 'strict'),
  current('jspi', 'relaxed'),
  legacy('strict'),
  legacy('relaxed'),
];
