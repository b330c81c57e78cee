import { afterEach, describe, expect, test } from 'vitest';
import { IDBBlockSharedVFS } from '../../src/vfs/shared/idb-block-shared-vfs.js';
import { storagePort } from '../../src/vfs/shared/storage-port.js';
import { PATIENT } from '../support/patience.ts';
import { SharedContext, SharedPage } from '../support/shared/context.js';
import { startOddStorage, startStorage, tellOdd } from '../support/shared/pool.js';
import { soon } from '../support/soon.ts';
import { deleteVolume, freshVolume } from '../support/sqlite.js';

// Goal: a storage worker that dies, at any moment, is one clear error within the limit, never a hang and
// never wrong data; a new VFS then has everything that was acknowledged. Contexts that cannot run the
// engine are told what is missing.
// Method: the test starts the storage worker and hands a port to the SQLite worker, so that it can end
// it while that one is blocked. One that stands still at a chosen call or event of IndexedDB is lost at just that
// moment of a request.

/** Longer than a busy machine keeps a thread from running. */
const LIMIT_MS = 3000;
const SQLITE_IOERR = 10;

const opened: Worker[] = [];
afterEach(() => {
  for (const worker of opened.splice(0)) worker.terminate();
});

async function start(idbName: string) {
  const { worker: storage, port } = startStorage();
  const page = new SharedPage();
  opened.push(page.worker, storage);
  const options = { idbName, workerTimeoutMs: LIMIT_MS, ...PATIENT };
  const context = await SharedContext.create(page, 'shared', options, port);
  return { storage, page, context, db: await context.open() };
}

