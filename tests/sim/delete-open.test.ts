/**
 * A database that other tabs have open is deleted as a whole, once nobody reads or writes it, or not at all.
 *
 * Method: tabs of one simulated IndexedDB; one deletes while another reads, writes, does nothing, or dies.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BusyError } from '../../src/errors.js';
import { useGlobals } from '../support/globals.ts';
import { PATH, type Tab, Tabs } from '../support/tabs.ts';

const BUSY = 5;
/** For who is to be refused. */
const BRIEF_MS = 1000;
/** Longer than a test may take. */
const NEVER_MS = 600_000;
/** After what time without a read an idle tab lets go of its pin by itself. */
const PIN_IDLE_MS = 500;
const CHANNEL = 'idb-block-vfs:volume';

useGlobals();

let tabs: Tabs;
beforeEach(() => {
  tabs = new Tabs();
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await tabs.closeAll();
});

/** A tab that has the database open, one that deletes it, and a third that has it open too. */
async function threeTabs(busyTimeoutMs: number): Promise<[Tab, Tab, Tab]> {
  const first = await tabs.open();
  await first.db.run('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)');
  const deleting = await tabs.open({ busyTimeoutMs });
  await deleting.db.close();
  return [first, deleting, await tabs.open()];
}

/** From now on an idle tab lets go of its pin when it is told to, and not by itself. @returns how many would have */
function holdPins(): () => number {
  const { setTimeout: start } = globalThis;
  let held = 0;
  const late = ((callback: () => void, ms?: number) => {
    if (ms === PIN_IDLE_MS) held++;
    return start(callback, ms === PIN_IDLE_MS ? NEVER_MS : ms);
  }) as typeof setTimeout;
  vi.stubGlobal('setTimeout', late);
  return () => held;
}

/** Words that tabs say to each other while `work` runs. */
async function saidDuring(work: () => Promise<void>): Promise<unknown[]> {
  const [observer, marker] = [new BroadcastChannel(CHANNEL), new BroadcastChannel(CHANNEL)];
  const said: unknown[] = [];
  const isOver = new Promise<void>((resolve) => {
    observer.onmessage = ({ data }: MessageEvent<{ readonly word: unknown }>) => {
      if (data.word === 'over') resolve();
      else said.push(data.word);
    };
  });
  await work();
  marker.postMessage({ word: 'over' });
  await isOver;
  for (const channel of [observer, marker]) channel.close();
  return said;
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
  const said = await saidDuring(async () => {
    const deletion = deleting.page.vfs.deleteFile(PATH).then((found) => {
      isDeleted = true;
      return found;
    });
    for (let i = 0; i < 20; i++) expect(await sumIn(reader)).toBe(3);
    expect(isDeleted).toBe(false);
    await reader.db.run('COMMIT');
    expect(await deletion).toBe(true);
  });
  // Who has to wait asks for that.
  expect(said).toContain('yield');
  expect(await tabs.pinNames()).toEqual([]);
  for (const { db } of [first, reader]) expect(await db.failure('SELECT * FROM t')).toBe(BUSY);
});

test('does not wait for a reader that has died', async () => {
  const [, deleting, reader] = await threeTabs(NEVER_MS);
  await reader.db.run('BEGIN; SELECT * FROM t');
  reader.locks.releaseHeld();
  const said = await saidDuring(async () => {
    expect(await deleting.page.vfs.deleteFile(PATH)).toBe(true);
  });
  expect(said).not.toContain('yield');
  expect(await deleting.page.vfs.listFiles()).toEqual([]);
});

test('goes through at once beside tabs that do nothing: they are told, and find it empty', async () => {
  const heldPins = holdPins();
  const [first, deleting, third] = await threeTabs(60_000);
  for (const tab of [first, third]) await sumIn(tab);
  expect(await tabs.pinNames()).not.toEqual([]);
  expect(heldPins()).toBeGreaterThan(0);
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
  const heldPins = holdPins();
  const [, repairing, reader] = await threeTabs(60_000);
  const brief = await tabs.open({ busyTimeoutMs: BRIEF_MS });
  await brief.db.close();
  await reader.db.run('BEGIN; SELECT * FROM t');
  await expect(brief.page.vfs.verify(PATH, { repair: true })).rejects.toThrow(BusyError);
  await reader.db.run('COMMIT');
  expect(heldPins()).toBeGreaterThan(0);
  expect(await repairing.page.vfs.verify(PATH, { repair: true })).toMatchObject({ defects: [] });
});
