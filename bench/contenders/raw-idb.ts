/**
 * The floor: IndexedDB alone, doing the least requests that the same work needs, without SQLite, without
 * checksums, locks or records of its own. It takes part in the workloads that say what that is.
 */
import { openDB } from 'idb';
import type { Contender, RawStore, Session } from '../types.ts';

const STORE = 'records';
const IDB_DURABILITY = { strict: 'strict', relaxed: 'default' } as const;

function contender(durability: 'strict' | 'relaxed'): Contender {
  return {
    name: `raw-idb.none.${durability}`,
    engine: 'IndexedDB alone',
    build: 'none',
    durability,
    waitsFor: `\`complete\`, durability \`${IDB_DURABILITY[durability]}\``,
    persistent: true,
    raw: true,
    load: async () => (database) => openRaw(database, durability),
  };
}

async function openRaw(database: string, durability: 'strict' | 'relaxed'): Promise<Session> {
  const db = await openDB(database, 1, {
    upgrade: (created) => {
      created.createObjectStore(STORE);
    },
  });
  const raw: RawStore = {
    async put(records) {
      const options = { durability: IDB_DURABILITY[durability] };
      const idbTx = db.transaction(STORE, 'readwrite', options);
      // Only `complete` counts: `done` fails if one of them does.
      for (const [key, bytes] of records) idbTx.store.put(bytes, key).catch(() => {});
      idbTx.commit();
      await idbTx.done;
    },
    get: (key) => db.get(STORE, key),
    getAll: (first, last) => db.getAll(STORE, IDBKeyRange.bound(first, last)),
  };
  const noSQL = async () => {
    throw new Error('This is IndexedDB alone');
  };
  return { raw, exec: noSQL, prepare: noSQL, close: async () => db.close() };
}

export const rawIdb: readonly Contender[] = [contender('strict'), contender('relaxed')];
