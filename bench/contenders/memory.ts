/** The ceiling: SQLite that stores nothing anywhere, without a VFS and with wa-sqlite's MemoryVFS. */
import type { Contender } from '../types.ts';
import { openSession } from '../wa-sqlite.ts';
import { type Build, loadBuild } from './builds.ts';

interface Creatable {
  create(name: string, module: object): Promise<SQLiteVFS>;
}

const WAITS_FOR = 'nothing: lost with the page';

/** SQLite's own `:memory:`. */
const plain: Contender = {
  name: 'memory-plain.sync.none',
  engine: ':memory:',
  build: 'sync',
  durability: 'none',
  waitsFor: WAITS_FOR,
  persistent: false,
  async load() {
    const { sqlite3 } = await loadBuild('sync');
    return () => openSession({ sqlite3, file: ':memory:', synchronous: 'full' });
  },
};

function withVFS(build: Build): Contender {
  return {
    name: `memory.${build}.none`,
    engine: 'MemoryVFS',
    build,
    durability: 'none',
    waitsFor: WAITS_FOR,
    persistent: false,
    async load() {
      const { module, sqlite3 } = await loadBuild(build);
      const examples = await import('wa-sqlite/src/examples/MemoryVFS.js');
      // The old line's types, loaded beside, know its MemoryVFS only, which has no `create`.
      const MemoryVFS = examples.MemoryVFS as object as Creatable;
      return async (database) => {
        sqlite3.vfs_register(await MemoryVFS.create(database, module), true);
        return await openSession({ sqlite3, file: 'bench.db', synchronous: 'full' });
      };
    },
  };
}

export const memory: readonly Contender[] = [
  plain,
  withVFS('sync'),
  withVFS('asyncify'),
  withVFS('jspi'),
];
