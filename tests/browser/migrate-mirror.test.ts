/** From wa-sqlite's IDBMirrorVFS. */

import * as SQLite from '@journeyapps/wa-sqlite';
import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { IDBMirrorVFS } from '@journeyapps/wa-sqlite/src/examples/IDBMirrorVFS.js';
import { expect, test } from 'vitest';
import { readMirror } from '../../src/migrate/index.js';
import { alter, failureOf, STATEMENTS } from '../support/migrate/content.ts';
import { definePeerSuite } from '../support/migrate/peer-suite.ts';

const PATH = 'peer.db';
const read = (name: string) => readMirror(name, PATH);

async function write(name: string, statements: readonly string[]): Promise<void> {
  const module = await createModule();
  const sqlite3 = SQLite.Factory(module);
  const vfs = await IDBMirrorVFS.create(name, module);
  sqlite3.vfs_register(vfs, true);
  const db = await sqlite3.open_v2(PATH);
  for (const sql of statements) await sqlite3.exec(db, sql);
  await sqlite3.close(db);
  await (vfs as SQLiteVFS & { close(): unknown }).close();
}

const migration = definePeerSuite({ label: 'mirror', write, read });

test('a page that is missing is named', async () => {
  await write(migration.name, STATEMENTS);
  await alter(migration.name, 'blocks', (store) => store.delete([`/${PATH}`, 9 * 4096]));
  const failure = await failureOf(read(migration.name));
  expect(failure).toMatchObject({ code: 'PEER_STORE' });
  expect(String(failure)).toMatch(/page 10 is missing/);
});

test('a page of another length is named', async () => {
  await write(migration.name, STATEMENTS);
  await alter(migration.name, 'blocks', (store) =>
    store.put({ path: `/${PATH}`, offset: 4096, data: new Uint8Array(512) }),
  );
  expect(String(await failureOf(read(migration.name)))).toMatch(/page 2 has 512 bytes/);
});

test('what is not there is refused', async () => {
  expect(await failureOf(read(migration.name))).toMatchObject({ code: 'PEER_STORE' });
  await write(migration.name, STATEMENTS);
  expect(await failureOf(readMirror(migration.name, 'other.db'))).toMatchObject({
    code: 'PEER_STORE',
  });
});
