/** From absurder-sql. */
import init, { Database as Absurder } from '@npiesco/absurder-sql';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readAbsurderSql } from '../../src/migrate/index.js';
import { alter, failureOf, recordsOf, STATEMENTS } from '../support/migrate/content.ts';
import { definePeerSuite } from '../support/migrate/peer-suite.ts';

const IDB_NAME = 'block_storage';
beforeEach(() => {
  // It tells each block that it reads and writes.
  for (const way of ['log', 'info', 'debug'] as const) vi.spyOn(console, way).mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function write(name: string, statements: readonly string[]): Promise<void> {
  await init();
  const db = await Absurder.newDatabaseWithBackend(name, 'IndexedDB');
  await db.allowNonLeaderWrites(true);
  for (const sql of statements) await db.executeWithParams(sql, []);
  await db.sync();
  await db.close();
}

const migration = definePeerSuite({
  label: 'absurder',
  idbName: IDB_NAME,
  write,
  read: readAbsurderSql,
});

test('a block that is missing is named, and a database that is not there', async () => {
  const { name } = migration;
  await write(name, STATEMENTS);
  const { blocks } = await recordsOf(IDB_NAME);
  const keys = (blocks as [string, unknown][]).map(([key]) => JSON.parse(key) as string);
  const key = keys.find((found) => found.startsWith(name) && found.endsWith(':11')) ?? '';
  await alter(IDB_NAME, 'blocks', (store) => store.delete(key));
  expect(String(await failureOf(readAbsurderSql(name)))).toMatch(/page 12 is missing/);
  const other = await failureOf(readAbsurderSql('nothing'));
  expect(other).toMatchObject({ code: 'PEER_STORE' });
});
