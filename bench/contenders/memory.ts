/** The ceiling: SQLite that stores nothing anywhere, without a VFS and with wa-sqlite's MemoryVFS. */
import type { Contender } from '../types.ts';
import { openSession } from '../wa-sqlite.ts';
import { available, type Build, loadBuild } from './builds.ts';

interface Creatable {
  create(name: string, module: object): Promise<SQLiteVFS>;
}

const SQLITE_OPEN_MAIN_DB = 0x100;
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
    available: () => available(build),
    async load() {
      const { module, sqlite3 } = await loadBuild(build);
      const examples = await import('@journeyapps/wa-sqlite/src/examples/MemoryVFS.js');
      // The old line's types, loaded beside, know its MemoryVFS only, which has no `create`.
      const MemoryVFS = examples.MemoryVFS as object as Creatable;
      return async (database) => {
        const vfs = await MemoryVFS.create(database, module);
        const bytesChanged = countChanges(vfs as object as Writing);
        sqlite3.vfs_register(vfs, true);
        const counters = () => ({ bytesChanged: bytesChanged() });
        return await openSession({ sqlite3, file: 'bench.db', synchronous: 'full', counters });
      };
    },
  };
}

interface Writing {
  readonly mapIdToFile: Map<number, { readonly flags: number }>;
  jWrite(file: number, data: Uint8Array, at: number): number;
}

/** Counts what SQLite writes to databases, journals left out: the same whatever stores it. */
function countChanges(vfs: Writing): () => number {
  let bytes = 0;
  const write = vfs.jWrite;
  vfs.jWrite = (file, data, at) => {
    if ((vfs.mapIdToFile.get(file)?.flags ?? 0) & SQLITE_OPEN_MAIN_DB) bytes += data.byteLength;
    return write.call(vfs, file, data, at);
  };
  return () => bytes;
}

export const memory: readonly Contender[] = [
  plain,
  withVFS('sync'),
  withVFS('asyncify'),
  withVFS('jspi'),
];
