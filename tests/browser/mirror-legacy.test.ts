import createSync from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import createAsync from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import createLegacySync from 'wa-sqlite-legacy/dist/wa-sqlite.mjs';
import createLegacyAsync from 'wa-sqlite-legacy/dist/wa-sqlite-async.mjs';
import { IDBBlockMirrorVFS, IDBBlockVFS } from '../../src/index.js';
import { failCommits, holdVolume, spyIdbTxs } from '../support/sql-spies.js';
import { deleteVolume, freshVolume, Site, UNWAITING } from '../support/sqlite.js';

const BUSY = 5;
const CANTOPEN = 14;
const OPEN_READWRITE_CREATE = 0x6;

describe.each(UNWAITING)('the mirror where API calls cannot wait, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { busyTimeoutMs: 300 });
  });
  afterEach(() => site.remove());

  async function vfsOf(): Promise<IDBBlockMirrorVFS> {
    return (await site.context()).vfs as IDBBlockMirrorVFS;
  }

  // Goal: what cannot work says so. Method: open without load: CANTOPEN, and the error names load.
  test('opening without load() is a typed error that names it', async () => {
    const { sqlite3, errors } = await site.context();
    const code = await sqlite3
      .open_v2('test.db', OPEN_READWRITE_CREATE)
      .catch((cause: { code: number }) => cause.code);
    expect(code).toBe(CANTOPEN);
    const capability = build === 'legacy-mirror' ? 'Module.retryOps' : 'Module.pendingOps';
    expect(errors).toMatchObject([{ code: 'UNSUPPORTED', capability }]);
    expect(errors[0]?.message).toContain("vfs.load('test.db', {create: true})");
  });

  test('load() of an absent database without create is an error', async () => {
    await expect((await vfsOf()).load('absent.db')).rejects.toMatchObject({ code: 'OPTION' });
    expect(await (await vfsOf()).listFiles()).toEqual([]);
  });

  // Goal: durable() is where commits are complete, in order, with the durability asked for.
  // Method: commits under each word of the pragma; look at the idbTxs, then at a new page.
  test('commits land with their durability, and durable() waits for them', async () => {
    const db = await site.open();
    await db.run('CREATE TABLE t(a)');
    const vfs = await vfsOf();
    await vfs.durable();
    const spy = spyIdbTxs(site.idbName);
    for (const word of ['FULL', 'NORMAL', 'OFF']) {
      await db.run(`PRAGMA synchronous=${word}; INSERT INTO t VALUES ('${word}')`);
      expect(vfs.stats().deferredCommits).toBe(1);
      await vfs.durable();
    }
    expect(await db.value('SELECT count(*) FROM t')).toBe(3);
    spy.restore();
    expect(spy.commits().map(({ durability }) => durability)).toEqual([
      'strict',
      'default',
      'default',
    ]);
    expect(vfs.stats().deferredCommits).toBe(0);
    await site.expectKept(await db.dump());
  });

  // Goal: no commit is less durable than it was to be. Method: all words at once, in one idbTx.
  test('commits that wait together land with the strongest durability among them', async () => {
    const db = await site.open();
    await db.run('CREATE TABLE t(a)');
    const vfs = await vfsOf();
    await vfs.durable();
    const spy = spyIdbTxs(site.idbName);
    const all = ['OFF', 'FULL', 'NORMAL'].map(
      (word) => `PRAGMA synchronous=${word}; INSERT INTO t VALUES ('${word}');`,
    );
    const release = await holdVolume(site.idbName);
    await db.run("PRAGMA synchronous=OFF; INSERT INTO t VALUES ('first')");
    const first = vfs.durable();
    await Promise.resolve();
    for (const sql of all) await db.run(sql);
    release();
    await first;
    await vfs.durable();
    spy.restore();
    expect(spy.commits().map(({ durability }) => durability)).toEqual(['default', 'strict']);
    await site.expectKept(await db.dump());
  });

  // Goal: a failed commit is told by durable(), by an event, and by the next statement, once; nothing
  // later is written over the hole. Method: abort all commits of three statements.
  test('a commit that fails is a loss, told once', async () => {
    const db = await site.open();
    await db.run('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    const vfs = await vfsOf();
    await vfs.durable();
    const lost: (readonly string[])[] = [];
    vfs.addEventListener('loss', ({ detail }) => lost.push(detail.paths));
    const failing = failCommits(site.idbName);
    await db.run('INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)');
    await expect(vfs.durable()).rejects.toThrow();
    failing.restore();
    expect(lost).toEqual([['test.db']]);
    await db.failure('SELECT * FROM t');
    // The state is read from the store again, which this build's calls cannot wait for.
    await vfs.load('test.db');
    expect(await db.rows('SELECT a FROM t')).toEqual([[1]]);
    await db.run('INSERT INTO t VALUES (4)');
    await site.expectKept(await db.dump());
  });

  // Goal: two pages do not write over each other. Method: the first one keeps the writer lock; the second
  // reads what it loaded, sees more after load(), and is BUSY when it writes.
  test('a second page reads as of its last load(), and writing is SQLITE_BUSY', async () => {
    const db = await site.open();
    await db.run('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    await (await vfsOf()).durable();
    const other = await site.another();
    const reader = await other.open();
    expect(await reader.rows('SELECT a FROM t')).toEqual([[1]]);
    await db.run('INSERT INTO t VALUES (2)');
    await (await vfsOf()).durable();
    expect(await reader.rows('SELECT a FROM t')).toEqual([[1]]);
    await (other.vfs as IDBBlockMirrorVFS).load('test.db');
    expect(await reader.rows('SELECT a FROM t')).toEqual([[1], [2]]);
    expect(await reader.failure('INSERT INTO t VALUES (3)')).toBe(BUSY);
    expect(other.errors.at(-1)?.message).toContain("vfs.load('test.db')");
    await other.close();
    await site.expectKept(await db.dump());
  });
});

// Goal: each engine refuses what it cannot run on, and says which one can. Method: every build with both.
test('each engine takes the builds it is for and refuses the others', async () => {
  const idbName = freshVolume('builds');
  for (const create of [createAsync, createLegacyAsync]) {
    await expect(
      IDBBlockMirrorVFS.create('vfs', await create(), { idbName }),
    ).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('IDBBlockVFS'),
    });
  }
  for (const create of [createSync, createLegacySync]) {
    await expect(IDBBlockVFS.create('vfs', await create(), { idbName })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('IDBBlockMirrorVFS'),
    });
    const vfs = await IDBBlockMirrorVFS.create('vfs', await create(), { idbName });
    expect(vfs.engine).toEqual({ engine: 'IDBBlockMirrorVFS', durability: 'pragma' });
    await vfs.close();
  }
  await deleteVolume(idbName);
});
