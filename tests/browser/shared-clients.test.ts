import { afterEach, describe, expect, test } from 'vitest';
import { BusyError, StorageWorkerError } from '../../src/index.js';
import { storagePort } from '../../src/vfs/shared/storage-port.js';
import { PATIENT } from '../support/patience.ts';
import type { SharedOptions } from '../support/shared/calls.js';
import { SharedContext, SharedPage } from '../support/shared/context.js';
import { startOddStorage, startStorage, tellOdd } from '../support/shared/pool.js';
import { soon } from '../support/soon.ts';
import { deleteVolume, freshVolume } from '../support/sqlite.js';

// Goal: what lies between a client thread and its storage worker: clients that share one, waits and their
// limits, backpressure, cancellation, events and failures that come later than what caused them.
// Method: pages and storage workers of this test's own, so that it can stop each of them.

/** Longer than a busy machine keeps a thread from running. */
const LIMIT_MS = 3000;
/** Longer than a test may take. */
const NEVER_MS = 600_000;
/** The option of who is told otherwise by a pragma. */
const BRIEF_MS = 100;
/** The option's default. */
const REQUEST_TIMEOUT_MS = 30_000;
const BUSY = 5;
const FULL = 13;
const IOERR = 10;
/** Some 1 MiB in one sqliteTx. */
const MANY_ROWS = `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s
  WHERE i < 1000) SELECT i, zeroblob(1000) FROM s`;

const started: Worker[] = [];
const volumes: string[] = [];
afterEach(async () => {
  for (const worker of started.splice(0)) worker.terminate();
  for (const name of volumes.splice(0)) await deleteVolume(name);
});

function freshName(): string {
  const name = freshVolume('clients');
  volumes.push(name);
  return name;
}

async function client(storage: Worker, options: SharedOptions): Promise<SharedContext> {
  const page = new SharedPage();
  started.push(page.worker);
  return await SharedContext.create(page, 'shared', options, storagePort(storage));
}

function storageOf({ worker }: { readonly worker: Worker }): Worker {
  started.push(worker);
  return worker;
}

/** One client on a storage worker that fails on demand, with a table. */
async function oddClient(options: Partial<SharedOptions> = {}) {
  const storage = storageOf({ worker: await startOddStorage() });
  const context = await client(storage, { idbName: freshName(), ...options });
  const db = await context.open();
  await db.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  return { storage, context, db };
}

/** Two threads on one storage worker, each with a connection to one table; the first is patient. */
async function twoClients(busyTimeoutMs: number) {
  const storage = storageOf(startStorage());
  const options = { idbName: freshName(), busyTimeoutMs };
  const [first, second] = [await client(storage, options), await client(storage, options)];
  const [a, b] = [await first.open(), await second.open()];
  await a.run(`PRAGMA busy_timeout = ${NEVER_MS}; CREATE TABLE t(v)`);
  const close = async () => {
    for (const context of [first, second]) await context.close();
  };
  return { first, second, a, b, close };
}

async function msOf(work: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work.catch(() => undefined);
  return performance.now() - began;
}

describe('clients of one storage worker', () => {
  test('share volumes and databases, and see each other’s commits', async () => {
    const storage = storageOf(startStorage());
    const [one, two] = [freshName(), freshName()];
    const first = await client(storage, { idbName: one });
    const second = await client(storage, { idbName: one });
    const elsewhere = await client(storage, { idbName: two });
    const [a, b, c] = [await first.open(), await second.open(), await elsewhere.open()];
    const side = await first.open('side.db');
    for (const db of [a, side, c]) await db.run('CREATE TABLE t(v)');
    for (let i = 0; i < 20; i++) {
      await a.run(`INSERT INTO t VALUES (${i})`);
      await b.run('UPDATE t SET v = v + 100 WHERE v < 100');
    }
    expect(await a.value('SELECT sum(v) FROM t')).toBe(190 + 2000);
    expect(await side.value('SELECT count(*) FROM t')).toBe(0);
    expect(await c.value('SELECT count(*) FROM t')).toBe(0);
    expect(await second.vfs.listFiles()).toEqual(['side.db', 'test.db']);
    for (const context of [first, second, elsewhere]) await context.close();
  });

  test('wait for each other as long as busy_timeout says, and go on as soon as they can', async () => {
    const { a, b, close } = await twoClients(BRIEF_MS);
    await b.run(`PRAGMA busy_timeout = ${NEVER_MS}`);
    await a.run('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)');
    const waiting = b.run('INSERT INTO t VALUES (2)');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await a.run('COMMIT');
    expect(await msOf(waiting)).toBeLessThan(60_000);
    await waiting;
    expect(await a.rows('SELECT v FROM t')).toEqual([[1], [2]]);
    await close();
  });

  test.each([
    ['below', PATIENT.busyTimeoutMs],
    ['above', BRIEF_MS],
  ])(
    'wait as long as busy_timeout says, %s what the option does, however often SQLite tries',
    async (_what, busyTimeoutMs) => {
      const { a, b, close } = await twoClients(busyTimeoutMs);
      await a.run('BEGIN IMMEDIATE');
      await b.run('PRAGMA busy_timeout = 1000');
      const refused = b.run('INSERT INTO t VALUES (2)');
      const waitedMs = await msOf(refused);
      await expect(refused).rejects.toMatchObject({ code: BUSY });
      expect(waitedMs).toBeGreaterThan(900);
      expect(waitedMs).toBeLessThan(10_000);
      await a.run('COMMIT');
      await b.run('INSERT INTO t VALUES (3)');
      await close();
    },
  );

  test('are let go of when they end while they wait, with what they had open', async () => {
    const { first, second, a, b } = await twoClients(PATIENT.busyTimeoutMs);
    // Its own wait does not end while the test runs.
    await b.run(`PRAGMA busy_timeout = ${NEVER_MS}`);
    await a.run('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)');
    b.run('INSERT INTO t VALUES (2)').catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    second.page.worker.terminate();
    await a.run('COMMIT');
    expect(await a.rows('SELECT v FROM t')).toEqual([[1]]);
    await a.close();
    await soon(async () => expect(await first.vfs.deleteFile('test.db')).toBe(true));
    await first.close();
  });
});

