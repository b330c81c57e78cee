import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failCommits, holdVolume, type IdbTxSpy, spyIdbTxs } from '../support/sql-spies.js';
import { type Database, Site, SQL_ENGINES } from '../support/sqlite.js';

describe.each(SQL_ENGINES)('durability, %s', (build) => {
  let site: Site;
  let spy: IdbTxSpy;
  beforeEach(() => {
    site = new Site(build, { indexedDB, spillBytes: 65536 });
    spy = spyIdbTxs(site.idbName);
  });
  afterEach(async () => {
    spy.restore();
    await site.remove();
  });

  async function openWithTable(): Promise<Database> {
    const db = await site.open();
    await db.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    spy.clear();
    return db;
  }

  /** IndexedDB durabilities of the commits that the SQL made. */
  async function durabilities(db: Database, sql: string): Promise<string[]> {
    spy.clear();
    await db.run(sql);
    await (await site.context()).vfs.durable();
    return spy.commits().map(({ durability }) => durability);
  }

  // Goal: each word of SQLite's gives the durability promised for it.
  // Method: look at the durability of the idbTx that a commit under it made.
  test.each([
    ['OFF', 'default'],
    ['0', 'default'],
    ['no', 'default'],
    ['NORMAL', 'default'],
    ['1', 'default'],
    ['FULL', 'strict'],
    ['2', 'strict'],
    ['EXTRA', 'strict'],
    ['3', 'strict'],
  ])('synchronous=%s commits with IndexedDB durability %s', async (word, expected) => {
    const db = await openWithTable();
    await db.run(`PRAGMA synchronous=${word}`);
    expect(await durabilities(db, 'INSERT INTO t(b) VALUES (1)')).toEqual([expected]);
  });

  // Goal: no pragma is the strongest promise. Method: as above; SQLite agrees that it is FULL.
  test('a connection that set nothing commits strictly', async () => {
    const db = await openWithTable();
    expect(await db.value('PRAGMA synchronous')).toBe(2);
    expect(await durabilities(db, 'INSERT INTO t(b) VALUES (1)')).toEqual(['strict']);
  });

  // Goal: what SQLite refuses has no effect. Method: SQLite rejects the pragma inside a sqliteTx;
  // that sqliteTx and the next one must still be strict.
  test('synchronous=OFF refused inside a sqliteTx changes nothing', async () => {
    const db = await openWithTable();
    await db.run('BEGIN');
    expect(await db.failure('PRAGMA synchronous=OFF')).toBe(1);
    expect(await db.value('PRAGMA synchronous')).toBe(2);
    expect(await durabilities(db, 'INSERT INTO t(b) VALUES (1); COMMIT')).toEqual(['strict']);
    expect(await durabilities(db, 'INSERT INTO t(b) VALUES (2)')).toEqual(['strict']);
  });

  // Goal: each connection has its own word. Method: two connections, one OFF, one untouched.
  test('synchronous of one connection does not change the other', async () => {
    const db = await openWithTable();
    const other = await site.open();
    await other.run('PRAGMA synchronous=OFF');
    expect(await durabilities(db, 'INSERT INTO t(b) VALUES (1)')).toEqual(['strict']);
    expect(await durabilities(other, 'INSERT INTO t(b) VALUES (2)')).toEqual(['default']);
  });

  // Goal: the option overrules the pragma. Method: durability 'relaxed' and synchronous=FULL.
  test('a durability given as option overrules the pragma', async () => {
    await site.leave();
    const context = await site.another({ durability: 'relaxed' });
    const db = await context.open();
    await db.run('PRAGMA synchronous=FULL; CREATE TABLE t(a)');
    expect((await context.vfs.engine).durability).toBe('relaxed');
    expect(spy.commits().map(({ durability }) => durability)).toEqual(['default']);
    await context.close();
  });

  // Goal: a strict commit is not acknowledged early. Method: when the statement returns, the idbTx's
  // `complete` event has been seen.
  test.each(['FULL', 'NORMAL'])('synchronous=%s answers after complete', async (word) => {
    const db = await openWithTable();
    await db.run(`PRAGMA synchronous=${word}`);
    const ended = endings(spy);
    await db.run('INSERT INTO t(b) VALUES (1)');
    expect(ended).toEqual(['complete']);
  });

  // Goal: OFF answers before `complete`, durable() waits for it, and the order is kept.
  // Method: hold the volume with an idbTx of our own, so that no commit can complete; release it.
  test('synchronous=OFF answers at once and lands in order; durable() waits', async () => {
    const db = await openWithTable();
    await db.run('PRAGMA synchronous=OFF');
    const { vfs } = await site.context();
    const landed: number[] = [];
    vfs.addEventListener('commit', ({ detail }) => landed.push(detail.version));
    const release = await holdVolume(site.idbName);
    for (let i = 1; i <= 5; i++) await db.run(`INSERT INTO t VALUES (${i}, ${i})`);
    expect(await db.value('SELECT count(*) FROM t')).toBe(5);
    expect(landed).toEqual([]);
    expect((await vfs.stats()).deferredCommits).toBe(5);
    let durable = false;
    const waited = vfs.durable().then(() => {
      durable = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(durable).toBe(false);
    release();
    await waited;
    expect(landed).toEqual([2, 3, 4, 5, 6]);
    expect(await vfs.stats()).toMatchObject({ deferredCommits: 0, deferredBytes: 0 });
    await site.expectKept(await db.dump());
  });

  // Goal: closing loses nothing that was acknowledged. Method: OFF, then leave at once.
  test('what synchronous=OFF acknowledged is there after closing', async () => {
    const db = await openWithTable();
    await db.run('PRAGMA synchronous=OFF');
    for (let i = 1; i <= 20; i++) await db.run(`INSERT INTO t VALUES (${i}, ${i})`);
    await site.expectKept(await db.dump());
  });

  // Goal: deferred commits and spilling do not get into each other's way. Method: sqliteTxs that
  // spill, one after the other, while the ones before are still on their way.
  test('sqliteTxs that spill right behind deferred commits all land', async () => {
    const db = await openWithTable();
    await db.run('PRAGMA synchronous=OFF; PRAGMA cache_size=10');
    const context = await site.context();
    const lost: Error[] = [];
    context.vfs.addEventListener('loss', ({ detail }) => lost.push(detail.error));
    for (let i = 0; i < 3; i++) {
      await db.run('BEGIN');
      for (let k = 0; k < 30; k++) await db.run('INSERT INTO t(b) VALUES (randomblob(6000))');
      await db.run(i % 3 === 2 ? 'ROLLBACK' : 'COMMIT');
      await db.run(`UPDATE t SET b = ${i} WHERE a = 1`);
    }
    await context.vfs.durable();
    expect(lost).toEqual([]);
    expect(context.errors).toEqual([]);
    await site.expectKept(await db.dump());
  });

  // Goal: what is acknowledged can be read, also while its segments are nowhere but in memory and the
  // cache is smaller than they are. Method: commits of 300 KiB, one behind the other, each read back
  // at once with a cache of 64 KiB.
  test('a deferred commit larger than the cache is read back before it lands', async () => {
    await site.leave();
    const context = await site.another({ cacheBytes: 65536, spillBytes: 2 ** 22 });
    const db = await context.open();
    await db.run(
      'PRAGMA synchronous=OFF; PRAGMA cache_size=80; CREATE TABLE t(a INTEGER PRIMARY KEY, b)',
    );
    for (let i = 1; i <= 2; i++) {
      await db.run('INSERT INTO t VALUES (?, zeroblob(?))', [i, 300_000 + i]);
      await db.run('PRAGMA shrink_memory');
      expect(await db.value('SELECT b = zeroblob(?) FROM t WHERE a = ?', [300_000 + i, i])).toBe(1);
    }
    expect(context.errors).toEqual([]);
    const expected = await db.dump();
    await context.close();
    await site.expectKept(expected);
  });

  // Goal: a failed deferred commit is told. Method: abort its idbTx; durable() rejects, a loss event
  // comes, the next statement fails once, and the one after that sees the last good state.
  test('a deferred commit that fails is reported by durable(), an event and the next call', async () => {
    const db = await openWithTable();
    await db.run('INSERT INTO t VALUES (1, 1); PRAGMA synchronous=OFF');
    const { vfs } = await site.context();
    const lost: (readonly string[])[] = [];
    vfs.addEventListener('loss', ({ detail }) => lost.push(detail.paths));
    const failing = failCommits(site.idbName);
    await db.run('INSERT INTO t VALUES (2, 2)');
    await expect(vfs.durable()).rejects.toThrow();
    failing.restore();
    expect(lost).toEqual([['test.db']]);
    await db.failure('SELECT * FROM t');
    expect(await db.rows('SELECT a FROM t')).toEqual([[1]]);
    await db.run('INSERT INTO t VALUES (3, 3)');
    await site.expectKept(await db.dump());
  });
});

/** What becomes of each readwrite idbTx from now on, in order. */
function endings(spy: IdbTxSpy): string[] {
  const ended: string[] = [];
  const { push } = spy.seen;
  spy.seen.push = (...begun) => {
    for (const { tx, mode } of begun) {
      if (mode === 'readwrite') tx.addEventListener('complete', () => ended.push('complete'));
    }
    return push.apply(spy.seen, begun);
  };
  return ended;
}
