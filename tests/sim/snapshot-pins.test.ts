/**
 * Snapshots across contexts: what a reader in one tab has pinned, no other tab reclaims; what nobody reads any
 * more goes (P9, DESIGN §4 I8).
 *
 * Method: pages of one simulated IndexedDB, each with Web Locks that can be taken from it as from a page that has
 * died. Their caches hold less than the table, so what a reader reads it has to fetch.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CHECKPOINT_COMMITS } from '../../src/format/layout.js';
import type { Database } from '../support/database.ts';
import { useGlobals } from '../support/globals.ts';
import { soon } from '../support/soon.ts';
import { PATH, type Tab, Tabs } from '../support/tabs.ts';

const ROWS = 60;

useGlobals();

let tabs: Tabs;
beforeEach(() => {
  tabs = new Tabs();
});
afterEach(() => tabs.closeAll());

async function tab(): Promise<Tab> {
  const opened = await tabs.open({ cacheBytes: 65536 });
  await opened.db.run('PRAGMA cache_size=5; PRAGMA synchronous=NORMAL');
  return opened;
}

/** Commits until every row, and so every segment, has been written anew `checkpoints` times. */
async function rewrite({ db }: Tab, checkpoints: number): Promise<void> {
  for (let i = 0; i < checkpoints * CHECKPOINT_COMMITS; i++) await updateRow(db, i % ROWS);
}

async function updateRow(db: Database, id: number): Promise<void> {
  await db.run('UPDATE t SET n = n + 1, v = randomblob(3000) WHERE id = ?', [id]);
}

function sumOf(db: Database): Promise<unknown> {
  return db.value('SELECT sum(n + length(v)) FROM t');
}

async function writerAndReader(): Promise<[Tab, Tab]> {
  const writer = await tab();
  await writer.db.run(`CREATE TABLE t(id INTEGER PRIMARY KEY, n, v);
    INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < ${ROWS - 1})
      SELECT i, 0, randomblob(3000) FROM s`);
  const reader = await tab();
  await noPins();
  return [writer, reader];
}

/** A tab that has read lets go of its pin after a while. */
async function noPins(): Promise<void> {
  await soon(async () => expect(await tabs.pinNames()).toEqual([]));
}

/** Keeps requests for locks from reaching the lock manager until they are let through, however long that is. */
function holdUp(part: string): () => void {
  const { request } = tabs.locks;
  let letThrough = () => {};
  const gate = new Promise<void>((resolve) => {
    letThrough = resolve;
  });
  const held = async (name: string, options: LockOptions, callback: unknown) => {
    if (!name.includes(part))
      return await request.call(tabs.locks, name, options, callback as never);
    await gate;
    const { signal: _, ...patient } = options;
    return await request.call(tabs.locks, name, patient, callback as never);
  };
  tabs.locks.request = held as never;
  return letThrough;
}

const BEFORE = ROWS * 3000;

