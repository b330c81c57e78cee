/** This package's IDBBlockMirrorVFS, with its defaults. */
import type { Contender } from '../types.ts';
import { loadBuild } from './builds.ts';
import { type OurDurability, openOurs, WAITS_FOR } from './ours.ts';

function contender(durability: OurDurability): Contender {
  return {
    name: `idb-block-mirror.sync.${durability}`,
    engine: 'IDBBlockMirrorVFS',
    build: 'sync',
    durability,
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    async load() {
      const { module, sqlite3 } = await loadBuild('sync');
      const { IDBBlockMirrorVFS } = await import('../../src/index.ts');
      return async (database) =>
        await openOurs(await IDBBlockMirrorVFS.create(database, module), { sqlite3, durability });
    },
  };
}

export const idbBlockMirror: readonly Contender[] = [
  contender('strict'),
  contender('relaxed'),
  contender('deferred'),
];
