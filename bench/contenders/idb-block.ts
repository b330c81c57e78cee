/** This package's IDBBlockVFS, with its defaults. */
import type { Contender } from '../types.ts';
import { available, loadBuild, loadLegacy } from './builds.ts';
import { type OurDurability, openOurs, vfsOptions, WAITS_FOR } from './ours.ts';

function contender(
  build: 'asyncify' | 'jspi' | 'legacy',
  durability: OurDurability,
  observed?: true,
): Contender {
  return {
    name: `idb-block.${build}.${durability}${observed ? '.observed' : ''}`,
    engine: 'IDBBlockVFS',
    build,
    durability,
    ...(observed ? { observed } : {}),
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    available: () => available(build),
    optional: build === 'legacy',
    async load() {
      const { module, sqlite3 } = await (build === 'legacy' ? loadLegacy() : loadBuild(build));
      const { IDBBlockVFS } = await import('../../src/index.ts');
      const options = vfsOptions({ durability, observed });
      return async (database) =>
        await openOurs(await IDBBlockVFS.create(database, module, options), {
          sqlite3,
          durability,
          observed,
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

export const idbBlockObserved: readonly Contender[] = [
  contender('asyncify', 'relaxed', true),
  contender('jspi', 'relaxed', true),
];
