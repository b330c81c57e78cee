/** This package's IDBBlockSharedVFS, with its defaults and a storage worker of its own. */
import type { Contender } from '../types.ts';
import { loadBuild } from './builds.ts';
import { type OurDurability, openOurs, WAITS_FOR } from './ours.ts';

function contender(durability: OurDurability): Contender {
  return {
    name: `idb-block-shared.sync.${durability}`,
    engine: 'IDBBlockSharedVFS',
    build: 'sync',
    durability,
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    async load() {
      const { module, sqlite3 } = await loadBuild('sync');
      const { IDBBlockSharedVFS } = await import('../../src/index.ts');
      return async (database) =>
        await openOurs(await IDBBlockSharedVFS.create(database, module), { sqlite3, durability });
    },
  };
}

export const idbBlockShared: readonly Contender[] = [
  contender('strict'),
  contender('relaxed'),
  contender('deferred'),
];
