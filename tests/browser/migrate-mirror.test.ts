/** From wa-sqlite's IDBMirrorVFS. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as SQLite from 'wa-sqlite';
import createModule from 'wa-sqlite/dist/wa-sqlite-async.mjs';
import { IDBMirrorVFS } from 'wa-sqlite/src/examples/IDBMirrorVFS.js';
import { readMirror } from '../../src/migrate/index.js';
import {
  alter,
  expectMigrated,
  failureOf,
  recordsOf,
  SHRINK,
  STATEMENTS,
} from '../support/migrate/content.ts';
import { deleteVolume, freshVolume, Site } from '../support/sqlite.js';

const PATH = 'peer.db';
let site: Site;
let name: string;
beforeEach(() => {
  site = new Site('asyncify');
  name = freshVolume('mirror');
});
afterEach(async () => {
  await site.remove();
  await deleteVolume(name);
});

async function write(statements: readonly string[]): Promise<void> {
  const module = await createModule();
  const sqlite3 = SQLite.Factory(module);
  const vfs = await IDBMirrorVFS.create(name, module);
  sqlite3.vfs_register(vfs, true);
  const db = await sqlite3.open_v2(PATH);
  for (const sql of statements) await sqlite3.exec(db, sql);
  await sqlite3.close(db);
  await (vfs as SQLiteVFS & { close(): unknown }).close();
}

test('a database migrates whole, and stays where it is', async () => {
  await write(STATEMENTS);
  const before = await recordsOf(name);
  await expectMigrated(site, readMirror(name, PATH), STATEMENTS);
  expect(await recordsOf(name)).toEqual(before);
});

test('one that has shrunk migrates without the pages that stayed behind its end', async () => {
  const statements = [...STATEMENTS, ...SHRINK];
  await write(statements);
  await expectMigrated(site, readMirror(name, PATH), statements);
});

test('a page that is missing is named', async () => {
  await write(STATEMENTS);
  await alter(name, 'blocks', (store) => store.delete([`/${PATH}`, 9 * 4096]));
  const failure = await failureOf(readMirror(name, PATH));
  expect(failure).toMatchObject({ code: 'PEER_STORE' });
  expect(String(failure)).toMatch(/page 10 is missing/);
});

test('a page of another length is named', async () => {
  await write(STATEMENTS);
  await alter(name, 'blocks', (store) =>
    store.put({ path: `/${PATH}`, offset: 4096, data: new Uint8Array(512) }),
  );
  expect(String(await failureOf(readMirror(name, PATH)))).toMatch(/page 2 has 512 bytes/);
});

test('what is not there is refused', async () => {
  expect(await failureOf(readMirror(name, PATH))).toMatchObject({ code: 'PEER_STORE' });
  await write(STATEMENTS);
  expect(await failureOf(readMirror(name, 'other.db'))).toMatchObject({ code: 'PEER_STORE' });
});
