/**
 * Every context hears of every commit, once and in order, with the pages that it changed; and what a context has in
 * memory is kept but for those.
 *
 * Method: tabs of one simulated IndexedDB; what one was told of the other's commits is held against what the other
 * was told of its own.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CHECKPOINT_COMMITS } from '../../src/format/layout.js';
import type { CommitEvent } from '../../src/index.js';
import { useGlobals } from '../support/globals.ts';
import { soon } from '../support/soon.ts';
import { PATH, type Tab, Tabs } from '../support/tabs.ts';

const CHANNEL = 'idb-block-vfs:volume';
const NEWS = 'idb-block-vfs:volume:news';

useGlobals();

let tabs: Tabs;
beforeEach(() => {
  tabs = new Tabs();
});
afterEach(() => tabs.closeAll());

function heardBy({ page }: Tab): CommitEvent[] {
  const heard: CommitEvent[] = [];
  page.vfs.addEventListener('commit', ({ detail }) => heard.push(detail));
  return heard;
}

/** What two contexts have to agree on. */
function facts(events: readonly CommitEvent[]): unknown[] {
  return events.map(({ own, durationMs, ...facts }) => facts);
}

/** A table of about 120 pages. */
async function filled(): Promise<Tab> {
  const tab = await tabs.open();
  await tab.db.run(`PRAGMA synchronous=NORMAL; CREATE TABLE t(id INTEGER PRIMARY KEY, n, v);
    INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < 99)
      SELECT i, 0, randomblob(4500) FROM s`);
  return tab;
}

async function commit({ db }: Tab, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await db.run('UPDATE t SET n = n + 1 WHERE id = ?', [i % 100]);
}

// Goal: each commit once, in order, with its pages, though the tab reads nothing. Method: 200 commits, and with them
// three checkpoints; the tab is waited for now and then, so that it need not be told of many at once.
test('a tab that does nothing hears of every commit of another', async () => {
  const writer = await filled();
  const own = heardBy(writer);
  const reader = await tabs.open();
  const heard = heardBy(reader);
  for (let i = 0; i < 8; i++) {
    await commit(writer, 25);
    await soon(() => expect(heard.at(-1)?.version).toBe(own.at(-1)?.version));
  }
  expect(own).toHaveLength(200);
  expect(facts(heard)).toEqual(facts(own));
  expect(own.every((event) => event.own && event.durationMs !== undefined)).toBe(true);
  expect(heard.every((event) => !event.own && event.durationMs === undefined)).toBe(true);
  expect(own.every(({ pages }) => pages?.includes(1))).toBe(true);
});

// Goal: who cannot follow misses none. Method: commits as fast as they come, over many checkpoints: what is told
// goes from version to version, by one commit as the writer was told, or by several as any page.
test('a tab that falls behind is told of several commits at once, and misses none', async () => {
  const writer = await filled();
  const own = heardBy(writer);
  const reader = await tabs.open();
  const heard = heardBy(reader);
  await writer.db.run('PRAGMA synchronous=OFF');
  await commit(writer, 1000);
  await writer.page.vfs.durable();
  expect(own).toHaveLength(1000);
  await soon(() => expect(heard.at(-1)?.version).toBe(1002));
  const byVersion = new Map(own.map((event) => [event.version, event]));
  let version = 2;
  for (const event of heard) {
    expect(event.after).toBe(version);
    version = event.version;
    if (event.version > event.after + 1) expect(event.pages).toBeUndefined();
    else expect(facts([event])).toEqual(facts([byVersion.get(version) as CommitEvent]));
  }
});

// Goal: who reads is told by the same means. Method: no messages get through; each read brings the commits since.
test('a tab that hears no messages is told when it reads', async () => {
  const writer = await filled();
  const own = heardBy(writer);
  const { BroadcastChannel } = globalThis;
  Reflect.deleteProperty(globalThis, 'BroadcastChannel');
  const reader = await tabs.open();
  globalThis.BroadcastChannel = BroadcastChannel;
  const heard = heardBy(reader);
  for (let i = 0; i < 5; i++) {
    await commit(writer, 30);
    await reader.db.value('SELECT 1 FROM t');
    expect(facts(heard)).toEqual(facts(own));
  }
});

