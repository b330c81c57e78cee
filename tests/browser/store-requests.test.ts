import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type RequestSpy, spyRequests, tally } from '../support/request-spy.js';
import { insert } from '../support/rig.js';
import { BUILDS, type Context, type Database, Site } from '../support/sqlite.js';

/** Blocks of 4 KiB in a segment (docs/FORMAT.md §3). */
const BLOCKS_PER_SEGMENT = 15;
const FENCE_WINDOW_MS = 1000;
/** docs/FORMAT.md §7, without the one request per volume. */
const OPEN_REQUESTS = 7;

describe.each(BUILDS)('requests, %s', (build) => {
  let site: Site;
  let spy: RequestSpy;
  let nowMs: number;
  // A frozen clock: the fence asks the store again when a second has passed, and only then.
  beforeEach(() => {
    site = new Site(build);
    spy = spyRequests(site.idbName);
    nowMs = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => nowMs);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    spy.restore();
    await site.remove();
  });

  /** `rows` rows, each on a leaf page of its own, and the requests so far forgotten. */
  async function filled(rows: number): Promise<{ context: Context; db: Database }> {
    const context = await site.context();
    const db = await site.open();
    await db.run('PRAGMA cache_size=-16000; CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
    await db.run(insert(rows));
    spy.take();
    return { context, db };
  }

  // Goal: an xWrite touches memory only. Method: a sqliteTx of 1 MB, all of it pushed out of SQLite's
  // page cache into the VFS while BEGIN is open; then COMMIT, which does make requests.
  test('an xWrite below the spill limit makes no request', async () => {
    const { db, context } = await filled(10);
    const writes = vi.spyOn(context.vfs, 'xWrite');
    await db.run(`PRAGMA cache_size=10; BEGIN; ${insert(250)}`);
    expect(writes.mock.calls.length).toBeGreaterThan(200);
    expect(tally(spy.take())).toEqual({});
    await db.run('COMMIT');
    expect(spy.take().length).toBeGreaterThan(10);
  });

  // Goal: the price of a commit is its segments and one record. Method: change n pages, page 1 among
  // them, and look at every request; the commit event says that they were n.
  test('a commit of n pages makes ceil(n / 15) + 1 requests and one idbTx', async () => {
    const { db, context } = await filled(1000);
    const blocks: number[] = [];
    context.vfs.addEventListener('commit', ({ detail }) => blocks.push(detail.blocks ?? 0));
    for (const n of [3, 15, 16, 100, 1000]) {
      const { transactions, requests } = await context.vfs.stats();
      await db.run(`UPDATE t SET v = randomblob(3000) WHERE id < ${n}`);
      expect(blocks.pop()).toBe(n);
      const segments = Math.ceil(n / BLOCKS_PER_SEGMENT);
      expect(tally(spy.take()), `${n} pages`).toEqual({
        'add segments': segments,
        'add commits': 1,
      });
      const after = await context.vfs.stats();
      expect(after.transactions - transactions).toBe(1);
      expect(after.requests - requests).toBe(segments + 1);
    }
  });

  // Goal: the fence costs one request, and only after a pause. Method: move the clock.
  test('a commit more than a second after the last one makes one request more', async () => {
    const { db } = await filled(10);
    const sql = 'UPDATE t SET v = randomblob(3000) WHERE id = 1';
    nowMs += FENCE_WINDOW_MS + 1;
    await db.run(sql);
    expect(tally(spy.take())).toEqual({ 'add segments': 1, 'add commits': 1, 'count commits': 1 });
    nowMs += FENCE_WINDOW_MS;
    await db.run(sql);
    expect(tally(spy.take())).toEqual({ 'add segments': 1, 'add commits': 1 });
  });

  // Goal: a checkpoint stays small however long the file has lived. Method: one-row commits over seven
  // checkpoints; a checkpoint adds its one chunk, the directory, one deletion of commit records, and
  // deletions of segments, which are ranges: fewer than the commits that wrote them.
  test('a checkpoint makes a bounded number of requests more', async () => {
    const { db, context } = await filled(40);
    await db.run('PRAGMA synchronous=NORMAL');
    let checkpoints = 0;
    for (let i = 0; i < 450; i++) {
      spy.take();
      await db.run(`UPDATE t SET v = randomblob(3000) WHERE id = ${1 + (i % 40)}`);
      const { 'add segments': segments, 'add commits': commits, ...more } = tally(spy.take());
      expect([segments, commits]).toEqual([1, 1]);
      if (Object.keys(more).length === 0) continue;
      checkpoints++;
      const { 'delete segments': deleted = 0, 'delete commits': dropped = 0, ...saved } = more;
      expect(saved).toEqual({ 'put maps': 2 });
      expect(dropped).toBeLessThanOrEqual(1);
      expect(deleted).toBeLessThanOrEqual(64);
    }
    expect(checkpoints).toBe(7);
    expect(context.errors).toEqual([]);
  });

  // Goal: what is in memory is not asked for again. Method: read all rows twice with a page cache of
  // SQLite's too small to help; the second time every page comes from the VFS's segments.
  test('a warm read makes no request', async () => {
    const { context } = await filled(100);
    await context.close();
    await site.leave();
    const db = await site.open();
    await db.run('PRAGMA cache_size=1');
    const { vfs } = await site.context();
    await db.value('SELECT sum(length(v)) FROM t');
    expect(spy.take().length).toBeGreaterThan(0);
    const reads = vi.spyOn(vfs, 'xRead');
    expect(await db.value('SELECT sum(length(v)) FROM t')).toBe(300_000);
    expect(reads.mock.calls.length).toBeGreaterThan(90);
    expect(tally(spy.take())).toEqual({});
  });

  // Goal: a tab that holds the writer lock need not ask whether others committed. Method: the second
  // read sqliteTx of a context, by the same and by another connection: no request, no idbTx.
  test('read sqliteTxs of a lone tab make no request and no idbTx', async () => {
    const { db, context } = await filled(20);
    const other = await site.open();
    await other.value('SELECT count(*) FROM t');
    spy.take();
    const before = await context.vfs.stats();
    for (const reader of [db, other, db, other]) {
      expect(await reader.value('SELECT count(*) FROM t')).toBe(20);
      await reader.run('BEGIN; SELECT count(*) FROM t; COMMIT');
    }
    expect(tally(spy.take())).toEqual({});
    expect((await context.vfs.stats()).transactions).toBe(before.transactions);
  });

  // Goal: opening costs the same whatever the file's history (docs/FORMAT.md §7). Method: a database
  // of 100 MB in 4 KiB pages, opened by a new page; then 300 commits, each of one row; opened again.
  test('a 100 MB database opens in 7 requests, also after 300 commits more', async () => {
    const db = await site.open();
    await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, v); PRAGMA synchronous=NORMAL');
    for (let i = 0; i < 10; i++) await db.run('INSERT INTO t(v) VALUES (zeroblob(10000000))');
    expect(Number(await db.value('PRAGMA page_count'))).toBeGreaterThan(24_000);
    expect(await db.value('PRAGMA page_size')).toBe(4096);
    const first = await openingRequests();
    const { 'get segments': header, ...recovery } = first;
    expect(header, 'SQLite reads its header').toBe(1);
    expect(recovery).toEqual({
      'get files': 1,
      'getAllKeys commits': 1,
      'getAll commits': 2,
      'getAllKeys maps': 1,
      'getAll maps': 1,
      'getKey segments': 1,
    });
    expect(sum(recovery)).toBe(OPEN_REQUESTS);
    const again = await site.open();
    await again.run('PRAGMA synchronous=NORMAL');
    for (let i = 0; i < 300; i++) await again.run('INSERT INTO t(v) VALUES (1)');
    expect(await openingRequests()).toEqual(first);
  });

  /** What opening takes once the volume is open, by a page that comes anew. */
  async function openingRequests(): Promise<Record<string, number>> {
    await site.leave();
    spy.take();
    await site.context();
    expect(tally(spy.take())).toEqual({ 'get files': 1 });
    await site.open();
    return tally(spy.take());
  }
});

// Goal: Asyncify does not unwind the stack for what is in memory. Method: wrap xRead and look at what
// it gives back: a number or a thenable that has answered already, never a promise.
test.each(['asyncify', 'legacy-asyncify'] as const)(
  'a warm xRead answers without suspending, %s',
  async (build) => {
    const site = new Site(build);
    const db = await site.open();
    await db.run(`PRAGMA cache_size=1; CREATE TABLE t(id INTEGER PRIMARY KEY, v); ${insert(50)}`);
    const { vfs } = await site.context();
    const reads = vi.spyOn(vfs, 'xRead');
    await db.value('SELECT sum(length(v)) FROM t');
    const answers = reads.mock.results.map(({ value }) => value as unknown);
    expect(answers.length).toBeGreaterThan(40);
    expect(answers.filter((answer) => answer instanceof Promise)).toEqual([]);
    reads.mockRestore();
    await site.remove();
  },
);

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
