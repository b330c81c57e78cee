/**
 * A page whose writer lock was taken away loses the sqliteTx it is in, and nothing else; whatever it does next
 * it does on the newest version.
 *
 * Method: two pages on one simulated IndexedDB and one lock manager, through which the first one's lock is
 * stolen, or goes without a word as from a page that stands still and has not yet been told.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BlockStoreError } from '../../src/index.js';
import { FaultyLocks, SimulatedIndexedDB, SimulatedLocks } from '../../src/testing/index.js';
import type { Database } from '../support/database.ts';
import { useGlobals } from '../support/globals.ts';
import { soon } from '../support/soon.ts';
import { NodeSQLite, type Page } from '../support/sqlite-node.ts';

const STEAL_AFTER_MS = 5000;
const WRITER = 'idb-block-vfs:volume:t.db:writer';

useGlobals();

let sim: SimulatedIndexedDB;
let locks: FaultyLocks;
let robbed: Page;
let other: Page;
let first: Database;
let second: Database;
let errors: BlockStoreError[];
let changes: string[];

beforeEach(async () => {
  sim = new SimulatedIndexedDB({ trace: false });
  const manager = new SimulatedLocks() as unknown as LockManager;
  locks = new FaultyLocks(manager);
  const sqlite = [await NodeSQLite.create(), await NodeSQLite.create()] as const;
  const options = { stealAfterMs: STEAL_AFTER_MS, autoSync: false, maxDelayMs: 60_000 };
  robbed = await sqlite[0].page(sim.openTab(), { ...options, locks });
  other = await sqlite[1].page(sim.openTab(), { ...options, locks: manager });
  errors = [];
  changes = [];
  robbed.vfs.addEventListener('error', ({ detail }) => errors.push(detail.error));
  robbed.vfs.addEventListener('writerchange', ({ detail }) => changes.push(detail.why));
  first = await robbed.open('t.db');
  await first.run('CREATE TABLE t(n); INSERT INTO t VALUES (0)');
  second = await other.open('t.db');
});
afterEach(async () => {
  vi.useRealTimers();
  await robbed.close().catch(() => undefined);
  await other.close();
});

/** The lock is taken away, and who had it is told. */
async function steal(): Promise<void> {
  locks.stealHeld(WRITER);
  await soon(() => expect(robbed.vfs.writer('t.db')).toBe('none'));
}

/** Of the first page's last failure. */
const lastCode = () => errors.at(-1)?.code;

describe('inside a sqliteTx', () => {
  beforeEach(async () => {
    await first.run('BEGIN IMMEDIATE; UPDATE t SET n = 100');
    await steal();
  });

  test('its commit fails also if nobody else has committed', async () => {
    expect(changes).toEqual(['acquired', 'stolen']);
    await expect(first.run('COMMIT')).rejects.toThrow();
    expect(lastCode()).toBe('BUSY_SNAPSHOT');
    await first.run('ROLLBACK').catch(() => undefined);
    expect(await first.value('SELECT n FROM t')).toBe(0);
    await first.run('UPDATE t SET n = n + 1');
    expect(await second.value('SELECT n FROM t')).toBe(1);
  });

  test('its reads fail too, and after a rollback it sees what the other has committed', async () => {
    await second.run('UPDATE t SET n = n + 1');
    await first.run('PRAGMA cache_size=0');
    await expect(first.run('COMMIT')).rejects.toThrow();
    await first.run('ROLLBACK').catch(() => undefined);
    expect(lastCode()).toBe('BUSY_SNAPSHOT');
    expect(await first.value('SELECT n FROM t')).toBe(1);
    await first.run('BEGIN IMMEDIATE; UPDATE t SET n = n + 1; COMMIT');
    expect(await second.value('SELECT n FROM t')).toBe(2);
  });

  test('a rollback is as ever, and the other one writes on', async () => {
    await first.run('ROLLBACK');
    await second.run('UPDATE t SET n = n + 1');
    expect(await first.value('SELECT n FROM t')).toBe(1);
    expect(errors).toEqual([]);
  });
});

