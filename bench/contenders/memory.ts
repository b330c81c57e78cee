/** wa-sqlite's MemoryVFS: the ceiling, for it stores nothing anywhere. */
import type { Contender } from '../types.ts';
import { openSession } from '../wa-sqlite.ts';
import { type Build, loadBuild } from './builds.ts';

interface Creatable {
  create(name: string, module: object): Promise<SQLiteVFS>;
}

function contender(build: Build): Contender {
  return {
    name: `memory.${build}.none`,
    engine: 'MemoryVFS',
    build,
    durability: 'none',
    waitsFor: 'nothing: lost with the page',
    persistent: false,
    async open(database) {
      const { module, sqlite3 } = await loadBuild(build);
      const examples = await import('wa-sqlite/src/examples/MemoryVFS.js');
      // The old line's types, loaded beside, know its MemoryVFS only, which has no `create`.
      const MemoryVFS = examples.MemoryVFS as object as Creatable;
      sqlite3.vfs_register(await MemoryVFS.create(database, module), true);
      return await openSession({ sqlite3, file: 'bench.db', synchronous: 'full' });
    },
  };
}

export const memory: readonly Contender[] = [
  contender('sync'),
  contender('asyncify'),
  contender('jspi'),
];
