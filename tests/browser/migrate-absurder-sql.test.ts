/** From absurder-sql. */
import init, { Database as Absurder } from '@npiesco/absurder-sql';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readAbsurderSql } from '../../src/migrate/index.js';
import {
  alter,
  expectMigrated,
  failureOf,
  recordsOf,
  SHRINK,
  STATEMENTS,
} from '../support/migrate/content.ts';
import { freshVolume, Site } from '../support/sqlite.js';

const IDB_NAME = 'block_storage';
let site: Site;
let name: string;
beforeEach(() => {
  // It tells each block that it reads and writes.
  for (const way of ['log', 'info', 'debug'] as const) vi.spyOn(console, way).mockReturnValue();
  site = new Site('asyncify');
  name = freshVolume('absurder');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await site.remove();
});

async function write(statements: readonly string[]): Promise<void> {
  await init();
  const db = await Absurder.newDatabaseWithBackend(name, 'IndexedDB');
  await db.allowNonLeaderWrites(true);
  for (const sql of statements) await db.executeWithParams(sql, []);
  await db.sync();
  await db.close();
}

test('a database migrates whole, and stays where it is', async () => {
  await write(STATEMENTS);
  const before = await recordsOf(IDB_NAME);
  await expectMigrated(site, readAbsurderSql(name), STATEMENTS);
  expect(await recordsOf(IDB_NAME)).toEqual(before);
});

test('so does one that has shrunk', async () => {
  const statements = [...STATEMENTS, ...SHRINK];
  await write(statements);
  await expectMigrated(site, readAbsurderSql(name), statements);
});

test('a block that is missing is named, and a database that is not there', async () => {
  await write(STATEMENTS);
  const { blocks } = await recordsOf(IDB_NAME);
  const keys = (blocks as [string, unknown][]).map(([key]) => JSON.parse(key) as string);
  const key = keys.find((found) => found.startsWith(name) && found.endsWith(':11')) ?? '';
  await alter(IDB_NAME, 'blocks', (store) => store.delete(key));
  expect(String(await failureOf(readAbsurderSql(name)))).toMatch(/page 12 is missing/);
  const other = await failureOf(readAbsurderSql('nothing'));
  expect(other).toMatchObject({ code: 'PEER_STORE' });
});
