import * as SQLite from '@journeyapps/wa-sqlite';
import createSync from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import createCurrent from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import createJspi from '@journeyapps/wa-sqlite/dist/wa-sqlite-jspi.mjs';
import { expect, inject, test } from 'vitest';
import { commands } from 'vitest/browser';
import createLegacy from 'wa-sqlite-legacy/dist/wa-sqlite-async.mjs';
import { has, lacking } from '../support/browsers/capabilities.ts';
import { TARGETS } from '../support/browsers/targets.ts';
import { soon } from '../support/soon.ts';

// What every other browser test takes for granted. An IndexedDB in memory, for example, would make
// each durability test pass for the wrong reason.

test('the page is cross-origin isolated', () => {
  expect(crossOriginIsolated).toBe(true);
});

// Goal: no suite leaves anything out unnoticed. Method: what a browser lacks is written down once, and is
// compared with what it does.
test('the browser can do what the suites take for granted, and no more', () => {
  expect(lacking()).toEqual(TARGETS[inject('target')].lacks);
});

const CREATORS = [
  ['Asyncify', createCurrent],
  ['JSPI', createJspi],
  ['sync', createSync],
  ['legacy Asyncify', createLegacy],
] as const;
test.each(CREATORS.filter(([build]) => build !== 'JSPI' || has('JSPI')))(
  'the %s build of wa-sqlite loads',
  async (_build, createModule) => {
    expect(SQLite.Factory(await createModule()).libversion_number()).toBeGreaterThan(3_040_000);
  },
);

test('IndexedDB stores its records in the profile on disk', async () => {
  const marker = `on-disk-${crypto.randomUUID()}`;
  await putRecord(marker, new TextEncoder().encode(marker));
  await soon(async () => expect(await commands.profileContains(marker)).toBe(true));
  indexedDB.deleteDatabase(marker);
});

function putRecord(databaseName: string, value: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(databaseName, 1);
    open.onerror = () => reject(open.error);
    open.onupgradeneeded = () => open.result.createObjectStore('records');
    open.onsuccess = () => {
      const idbTx = open.result.transaction('records', 'readwrite', { durability: 'strict' });
      idbTx.objectStore('records').add(value, 'key');
      idbTx.onabort = () => reject(idbTx.error);
      idbTx.oncomplete = () => {
        open.result.close();
        resolve();
      };
    };
  });
}
