/** From absurd-sql. */
import { initBackend } from 'absurd-sql/dist/indexeddb-main-thread';
import { openDB } from 'idb';
import { expect, test } from 'vitest';
import { readAbsurdSql } from '../../src/migrate/index.js';
import { alter, failureOf, PeerWorker, STATEMENTS } from '../support/migrate/content.ts';
import { definePeerSuite } from '../support/migrate/peer-suite.ts';
import { deleteVolume } from '../support/sqlite.js';

async function write(name: string, statements: readonly string[]): Promise<void> {
  const url = new URL('../support/migrate/absurd-worker.ts', import.meta.url);
  const worker = new Worker(url, { type: 'module' });
  initBackend(worker);
  const peer = new PeerWorker(worker);
  await peer.write(name, statements);
  peer.end();
}

const migration = definePeerSuite({
  label: 'absurd',
  ending: '.sqlite',
  write,
  read: readAbsurdSql,
});

test('a page that is missing is named', async () => {
  await write(migration.name, STATEMENTS);
  await alter(migration.name, 'data', (store) => store.delete(4));
  expect(String(await failureOf(readAbsurdSql(migration.name)))).toMatch(/page 5 is missing/);
});

test('a lost size, and a hot journal, are refused', async () => {
  const { name } = migration;
  await write(name, STATEMENTS);
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
