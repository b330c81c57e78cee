/** Writes one IndexedDB record and goes on writing, or reads what an earlier browser left. */
import { openDB } from 'idb';
import { report, reportErrors } from '../../../tools/host-client.ts';

reportErrors();
const parameters = new URLSearchParams(location.search);
const db = await openDB('survivor', 1, {
  upgrade(database) {
    database.createObjectStore('records');
  },
});

switch (parameters.get('mode')) {
  case 'write':
    await put('first', parameters.get('value'));
    await report('written', { isolated: crossOriginIsolated });
    for (let count = 1; ; count += 1) {
      await put('count', count);
      await report('count', count);
    }
  case 'read':
    await report('read', {
      first: await db.get('records', 'first'),
      count: await db.get('records', 'count'),
    });
    break;
  case 'fail':
    throw new Error('as asked');
}

async function put(key: string, value: unknown): Promise<void> {
  const idbTx = db.transaction('records', 'readwrite', { durability: 'strict' });
  await idbTx.store.put(value, key);
  await idbTx.done;
}
