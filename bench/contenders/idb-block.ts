/** This package's IDBBlockVFS, with its defaults. */
import type { Contender } from '../types.ts';
import { available, loadBuild, loadLegacy } from './builds.ts';
import { type OurDurability, openOurs, WAITS_FOR } from './ours.ts';

function contender(build: 'asyncify' | 'jspi' | 'legacy', durability: OurDurability): Contender {
  return {
    name: `idb-block.${build}.${durability}`,
    engine: 'IDBBlockVFS',
    build,
    durability,
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    available: () => available(build),
    optional: build === 'legacy',
    async load() {
      const { module, sqlite3 } = await (build === 'legacy' ? loadLegacy() : loadBuild(build));
      const { IDBBlockVFS } = await import('../../src/index.ts');
      const options = durability === 'deferred' ? { durability } : {};
      return async (database) =>
        await openOurs(await IDBBlockVFS.create(database, module, options), {
          sqlite3,
          durability,
        });
    },
  };
}

export const idbBlock: readonly Contender[] = [
  contender('asyncify', 'strict'),
  contender('asyncify', 'relaxed'),
  contender('jspi', 'strict'),
  contender('jspi', 'relaxed'),
  contender('jspi', 'deferred'),
  contender('legacy', 'strict'),
  contender('legacy', 'relaxed'),
];
