import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { spyRequests, tally } from '../support/request-spy.js';
import { failCommits, holdVolume } from '../support/sql-spies.js';
import { type Context, type Database, Site } from '../support/sqlite.js';

const BUSY = 5;
const IOERR = 10;

/** What a synchronous build cannot wait for inside a method, and the API call waits for around it. */
describe('waiting around API calls', () => {
  let site: Site;
  let other: Context;
  let first: Database;
  let second: Database;
  beforeEach(async () => {
    site = new Site('mirror');
    first = await site.open();
    await first.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 1)');
    other = await site.another();
    second = await other.open();
  });
  afterEach(async () => {
    await other.close();
    await site.remove();
  });

  /** Requests that `work` makes on the volume, of both pages. */
  async function requestsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
    const spy = spyRequests(site.idbName);
    try {
      await work();
      return tally(spy.seen);
    } finally {
      spy.restore();
    }
  }

  // Goal: a refresh costs what has changed. Method: a page that does not write looks again after
  // nothing, after one commit, and after three, one of which is superseded; the requests are counted.
  test('a refresh fetches the commits since, and only segments that are new', async () => {
    await first.run(`INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM s
      WHERE i < 2000) SELECT i, printf('%0300d', i) FROM s`);
    const count = 'SELECT count(*), max(b) FROM t';
    await second.rows(count);
    const look = () => requestsOf(() => second.rows(count));
    expect(await look()).toEqual({ 'getAll commits': 1 });
    await first.run('UPDATE t SET b = 2 WHERE a = 1');
    const before = other.vfs.stats().segmentsRead;
    expect(await look()).toEqual({ 'getAll commits': 1, 'get segments': 1 });
    for (let i = 0; i < 3; i++) await first.run(`UPDATE t SET b = ${i} WHERE a = 1`);
    expect(await look()).toEqual({ 'getAll commits': 1, 'get segments': 1 });
    expect(other.vfs.stats().segmentsRead).toBe(before + 2);
    expect(await second.dump()).toEqual(await first.dump());
  });

  // Goal: what was waited for serves one call. Method: statements of the other page right behind each
  // other, with commits of this one in between that nothing but the event loop announces.
  test('each statement of a page that does not write sees every commit before it', async () => {
    for (let i = 0; i < 20; i++) {
      await first.run(`UPDATE t SET b = ${i}`);
      expect(await second.value('SELECT b FROM t')).toBe(i);
    }
    expect(
      await requestsOf(() => second.rows('SELECT 1; SELECT b FROM t; SELECT b FROM t')),
    ).toEqual({ 'getAll commits': 2 });
  });

  // Goal: a statement that writes needs one wait, for lock and refresh together. Method: the other page
  // holds the writer lock and has committed; each kind of writing statement, run once.
  test.each([
    'INSERT INTO t VALUES (2, 2)',
    'BEGIN IMMEDIATE; UPDATE t SET b = b + 1; COMMIT',
    'CREATE TABLE u(a)',
    'VACUUM',
    'BEGIN; SELECT * FROM t; UPDATE t SET b = 3; COMMIT',
    'PRAGMA user_version = 7',
  ])('%s goes through at once while another page holds the writer lock', async (sql) => {
    await second.run('UPDATE t SET b = 5');
    await first.run(sql);
    await second.run('UPDATE t SET b = 6');
    await first.run('DROP TABLE IF EXISTS u');
    expect((await site.context()).errors).toEqual([]);
    await site.expectKept(await second.dump());
  });

  // Goal: ATTACH opens and locks in one call. Method: another page holds the writer lock of both files,
  // so that neither can be read without asking the store; attach, write to both, detach.
  test('ATTACH goes through at once while another page holds both files', async () => {
    await second.run("ATTACH 'b.db' AS b; CREATE TABLE b.u(x); UPDATE t SET b = 5");
    await first.close();
    const db = await site.open();
    await db.run("ATTACH 'b.db' AS b");
    expect(await db.rows('SELECT t.b, (SELECT count(*) FROM b.u) FROM t')).toEqual([[5, 0]]);
    await db.run('BEGIN; INSERT INTO t VALUES (2, 2); INSERT INTO b.u VALUES (1); COMMIT');
    await second.run('INSERT INTO b.u SELECT a FROM t');
    expect(await db.value('SELECT count(*) FROM b.u')).toBe(3);
    await db.run('DETACH b');
    expect((await site.context()).errors).toEqual([]);
    expect(other.errors).toEqual([]);
  });

  // Goal: a writer is in the way of writers only. Method: the other page writes to a file that a statement
  // of this page only reads, while it writes to another.
  test('a statement reads a file that another page is writing to', async () => {
    // It asks for the writer locks of all its files, for it does not know which of them is written to.
    await first.run("ATTACH 'b.db' AS b; CREATE TABLE b.u(x); PRAGMA busy_timeout=300");
    await second.run('BEGIN IMMEDIATE; UPDATE t SET b = 9');
    await first.run('INSERT INTO b.u SELECT b FROM t');
    expect(await first.rows('SELECT x FROM b.u')).toEqual([[1]]);
    expect(
      await first.failure('BEGIN; INSERT INTO b.u VALUES (2); INSERT INTO t VALUES (2, 2)'),
    ).toBe(BUSY);
    await first.run('ROLLBACK');
    await second.run('COMMIT');
    expect(await first.value('SELECT b FROM t')).toBe(9);
  });

  // Goal: a wait that fails is told once, with its own code. Method: the other page keeps the writer
  // lock inside a sqliteTx: BUSY after the limit; the next statements are not disturbed by it.
  test('a writer lock that cannot be had is SQLITE_BUSY once', async () => {
    await second.run('BEGIN IMMEDIATE');
    const page = await site.another({ busyTimeoutMs: 300 });
    const brief = await page.open();
    const started = performance.now();
    expect(await brief.failure('INSERT INTO t VALUES (2, 2)')).toBe(BUSY);
    expect(performance.now() - started).toBeGreaterThan(250);
    expect(await brief.rows('SELECT a FROM t')).toEqual([[1]]);
    await second.run('COMMIT');
    await brief.run('PRAGMA busy_timeout=60000; INSERT INTO t VALUES (2, 2)');
    expect(page.errors.map(({ code }) => code)).toEqual(['BUSY']);
    await page.close();
  });

  // Goal: P6 without Asyncify: a commit that fails is the failure of its API call, once, and has changed
  // nothing. Method: every commit aborts; another connection reads before, meanwhile and after.
  test.each(['FULL', 'NORMAL'])(
    'synchronous=%s: a failed commit fails its call, and is as if it had not been',
    async (word) => {
      const reader = await site.open();
      await first.run(`PRAGMA synchronous=${word}`);
      const before = await reader.dump();
      await reader.run('BEGIN; SELECT * FROM t');
      const failing = failCommits(site.idbName);
      expect(await first.failure('INSERT INTO t VALUES (2, 2)')).toBe(IOERR);
      failing.restore();
      expect(await first.dump()).toEqual(before);
      expect(await reader.dump()).toEqual(before);
      await reader.run('COMMIT');
      await first.run('INSERT INTO t VALUES (3, 3)');
      expect(await reader.rows('SELECT a FROM t')).toEqual([[1], [3]]);
      const { errors, vfs } = await site.context();
      expect(errors.map(({ code }) => code)).toEqual(['STORAGE']);
      expect(vfs.stats()).toMatchObject({ stagedBytes: 0, openSnapshots: 0 });
      await site.expectKept(await reader.dump());
    },
  );

  /** Commits by the end of a statement that was not stepped to its end: that call waits for nothing. */
  async function commitUnawaited(): Promise<void> {
    const { sqlite3 } = await site.context();
    const sql = 'INSERT INTO t VALUES (2, 2) RETURNING a';
    for await (const statement of sqlite3.statements(first.handle, sql)) {
      await sqlite3.step(statement);
      break;
    }
  }

  // Goal: nobody reads what is not complete. Method: a commit that no call waits for, on its way: another
  // connection of this page reads the version before, its own waits for it.
  test('a strict commit on its way is seen by others when it is complete', async () => {
    const reader = await site.open();
    await reader.rows('SELECT * FROM t');
    const { vfs } = await site.context();
    const { commits } = vfs.stats();
    await commitUnawaited();
    expect(vfs.stats().commits).toBe(commits);
    expect(await first.value('SELECT count(*) FROM t')).toBe(2);
    expect(vfs.stats().commits).toBe(commits + 1);
    expect(await reader.value('SELECT count(*) FROM t')).toBe(2);
    await site.expectKept(await first.dump());
  });

  // Goal: a failure that no call waited for is told by the next one, once. Method: as above, aborted, and a
  // statement prepared before is stepped.
  test('a commit that fails after its call has returned fails the next call', async () => {
    const { sqlite3 } = await site.context();
    const failing = failCommits(site.idbName);
    for await (const statement of sqlite3.statements(first.handle, 'SELECT * FROM t')) {
      await commitUnawaited();
      await expect(sqlite3.step(statement)).rejects.toMatchObject({ code: IOERR });
      break;
    }
    failing.restore();
    expect(await first.rows('SELECT a FROM t')).toEqual([[1]]);
    await first.run('INSERT INTO t VALUES (3, 3)');
    await site.expectKept(await first.dump());
  });

  // Goal: an acknowledged commit is there for whoever opens the file in this page. Method: OFF, close
  // and open again while nothing can land.
  test('reopening a file sees commits that have not landed', async () => {
    await first.run('PRAGMA synchronous=OFF');
    const release = await holdVolume(site.idbName);
    for (let i = 2; i < 40; i++) await first.run(`INSERT INTO t VALUES (${i}, ${i})`);
    const { vfs } = await site.context();
    await first.close();
    expect(vfs.stats().deferredCommits).toBe(38);
    const opening = site.open();
    release();
    const again = await opening;
    expect(await again.value('SELECT count(*) FROM t')).toBe(39);
    await vfs.durable();
    await site.expectKept(await again.dump());
  });
});
