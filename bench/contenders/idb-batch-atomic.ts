/** wa-sqlite's own IDBBatchAtomicVFS, with its defaults. */
import type { Contender, Session } from '../types.ts';
import { openSession } from '../wa-sqlite.ts';
import { type AsyncBuild, available, loadBuild, loadLegacy } from './builds.ts';
import { quiet } from './quiet.ts';

const ENGINE = 'IDBBatchAtomicVFS';
const WAITS_FOR = {
  strict: '`complete`, durability `strict`',
  // Its sync(false) awaits the requests of the idbTx, not the idbTx.
  relaxed: 'the requests, not `complete`; durability `relaxed`',
};
const SYNCHRONOUS = { strict: 'full', relaxed: 'normal' } as const;

type Closing = SQLiteVFS & { close(): unknown };

interface Opening {
  readonly sqlite3: SQLiteAPI;
  readonly database: string;
  readonly durability: 'strict' | 'relaxed';
}

async function openOn(vfs: Closing, { sqlite3, database, durability }: Opening): Promise<Session> {
  sqlite3.vfs_register(vfs, true);
  return await openSession({
    sqlite3,
    file: 'bench.db',
    synchronous: SYNCHRONOUS[durability],
    async closeVFS() {
      await quiet(database);
      await vfs.close();
    },
  });
}

function current(build: AsyncBuild, durability: 'strict' | 'relaxed'): Contender {
  return {
    name: `idb-batch-atomic.${build}.${durability}`,
    engine: ENGINE,
    build,
    durability,
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    available: () => available(build),
    async load() {
      const { module, sqlite3 } = await loadBuild(build);
      const { IDBBatchAtomicVFS } = await import(
        '@journeyapps/wa-sqlite/src/examples/IDBBatchAtomicVFS.js'
      );
      return async (database) => {
        const vfs = (await IDBBatchAtomicVFS.create(database, module)) as Closing;
        return await openOn(vfs, { sqlite3, database, durability });
      };
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
    async load() {
      const { sqlite3 } = await loadLegacy();
      const { IDBBatchAtomicVFS } = await import(
        'wa-sqlite-legacy/src/examples/IDBBatchAtomicVFS.js'
      );
      return async (database) => {
        const vfs = new IDBBatchAtomicVFS(database, { durability }) as Closing;
        return await openOn(vfs, { sqlite3, database, durability });
      };
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