describe('a reader beside a writer in another tab', () => {
  // Goal: one snapshot from the first lock to the last. Method: read one row, have everything rewritten over six
  // checkpoints, read all rows; without the pin the first segments are gone after two.
  test('reads its snapshot after any number of checkpoints', async () => {
    const [writer, reader] = await writerAndReader();
    await reader.db.run('BEGIN; SELECT n FROM t WHERE id = 0');
    await rewrite(writer, 6);
    expect(await sumOf(reader.db)).toBe(BEFORE);
    await reader.db.run('COMMIT');
    expect(await sumOf(reader.db)).toBe(BEFORE + 6 * CHECKPOINT_COMMITS);
  });

  // Goal: what a long reader costs can be seen, and is given back. Method: the writer's counters while it reads, and
  // two checkpoints after it has ended.
  test('is seen in the stats of the writer, and what it held back is reclaimed', async () => {
    const [writer, reader] = await writerAndReader();
    await rewrite(writer, 3);
    const alone = writer.page.vfs.stats();
    expect(alone).toMatchObject({ otherReaders: 0, heldBackSegments: 0, snapshotLag: 0 });
    await reader.db.run('BEGIN; SELECT n FROM t WHERE id = 0');
    await rewrite(writer, 6);
    const beside = writer.page.vfs.stats();
    expect(beside.otherReaders).toBe(1);
    expect(beside.snapshotLag).toBe(6 * CHECKPOINT_COMMITS);
    expect(beside.heldBackSegments).toBeGreaterThan(4 * CHECKPOINT_COMMITS);
    await reader.db.run('COMMIT');
    await tabs.close(reader);
    await rewrite(writer, 3);
    const after = writer.page.vfs.stats();
    expect(after).toMatchObject({ otherReaders: 0, heldBackSegments: 0, snapshotLag: 0 });
    expect(after.supersededSegments).toBeLessThanOrEqual(alone.supersededSegments + 1);
    expect(await writer.page.vfs.verify(PATH)).toMatchObject({ defects: [], unlistedSegments: 0 });
  });

  // Goal: what is pinned late is of a version that nobody reclaims. Method: the lock is granted late, when the
  // writer has reclaimed all that there was when it was asked for; a snapshot from before that is gone.
  test('reads a whole snapshot also if its pin was granted late', async () => {
    const [writer, reader] = await writerAndReader();
    const grant = holdUp(':pin:');
    const beginning = reader.db.value('BEGIN; SELECT n FROM t WHERE id = 0');
    await rewrite(writer, 4);
    grant();
    await beginning;
    await rewrite(writer, 4);
    expect(await sumOf(reader.db)).toBe(BEFORE + 4 * CHECKPOINT_COMMITS);
    await reader.db.run('COMMIT');
  });

  // Goal: a dead reader keeps nothing. Method: its locks go while its sqliteTx is open, as with its page.
  test('keeps nothing once it is dead', async () => {
    const [writer, reader] = await writerAndReader();
    await reader.db.run('BEGIN; SELECT n FROM t WHERE id = 0');
    await rewrite(writer, 4);
    expect(writer.page.vfs.stats().heldBackSegments).toBeGreaterThan(0);
    reader.locks.releaseHeld();
    await rewrite(writer, 3);
    expect(writer.page.vfs.stats()).toMatchObject({ otherReaders: 0, heldBackSegments: 0 });
    expect((await writer.page.vfs.verify(PATH)).unlistedSegments).toBe(0);
  });

  // Goal: reading on and on asks for no lock, and does not keep what is older than two checkpoints. Method: count
  // its requests for locks over 64 reads per checkpoint.
  test('asks for a lock once in a while only, and holds the writer back by a checkpoint', async () => {
    const [writer, reader] = await writerAndReader();
    await sumOf(reader.db);
    const before = reader.locks.trace().length;
    for (let i = 0; i < 6 * CHECKPOINT_COMMITS; i++) {
      await updateRow(writer.db, i % ROWS);
      await reader.db.value('SELECT n FROM t WHERE id = 1');
    }
    expect(reader.locks.trace().length - before).toBeLessThanOrEqual(8);
    expect(await tabs.pinNames()).toHaveLength(1);
    expect(writer.page.vfs.stats().snapshotLag).toBeLessThanOrEqual(3 * CHECKPOINT_COMMITS);
    expect(writer.page.vfs.stats().heldBackSegments).toBeLessThanOrEqual(3 * CHECKPOINT_COMMITS);
  });

  // Goal: an idle tab keeps nothing. Method: read once, and wait for the pin to go.
  test('lets go of its pin soon after its last read', async () => {
    const [, reader] = await writerAndReader();
    await sumOf(reader.db);
    expect(await tabs.pinNames()).toHaveLength(1);
    await noPins();
    expect(await sumOf(reader.db)).toBe(BEFORE);
  });
});

// Goal: a snapshot that was pinned under the writer lock survives its hand-over. Method: the first tab writes, keeps
// a sqliteTx open, and another tab takes the lock and rewrites everything.
test('a reader that had the writer lock keeps its snapshot when it hands it over', async () => {
  const [first, second] = await writerAndReader();
  await first.db.run('UPDATE t SET n = n + 1; BEGIN; SELECT n FROM t WHERE id = 0');
  expect(await tabs.pinNames()).toEqual([]);
  await rewrite(second, 5);
  expect(await sumOf(first.db)).toBe(BEFORE + ROWS);
  await first.db.run('COMMIT');
  expect(await sumOf(first.db)).toBe(BEFORE + ROWS + 5 * CHECKPOINT_COMMITS);
});

// Goal: several snapshots of one tab. Method: three that overlap, each read to its end when those before it
// have ended and everything was rewritten since.
test('each snapshot of a tab is kept while older and newer ones come and go', async () => {
  const [writer, reader] = await writerAndReader();
  const begun: Database[] = [];
  for (let i = 0; i < 3; i++) {
    const db = await reader.page.open(PATH);
    await db.run('PRAGMA cache_size=5; BEGIN; SELECT n FROM t WHERE id = 0');
    begun.push(db);
    await rewrite(writer, 1);
    await sumOf(reader.db);
  }
  for (const [i, db] of begun.entries()) {
    await rewrite(writer, 4);
    await sumOf(reader.db);
    const sum = await sumOf(db);
    expect(sum).toBe(BEFORE + i * CHECKPOINT_COMMITS);
    await db.run('COMMIT');
  }
});

// Goal: a lone tab pays one question for each checkpoint. Method: count its requests for locks, and its questions.
test('a tab that is alone asks for no further lock, and which there are once for each checkpoint', async () => {
  const [writer, reader] = await writerAndReader();
  await tabs.close(reader);
  let questions = 0;
  const query = tabs.locks.query.bind(tabs.locks);
  tabs.locks.query = () => {
    questions++;
    return query();
  };
  const before = writer.locks.trace().length;
  await rewrite(writer, 5);
  for (let i = 0; i < 50; i++) await sumOf(writer.db);
  expect(writer.locks.trace().length).toBe(before);
  expect(questions).toBeGreaterThanOrEqual(4);
  expect(questions).toBeLessThanOrEqual(6);
});

// Goal: a lock that is not granted ends in a clear failure, not in waiting for ever; without Web Locks all is as it
// was. Method: plan just that.
test('a pin that is not granted is SQLITE_BUSY', async () => {
  const [, reader] = await writerAndReader();
  reader.locks.plan({ tag: 'lock-never-granted' }, { mode: 'shared' });
  expect(await reader.db.failure('SELECT * FROM t')).toBe(5);
  expect(await sumOf(reader.db)).toBe(BEFORE);
});
