/**
 * A database that other tabs have open is deleted as a whole, once nobody reads or writes it, or not at all.
 *
 * Method: tabs of one simulated IndexedDB; one deletes while another reads, writes, does nothing, or dies.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BusyError } from '../../src/errors.js';
import { useGlobals } from '../support/globals.ts';
import { PATH, type Tab, Tabs } from '../support/tabs.ts';

const BUSY = 5;
/** For who is to be refused; long enough for an idle tab to let go. */
const BRIEF_MS = 1000;
/** Longer than a test may take. */
const NEVER_MS = 600_000;

useGlobals();

let tabs: Tabs;
beforeEach(() => {
  tabs = new Tabs();
});
afterEach(() => tabs.closeAll());

/** A tab that has the database open, one that deletes it, and a third that has it open too. */
async function threeTabs(busyTimeoutMs: number): Promise<[Tab, Tab, Tab]> {
  const first = await tabs.open();
  await first.db.run('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)');
  const deleting = await tabs.open({ busyTimeoutMs });
  await deleting.db.close();
  return [first, deleting, await tabs.open()];
}

function sumIn({ db }: Tab): Promise<unknown> {
  return db.value('SELECT sum(a) FROM t');
}

test('is refused while another tab reads, which then reads on', async () => {
  const [reader, deleting] = await threeTabs(BRIEF_MS);
  await reader.db.run('BEGIN; SELECT * FROM t');
  await expect(deleting.page.vfs.deleteFile(PATH)).rejects.toThrow(BusyError);
  await expect(deleting.page.vfs.deleteFile(PATH)).rejects.toThrow('another context is reading it');
  expect(await sumIn(reader)).toBe(3);
  await reader.db.run('COMMIT; INSERT INTO t VALUES (4)');
  expect(await sumIn(reader)).toBe(7);
});

test('is refused while another tab writes, which then commits', async () => {
  const [writer, deleting, third] = await threeTabs(BRIEF_MS);
  await writer.db.run('BEGIN IMMEDIATE; INSERT INTO t VALUES (4)');
  await expect(deleting.page.vfs.deleteFile(PATH)).rejects.toThrow(BusyError);
  await writer.db.run('COMMIT');
  expect(await sumIn(third)).toBe(7);
});

test('waits for a reader that ends in time', async () => {
  const [first, deleting, reader] = await threeTabs(NEVER_MS);
  await reader.db.run('BEGIN; SELECT * FROM t');
  let isDeleted = false;
  const deletion = deleting.page.vfs.deleteFile(PATH).then((found) => {
    isDeleted = true;
    return found;
  });
  for (let i = 0; i < 20; i++) expect(await sumIn(reader)).toBe(3);
  expect(isDeleted).toBe(false);
  await reader.db.run('COMMIT');
  expect(await deletion).toBe(true);
  expect(await tabs.pinNames()).toEqual([]);
  for (const { db } of [first, reader]) expect(await db.failure('SELECT * FROM t')).toBe(BUSY);
});

test('does not wait for a reader that has died', async () => {
  const [, deleting, reader] = await threeTabs(NEVER_MS);
  await reader.db.run('BEGIN; SELECT * FROM t');
  reader.locks.releaseHeld();
  expect(await deleting.page.vfs.deleteFile(PATH)).toBe(true);
  expect(await deleting.page.vfs.listFiles()).toEqual([]);
});

test('goes through at once beside tabs that do nothing: they are told, and find it empty', async () => {
  const [first, deleting, third] = await threeTabs(NEVER_MS);
  for (const tab of [first, third]) await sumIn(tab);
  expect(await tabs.pinNames()).not.toEqual([]);
  expect(await deleting.page.vfs.deleteFile(PATH)).toBe(true);
  for (const { db } of [first, third]) {
    expect(await db.failure('SELECT * FROM t')).toBe(BUSY);
    expect(await db.value('SELECT count(*) FROM sqlite_schema')).toBe(0);
  }
  await third.db.run('CREATE TABLE u(b); INSERT INTO u VALUES (5)');
  expect(await first.db.value('SELECT b FROM u')).toBe(5);
  expect(await first.page.vfs.verify(PATH)).toMatchObject({ defects: [], unlistedSegments: 0 });
});

// What an old snapshot needs is named by nothing that is stored, if there is too much of it.
test('repair waits for readers as well', async () => {
  const [, repairing, reader] = await threeTabs(BRIEF_MS);
  await reader.db.run('BEGIN; SELECT * FROM t');
  await expect(repairing.page.vfs.verify(PATH, { repair: true })).rejects.toThrow(BusyError);
  await reader.db.run('COMMIT');
  expect(await repairing.page.vfs.verify(PATH, { repair: true })).toMatchObject({ defects: [] });
});
