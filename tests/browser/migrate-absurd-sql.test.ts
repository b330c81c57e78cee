/** From absurd-sql. */
import { initBackend } from 'absurd-sql/dist/indexeddb-main-thread';
import { openDB } from 'idb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readAbsurdSql } from '../../src/migrate/index.js';
import {
  alter,
  expectMigrated,
  failureOf,
  PeerWorker,
  recordsOf,
  SHRINK,
  STATEMENTS,
} from '../support/migrate/content.ts';
import { deleteVolume, freshVolume, Site } from '../support/sqlite.js';

let site: Site;
let name: string;
beforeEach(() => {
  site = new Site('asyncify');
  name = `${freshVolume('absurd')}.sqlite`;
});
afterEach(async () => {
  await site.remove();
  await deleteVolume(name);
});

async function write(statements: readonly string[]): Promise<void> {
  const url = new URL('../support/migrate/absurd-worker.ts', import.meta.url);
  const worker = new Worker(url, { type: 'module' });
  initBackend(worker);
  const peer = new PeerWorker(worker);
  await peer.write(name, statements);
  peer.end();
}

test('a database migrates whole, and stays where it is', async () => {
  await write(STATEMENTS);
  const before = await recordsOf(name);
  await expectMigrated(site, readAbsurdSql(name), STATEMENTS);
  expect(await recordsOf(name)).toEqual(before);
});

test('one that has shrunk migrates without the pages that stayed behind its end', async () => {
  const statements = [...STATEMENTS, ...SHRINK];
  await write(statements);
  await expectMigrated(site, readAbsurdSql(name), statements);
});

test('a page that is missing is named', async () => {
  await write(STATEMENTS);
  await alter(name, 'data', (store) => store.delete(4));
  expect(String(await failureOf(readAbsurdSql(name)))).toMatch(/page 5 is missing/);
});

test('a lost size, and a hot journal, are refused', async () => {
  await write(STATEMENTS);
  const journal = await openDB(`${name}-journal`, 2, {
    upgrade: (db) => void db.createObjectStore('data'),
  });
  await journal.put('data', new Uint8Array(512).fill(0xd9).buffer, 0);
  journal.close();
  expect(String(await failureOf(readAbsurdSql(name)))).toMatch(/hot journal/);
  await deleteVolume(`${name}-journal`);
  await alter(name, 'data', (store) => store.delete(-1));
  expect(await failureOf(readAbsurdSql(name))).toMatchObject({ code: 'PEER_STORE' });
  expect(await failureOf(readAbsurdSql('nothing.sqlite'))).toMatchObject({ code: 'PEER_STORE' });
});
