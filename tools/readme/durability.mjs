/** What each `PRAGMA synchronous` means, as the source has it. */
import { table } from '../../bench/results.mjs';
import { importTypeScript } from '../import-typescript.mjs';

/** @typedef {import('../../src/types.ts').Durability} Durability */

const WORDS = ['FULL', 'EXTRA', 'NORMAL', 'OFF'];

/** @type {Readonly<Record<Durability, string>>} */
const ACKNOWLEDGED = {
  strict: 'after `complete`',
  relaxed: 'after `complete`',
  deferred:
    "at once; commits land in order behind, a failure is the next call's error and a `loss` event",
};
/** @type {Readonly<Record<Durability, string>>} */
const BECAUSE = {
  strict: '',
  relaxed: " (Firefox's `relaxed` would risk the whole store)",
  deferred: '',
};

export async function durabilityTable() {
  /** @type {typeof import('../../src/vfs/pragmas.ts')} */
  const { ConnectionPragmas } = await importTypeScript('src/vfs/pragmas.ts');
  /** @type {typeof import('../../src/blockstore/committer.ts')} */
  const { IDB_DURABILITY } = await importTypeScript('src/blockstore/committer.ts');
  const pragmas = new ConnectionPragmas();
  const byDefault = pragmas.durability;
  /** @type {Map<Durability, string[]>} */
  const words = new Map();
  for (const word of WORDS) {
    pragmas.observe('synchronous', word);
    const { durability } = pragmas;
    const isDefault = durability === byDefault && !words.has(durability);
    const name = `\`${word}\`${isDefault ? ' (default)' : ''}`;
    words.set(durability, [...(words.get(durability) ?? []), name]);
  }
  return table(
    ['`PRAGMA synchronous`', 'acknowledged', 'IndexedDB durability'],
    [...words].map(([durability, names]) => [
      names.join(', '),
      ACKNOWLEDGED[durability],
      `\`${IDB_DURABILITY[durability]}\`${BECAUSE[durability]}`,
    ]),
  );
}