// Goal: what cannot be told commit by commit is told once, as any page. Method: more commits at once than there are
// records of; a commit of more pages than a record lists; one that cuts the file.
test('what cannot be told page by page is told as a whole', async () => {
  const writer = await filled();
  const reader = await tabs.open();
  await reader.db.value('SELECT 1 FROM t');
  await commit(writer, 3 * CHECKPOINT_COMMITS);
  const heard = heardBy(reader);
  await reader.db.value('SELECT 1 FROM t');
  expect(heard).toHaveLength(1);
  expect(heard[0]).toMatchObject({ after: 2, version: 2 + 3 * CHECKPOINT_COMMITS });
  expect(heard[0]?.pages).toBeUndefined();
  const own = heardBy(writer);
  await writer.db.run(`INSERT INTO t(n, v) WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1
    FROM s WHERE i < 2200) SELECT i, randomblob(4500) FROM s`);
  await writer.db.run('DELETE FROM t WHERE id > 50; VACUUM');
  await soon(() => expect(heard.at(-1)?.version).toBe(own.at(-1)?.version));
  expect(facts(heard.slice(1))).toEqual(facts(own));
  expect(own.map(({ pages }) => pages === undefined)).toEqual([true, false, false, true]);
});

// Goal: no commit is told twice or left out when several tabs write. Method: two that take turns, and a third; each
// has heard of each version once.
test('tabs that take turns hear of their own commits and of each other', async () => {
  const first = await filled();
  const second = await tabs.open();
  const third = await tabs.open();
  const heard = [first, second, third].map(heardBy);
  for (let i = 0; i < 30; i++) {
    await commit(first, 1);
    await commit(second, i % 3);
  }
  const versions = Array.from({ length: 60 }, (_, i) => i + 3);
  for (const events of heard) {
    await soon(() => expect(events.at(-1)?.version).toBe(62));
    expect(events.map(({ version }) => version)).toEqual(versions);
    expect(events.map(({ after }) => after + 1)).toEqual(versions);
  }
  const owners = versions.map((_, i) => heard.filter((events) => events[i]?.own).length);
  expect(owners).toEqual(versions.map(() => 1));
});

// Goal: deferred commits are told when they are complete, and to others not before.
test('deferred commits are told in order once they have landed', async () => {
  const writer = await filled();
  const reader = await tabs.open();
  const [own, heard] = [heardBy(writer), heardBy(reader)];
  await writer.db.run('PRAGMA synchronous=OFF');
  await commit(writer, 50);
  await writer.page.vfs.durable();
  expect(own).toHaveLength(50);
  await soon(() => expect(heard.length).toBe(50));
  expect(facts(heard)).toEqual(facts(own));
});

// Goal: a file in the place of one that was deleted is told as new. Method: delete it, make it anew.
test('a database that was made anew is told from its first version on', async () => {
  const writer = await filled();
  const reader = await tabs.open();
  await reader.db.value('SELECT 1 FROM t');
  const heard = heardBy(reader);
  await tabs.close(writer);
  const other = await tabs.open();
  await other.db.close();
  await other.page.vfs.deleteFile(PATH);
  const db = await other.page.open(PATH);
  await db.run('CREATE TABLE u(a); INSERT INTO u VALUES (1)');
  await soon(() => expect(heard.at(-1)?.version).toBe(2));
  expect(heard[0]?.after).toBe(0);
});

// Goal: nothing is said or fetched for nobody. Method: count messages, and the idle tab's requests.
test('while nobody listens nothing is said, and nothing is read', async () => {
  const said: unknown[] = [];
  const observer = new BroadcastChannel(CHANNEL);
  observer.onmessage = ({ data }: MessageEvent<{ readonly name: string }>) => {
    if (data.name === NEWS) said.push(data);
  };
  const writer = await filled();
  const reader = await tabs.open();
  await commit(writer, 100);
  // Each tab has asked who listens.
  await soon(() => expect(said).toHaveLength(2));
  const { requests } = reader.page.vfs.stats();
  await commit(writer, 100);
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.close();
  expect(said).toHaveLength(2);
  expect(reader.page.vfs.stats().requests).toBe(requests);
});

// Goal: caches keep what did not change. Method: a tab with the whole table in memory; the other commits one row at a
// time, over a checkpoint too; reading all again fetches that row's page, and page 1.
test('a reader fetches only the segments that hold what changed', async () => {
  const writer = await filled();
  const reader = await tabs.open();
  const all = () => reader.db.value('SELECT sum(n + length(v)) FROM t');
  await reader.db.run('PRAGMA cache_size=5');
  await all();
  const { vfs } = reader.page;
  for (let i = 0; i < 2 * CHECKPOINT_COMMITS; i++) {
    await writer.db.run('UPDATE t SET n = n + 1 WHERE id = 7');
    const before = vfs.stats().segmentsRead;
    await all();
    expect(vfs.stats().segmentsRead - before).toBe(1);
  }
});