test('a reader that is robbed keeps its snapshot', async () => {
  await first.run('BEGIN; SELECT n FROM t');
  await steal();
  await second.run('UPDATE t SET n = n + 1');
  expect(await first.value('SELECT n FROM t')).toBe(0);
  await first.run('COMMIT');
  expect(await first.value('SELECT n FROM t')).toBe(1);
});

test('deferred commits that had not landed are lost, and told', async () => {
  const losses: (readonly string[])[] = [];
  robbed.vfs.addEventListener('loss', ({ detail }) => losses.push(detail.paths));
  await first.run('PRAGMA synchronous=OFF; UPDATE t SET n = 100');
  await steal();
  await second.run('UPDATE t SET n = n + 1');
  await expect(robbed.vfs.durable()).rejects.toMatchObject({ code: 'BUSY_SNAPSHOT' });
  expect(losses).toEqual([['t.db']]);
  await first.run('SELECT n FROM t').catch(() => undefined);
  expect(await first.value('SELECT n FROM t')).toBe(1);
});

// Goal: who stood still trusts its lock no longer than nobody can have stolen it. Method: the lock goes
// without a word and the other page commits; then the clock is set on.
describe('before it is told', () => {
  async function goneUnheard(): Promise<void> {
    locks.releaseHeld(WRITER);
    // It asks for nothing, which the first one would hear.
    const page = await (await NodeSQLite.create()).page(sim.openTab(), { locks: null });
    await (await page.open('t.db')).run('UPDATE t SET n = n + 1');
    await page.close();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + STEAL_AFTER_MS / 2 });
  }

  test('its next read asks the store first', async () => {
    await goneUnheard();
    expect(robbed.vfs.writer('t.db')).toBe('held');
    expect(await first.value('SELECT n FROM t')).toBe(1);
  });

  test('its next write stands on the newest version', async () => {
    await goneUnheard();
    await first.run('BEGIN IMMEDIATE; UPDATE t SET n = n + 10; COMMIT');
    expect(await second.value('SELECT n FROM t')).toBe(11);
    expect(errors).toEqual([]);
  });

  test('the commit of a sqliteTx that it is in fails', async () => {
    await first.run('BEGIN IMMEDIATE; UPDATE t SET n = 100');
    await goneUnheard();
    await expect(first.run('COMMIT')).rejects.toThrow();
    expect(lastCode()).toBe('BUSY_SNAPSHOT');
    await first.run('ROLLBACK').catch(() => undefined);
    expect(await first.value('SELECT n FROM t')).toBe(1);
  });
});

// Goal: BEGIN IMMEDIATE gets through when its turn has come, though another one has committed while it waited.
test('who waits for the lock to begin has a snapshot from after it got it', async () => {
  await first.run('BEGIN IMMEDIATE; UPDATE t SET n = n + 1');
  const waiting = second.run('BEGIN IMMEDIATE; UPDATE t SET n = n + 10; COMMIT');
  await soon(() => expect(robbed.vfs.writer('t.db')).toBe('wanted'));
  await first.run('COMMIT');
  await waiting;
  expect(await first.value('SELECT n FROM t')).toBe(11);
});

// Goal: the same for a sqliteTx that had read before. Method: its lock comes too late for its snapshot, and
// it tries again while the first page is in the queue.
test('who got the lock too late for its snapshot has it for the next try', async () => {
  await second.run('BEGIN; SELECT n FROM t');
  await first.run('BEGIN IMMEDIATE; UPDATE t SET n = n + 1');
  const waiting = second.run('UPDATE t SET n = n + 10').then(
    () => 'done',
    () => 'busy',
  );
  await soon(() => expect(robbed.vfs.writer('t.db')).toBe('wanted'));
  await first.run('COMMIT');
  const again = first.run('UPDATE t SET n = n + 100').catch(() => undefined);
  expect(await waiting).toBe('busy');
  await second.run('ROLLBACK; UPDATE t SET n = n + 10');
  await again;
  // The first one's snapshot is too old in its turn.
  expect(await second.value('SELECT n FROM t')).toBe(11);
  expect(lastCode()).toBe('BUSY_SNAPSHOT');
});