describe('clients that come and go', () => {
  // Goal: nobody works with options that are not in force. Method: a second client with another one.
  test('agree on the options of their volume: the first that differs is named', async () => {
    const storage = storageOf(startStorage());
    const idbName = freshName();
    const first = await client(storage, { idbName, spillBytes: 65536, durability: 'strict' });
    const second = client(storage, { idbName, spillBytes: 131072, durability: 'relaxed' });
    await expect(second).rejects.toMatchObject({ code: 'OPTION' });
    await expect(second).rejects.toThrow(/spillBytes.*65536/);
    const third = await client(storage, { idbName, spillBytes: 65536, durability: 'relaxed' });
    await third.close();
    await first.close();
  });

  // Goal: what was acknowledged is not dropped with the thread that sent it, while its storage lives.
  // Method: the storage worker pauses, deferred commits gather in the ring, and their thread is ended.
  test('that end before what they sent was acted on lose nothing of it', async () => {
    const { storage, context, db } = await oddClient();
    const [idbName = ''] = volumes;
    await db.run('PRAGMA synchronous=OFF; INSERT INTO t VALUES (0, 0)');
    await tellOdd(storage, 'pause');
    const acknowledged = [[0]];
    for (let a = 1; a <= 100; a++) {
      await db.run(`INSERT INTO t VALUES (${a}, ${a})`);
      acknowledged.push([a]);
    }
    context.page.worker.terminate();
    const next = await client(storage, { idbName });
    const again = await next.open();
    await soon(async () => expect(await again.rows('SELECT a FROM t')).toEqual(acknowledged));
    await again.run('INSERT INTO t VALUES (200, 200)');
    await again.expectIntact();
    await next.close();
  });
});

