/** wa-sqlite's quickest OPFS engines, references of OPFS, with their defaults. */
import type { Contender } from '../types.ts';
import { openSession } from '../wa-sqlite.ts';
import { hasFileSystem, loadBuild } from './builds.ts';

type Create = (name: string, module: object) => Promise<SQLiteVFS>;

const CREATE = {
  async OPFSCoopSyncVFS(): Promise<Create> {
    const { OPFSCoopSyncVFS } = await import(
      '@journeyapps/wa-sqlite/src/examples/OPFSCoopSyncVFS.js'
    );
    return (name, module) => OPFSCoopSyncVFS.create(name, module);
  },
  async OPFSWriteAheadVFS(): Promise<Create> {
    const { OPFSWriteAheadVFS } = await import(
      '@journeyapps/wa-sqlite/src/examples/OPFSWriteAheadVFS.js'
    );
    return (name, module) => OPFSWriteAheadVFS.create(name, module);
  },
};

interface Kind {
  readonly name: string;
  readonly engine: keyof typeof CREATE;
  readonly durability: 'strict' | 'relaxed';
  readonly waitsFor: string;
}

function contender({ name, engine, durability, waitsFor }: Kind): Contender {
  return {
    name: `${name}.sync.${durability}`,
    engine,
    build: 'sync',
    durability,
    waitsFor,
    persistent: true,
    // Only Chromium lets several contexts have access handles of one file.
    available: () =>
      hasFileSystem() && (engine !== 'OPFSWriteAheadVFS' || 'userAgentData' in navigator),
    async load() {
      const { module, sqlite3 } = await loadBuild('sync');
      const create = await CREATE[engine]();
      return async (database) => {
        const vfs = await create(engine, module);
        sqlite3.vfs_register(vfs, true);
        return await openSession({
          sqlite3,
          file: `${database.replaceAll('/', '-')}.db`,
          synchronous: durability === 'strict' ? 'full' : 'normal',
        });
      };
    },
  };
}

export const opfsCoopSync: Contender = contender({
  name: 'opfs-coop-sync',
  engine: 'OPFSCoopSyncVFS',
  durability: 'strict',
  waitsFor: '`flush()`',
});

export const opfsWriteAhead: readonly Contender[] = [
  contender({
    name: 'opfs-write-ahead',
    engine: 'OPFSWriteAheadVFS',
    durability: 'strict',
    waitsFor: '`flush()` of its log',
  }),
  contender({
    name: 'opfs-write-ahead',
    engine: 'OPFSWriteAheadVFS',
    durability: 'relaxed',
    waitsFor: 'its log being written, not flushed',
  }),
];