/** Ends the storage worker so long after commits began. */
async function endAfter(delayMs: number): Promise<void> {
  const idbName = freshVolume('loss');
  const { storage, page, db } = await start(idbName);
  await db.run('PRAGMA synchronous=NORMAL; CREATE TABLE t(v)');
  let acknowledged = 0;
  const writing = (async () => {
    for (;;) {
      await db.run(`INSERT INTO t VALUES (${acknowledged + 1})`);
      acknowledged++;
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  storage.terminate();
  const started = performance.now();
  await expect(writing).rejects.toMatchObject({ code: SQLITE_IOERR });
  expect(performance.now() - started).toBeLessThan(3 * LIMIT_MS);
  page.worker.terminate();
  const next = await start(idbName);
  const found = (await next.db.value('SELECT count(*) FROM t')) as number;
  expect([acknowledged, acknowledged + 1], `after ${delayMs} ms`).toContain(found);
  await next.db.expectIntact();
  await next.context.close();
  next.storage.terminate();
  await deleteVolume(idbName);
}

describe('a storage worker that is ended', () => {
  test('between statements: the next one fails in time, and so does each that follows, at once', async () => {
    const idbName = freshVolume('loss');
    const { storage, page, context, db } = await start(idbName);
    await db.run('PRAGMA synchronous=NORMAL; CREATE TABLE t(v); INSERT INTO t VALUES (1)');
    storage.terminate();
    const started = performance.now();
    expect(await db.failure('INSERT INTO t VALUES (2)')).toBe(SQLITE_IOERR);
    expect(performance.now() - started).toBeLessThan(3 * LIMIT_MS);
    expect(context.errors[0]).toMatchObject({ code: 'STORAGE_WORKER' });
    const again = performance.now();
    expect(await db.failure('INSERT INTO t VALUES (3)')).toBe(SQLITE_IOERR);
    expect(performance.now() - again).toBeLessThan(LIMIT_MS / 2);
    page.worker.terminate();
    const next = await start(idbName);
    expect(await next.db.rows('SELECT v FROM t')).toEqual([[1]]);
    await next.db.run('INSERT INTO t VALUES (4)');
    await next.db.expectIntact();
    await next.context.close();
    next.storage.terminate();
    await deleteVolume(idbName);
  });

  test('while nothing is asked of it: what it granted is trusted no longer than the limit', async () => {
    const idbName = freshVolume('loss');
    const { storage, page, db } = await start(idbName);
    await db.run('CREATE TABLE t(v); INSERT INTO t VALUES (1)');
    storage.terminate();
    const started = performance.now();
    // Copies answer a reader that has a lease.
    await soon(async () => expect(await db.failure('SELECT v FROM t')).toBe(SQLITE_IOERR));
    expect(performance.now() - started).toBeLessThan(4 * LIMIT_MS);
    page.worker.terminate();
    await deleteVolume(idbName);
  });

  test('at any moment of many commits: an error in time, and every acknowledged row is there', async () => {
    await Promise.all([0, 3, 13, 55].map(endAfter));
  });
});

/** What is going on when the storage worker is lost. */
interface Program {
  readonly name: string;
  /** Repeated until it fails. */
  round(it: Started, round: number): Promise<void>;
  /** Whether the rows that are left, 1 to `found`, may be so many after `rounds` that were acknowledged. */
  allows(found: number, rounds: number): boolean;
}

type Started = Awaited<ReturnType<typeof startOn>>;

/** Calls and events of IndexedDB at which it stands still. */
const POINTS = [1, 12];
const ROWS = 500;
/** `ROWS` rows of 1,000 bytes in one statement, numbered on from what is there. */
const MORE_ROWS = `INSERT INTO t(v) WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s
  WHERE i < ${ROWS}) SELECT zeroblob(1000) FROM s`;
const GROUP = 20;
const atLeast = (found: number, acknowledged: number, round: number) =>
  found === acknowledged || found === acknowledged + round;

const PROGRAMS: readonly Program[] = [
  {
    name: 'strict commits',
    round: ({ db }) => db.run('PRAGMA synchronous=FULL; INSERT INTO t(v) VALUES (1)'),
    allows: (found, rounds) => atLeast(found, ROWS + rounds, 1),
  },
  {
    name: 'deferred commits in groups',
    async round({ context, db }) {
      await db.run('PRAGMA synchronous=OFF');
      for (let i = 0; i < GROUP; i++) await db.run('INSERT INTO t(v) VALUES (1)');
      await context.vfs.durable();
    },
    allows: (found, rounds) =>
      found >= ROWS + rounds * GROUP && found <= ROWS + (rounds + 1) * GROUP,
  },
  {
    name: 'a sqliteTx that spills',
    round: ({ db }) => db.run(`PRAGMA cache_size=10; ${MORE_ROWS}`),
    allows: (found, rounds) => atLeast(found, ROWS * (rounds + 1), ROWS),
  },
  {
    name: 'reads of what is not in memory',
    async round({ db }) {
      await db.run('PRAGMA cache_size=10');
      const sums = await db.rows('SELECT count(*), sum(id), sum(length(v)) FROM t');
      expect(sums).toEqual([[ROWS, (ROWS * (ROWS + 1)) / 2, ROWS * 1000]]);
    },
    allows: (found) => found === ROWS,
  },
  {
    name: 'openings',
    async round({ context }, round) {
      const other = await context.open(`other-${round}.db`);
      await other.rows('SELECT * FROM sqlite_schema');
      await other.close();
    },
    allows: (found) => found === ROWS,
  },
];

const SMALL = { spillBytes: 65536, cacheBytes: 65536, ...PATIENT };

async function startOn(storage: Worker, idbName: string) {
  const page = new SharedPage();
  opened.push(page.worker, storage);
  const options = { idbName, workerTimeoutMs: LIMIT_MS, ...SMALL };
  const context = await SharedContext.create(page, 'shared', options, storagePort(storage));
  return { storage, page, context, db: await context.open() };
}

/** The storage worker stands still at the nth call or event of IndexedDB that `program` brings about. */
async function standStill(program: Program, nth: number): Promise<void> {
  const idbName = freshVolume('still');
  const it = await startOn(await startOddStorage(), idbName);
  await it.db.run(`CREATE TABLE t(id INTEGER PRIMARY KEY, v); ${MORE_ROWS}`);
  await tellOdd(it.storage, nth);
  let rounds = 0;
  let begun = performance.now();
  const going = (async () => {
    for (;;) {
      begun = performance.now();
      await program.round(it, rounds);
      rounds++;
    }
  })();
  const failure = await going.catch((cause: unknown) => cause);
  expect(performance.now() - begun).toBeLessThan(4 * LIMIT_MS);
  // A statement has SQLite's code, and the VFS's event tells why; durable() tells by itself.
  expect(it.context.errors[0] ?? failure).toMatchObject({ code: 'STORAGE_WORKER' });
  const again = performance.now();
  await it.db.failure('SELECT count(*) FROM t');
  expect(performance.now() - again).toBeLessThan(LIMIT_MS / 2);
  it.page.worker.terminate();
  it.storage.terminate();
  const { worker } = startStorage();
  const next = await startOn(worker, idbName);
  const [[found, last] = []] = await next.db.rows('SELECT count(*), max(id) FROM t');
  expect(last).toBe(found);
  expect(program.allows(found as number, rounds), `${found} after ${rounds}, at ${nth}`).toBe(true);
  await next.db.run('INSERT INTO t(v) VALUES (2)');
  await next.db.expectIntact();
  expect(await next.context.vfs.verify('test.db')).toMatchObject({ defects: [] });
  await next.context.close();
  worker.terminate();
  await deleteVolume(idbName);
}

describe('a storage worker that stands still', () => {
  test.each(PROGRAMS)(
    'at any point of $name: an error in time, nothing wrong, and all is there',
    async (program) => {
      await Promise.all(POINTS.map((nth) => standStill(program, nth)));
    },
  );
});

describe('a context that cannot block', () => {
  test('is told so: a window', async () => {
    await expect(IDBBlockSharedVFS.create('x', {})).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      capability: 'dedicated worker',
    });
  });
});