describe('a storage worker', () => {
  // Goal: a hang of the engine's own storage worker keeps nobody out. Method: hang it, then write from
  // another thread with a storage worker of its own.
  test('that hangs and is the engine’s own is ended: what it has locked is free', async () => {
    const options = { idbName: freshName(), workerTimeoutMs: LIMIT_MS };
    const page = new SharedPage();
    started.push(page.worker);
    const context = await SharedContext.create(page, 'shared', options, 'odd function');
    const db = await context.open();
    await db.run('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    const channel = new BroadcastChannel('odd-storage');
    await tellOdd(channel, 'hang');
    channel.close();
    expect(await db.failure('CREATE TABLE u(a)')).toBe(IOERR);
    const next = await client(storageOf(startStorage()), options);
    const again = await next.open();
    await again.run('INSERT INTO t VALUES (2)');
    expect(await again.rows('SELECT a FROM t')).toEqual([[1], [2]]);
    await next.close();
  });

  test('that hangs is an error in time for statements, calls and close; create works again', async () => {
    const { storage, context, db } = await oddClient({ workerTimeoutMs: LIMIT_MS });
    const [idbName = ''] = volumes;
    await db.run('INSERT INTO t VALUES (1, 1)');
    await tellOdd(storage, 'hang');
    const call = expect(context.vfs.verify('test.db')).rejects.toThrow(StorageWorkerError);
    expect(await msOf(call)).toBeLessThan(3 * LIMIT_MS);
    expect(await db.failure('INSERT INTO t VALUES (2, 2)')).toBe(IOERR);
    expect(await msOf(context.close())).toBeLessThan(3 * LIMIT_MS);
    storage.terminate();
    const next = await client(storageOf(startStorage()), { idbName });
    expect(await (await next.open()).rows('SELECT a FROM t')).toEqual([[1]]);
    await next.close();
  });

  test('that never answers is an error of create, in time', async () => {
    const page = new SharedPage();
    started.push(page.worker);
    const { port2: deaf } = new MessageChannel();
    const creating = SharedContext.create(
      page,
      'shared',
      { idbName: 'nowhere', requestTimeoutMs: LIMIT_MS },
      deaf,
    );
    await expect(creating).rejects.toMatchObject({ code: 'STORAGE_WORKER' });
  });

  test('without Atomics.waitAsync is woken by messages', async () => {
    const storage = storageOf({ worker: await startOddStorage({ without: 'waitAsync' }) });
    const context = await client(storage, { idbName: freshName() });
    const db = await context.open();
    await db.run(`CREATE TABLE t(a INTEGER PRIMARY KEY, b); ${MANY_ROWS}`);
    await db.expectIntact();
    await context.close();
  });

  test('that is idle lets go of the volume when another context deletes it', async () => {
    const { context, db } = await oddClient();
    const [idbName = ''] = volumes;
    await db.run('INSERT INTO t VALUES (1, 1)');
    // When it is told, and not when its connection is taken for dead.
    expect(await msOf(deleteVolume(idbName))).toBeLessThan(REQUEST_TIMEOUT_MS);
    context.page.worker.terminate();
  });

  test.each([
    ['the engine itself', undefined],
    ['a function of the app', 'function'],
  ] as const)('started by %s serves, and ends with the VFS', async (_who, storage) => {
    const page = new SharedPage();
    started.push(page.worker);
    const context = await SharedContext.create(page, 'shared', { idbName: freshName() }, storage);
    const db = await context.open();
    await db.run('CREATE TABLE t(v); INSERT INTO t VALUES (7)');
    expect(await db.value('SELECT v FROM t')).toBe(7);
    await context.close();
  });
});

describe('beside SQL', () => {
  test('events, counters and calls are those of the other engines', async () => {
    const storage = storageOf(startStorage());
    const context = await client(storage, { idbName: freshName() });
    const seen: unknown[] = [];
    context.vfs.addEventListener('recovery', ({ detail }) => seen.push(detail.path));
    context.vfs.addEventListener('commit', ({ detail }) => seen.push(detail.version));
    const db = await context.open();
    await db.run('CREATE TABLE t(v); INSERT INTO t VALUES (1)');
    await soon(() => expect(seen).toEqual(['test.db', 1, 2]));
    expect(await context.vfs.stats()).toMatchObject({
      commits: 2,
      recoveries: [{ path: 'test.db' }],
    });
    expect(await context.vfs.verify('test.db')).toMatchObject({ version: 2, defects: [] });
    await expect(context.vfs.deleteFile('test.db')).rejects.toThrow(BusyError);
    await db.close();
    expect(await context.vfs.salvage('test.db')).toMatchObject({
      to: 'test.db.salvaged',
      lost: [],
    });
    expect(await context.vfs.deleteFile('test.db')).toBe(true);
    expect(await context.vfs.listFiles()).toEqual(['test.db.salvaged']);
    await context.close();
  });
});

describe('requests that are not waited for', () => {
  test('wait when the channel is full', async () => {
    const { context, db } = await oddClient({ channelBytes: 256 * 1024 });
    await db.run(MANY_ROWS);
    await db.expectIntact();
    expect(await db.value('SELECT count(*) FROM t')).toBe(1000);
    await context.close();
  });

  test.each(['OFF', 'NORMAL'])(
    'a spill that fails fails the sqliteTx, synchronous=%s',
    async (word) => {
      const { storage, context, db } = await oddClient({ spillBytes: 65536 });
      await db.run(
        `PRAGMA cache_size=10; PRAGMA synchronous=${word}; INSERT INTO t VALUES (-1, 1)`,
      );
      await context.vfs.durable();
      await tellOdd(storage, 'fill');
      expect(await db.failure(MANY_ROWS)).toBe(FULL);
      await db.rows('ROLLBACK').catch(() => undefined);
      expect(await db.value('SELECT count(*) FROM t')).toBe(1);
      await db.expectIntact();
      await db.run(MANY_ROWS);
      expect(await db.value('SELECT count(*) FROM t')).toBe(1001);
      await db.expectIntact();
      await context.close();
    },
  );

  test('a deferred commit that fails is an event, an error of durable() and of the next call', async () => {
    const { storage, context, db } = await oddClient();
    const lost: string[] = [];
    context.vfs.addEventListener('loss', ({ detail }) => lost.push(...detail.paths));
    await db.run('PRAGMA synchronous=OFF; INSERT INTO t VALUES (1, 1)');
    await context.vfs.durable();
    await tellOdd(storage, 'lose');
    await db.run('INSERT INTO t VALUES (2, 2)');
    await expect(context.vfs.durable()).rejects.toThrow();
    await context.vfs.durable();
    await soon(() => expect(lost).toEqual(['test.db']));
    expect(await db.failure('SELECT a FROM t')).toBe(IOERR);
    expect(await db.rows('SELECT a FROM t')).toEqual([[1]]);
    await db.run('INSERT INTO t VALUES (3, 3)');
    await db.expectIntact();
    await context.close();
  });
});
