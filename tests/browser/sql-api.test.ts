import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VFSEventMap } from '../../src/index.js';
import { soon } from '../support/soon.ts';
import { failCommits, openRaw } from '../support/sql-spies.js';
import { Site, SQL_ENGINES } from '../support/sqlite.js';

describe.each(SQL_ENGINES)('the VFS beside SQL, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { indexedDB, spillBytes: 65536 });
  });
  afterEach(() => site.remove());

  async function create(...paths: string[]): Promise<void> {
    for (const path of paths) {
      const db = await site.open(path);
      await db.run('CREATE TABLE t(a); INSERT INTO t VALUES (randomblob(9000))');
      await db.close();
    }
  }

  async function recordCounts(): Promise<Record<string, number>> {
    const raw = await openRaw(site.idbName);
    const counts: Record<string, number> = {};
    for (const store of raw.objectStoreNames) {
      const request = raw.transaction(store).objectStore(store).count();
      counts[store] = await new Promise((resolve) => {
        request.onsuccess = () => resolve(request.result);
      });
    }
    raw.close();
    return counts;
  }

  // Goal: databases are listed by path, in order, and nothing else is. Method: three, one absent.
  test('listFiles() names the databases in order', async () => {
    const { vfs } = await site.context();
    expect(await vfs.listFiles()).toEqual([]);
    await create('b.db', 'dir/c.db', 'a.db');
    expect(await vfs.listFiles()).toEqual(['a.db', 'b.db', 'dir/c.db']);
  });

  // Goal: the layout says which commit wrote each page. Method: pages of a first commit, of which a second
  // writes the last one anew.
  test('layout() tells where each page lies', async () => {
    await create('a.db');
    const db = await site.open('a.db');
    const { vfs } = await site.context();
    const before = await vfs.layout('a.db');
    expect(before.fileBytes).toBe(before.versions.length * before.pageBytes);
    expect(before.segments.length).toBe(before.versions.length);
    expect(Math.max(...before.versions)).toBe(before.version);
    await db.run('UPDATE t SET a = 1');
    const after = await vfs.layout('a.db');
    expect(after.version).toBe(before.version + 1);
    expect(after.versions[0]).toBe(after.version);
    await expect(vfs.layout('none.db')).rejects.toThrow('no database');
    await db.close();
  });

  // Goal: deleting leaves no record, and the name is free for a new, empty database.
  // Method: count the raw records before and after; create the name anew.
  test('deleteFile() leaves no record of the database', async () => {
    await create('a.db', 'b.db');
    const { vfs } = await site.context();
    const before = await recordCounts();
    await create('c.db');
    expect(await vfs.deleteFile('/c.db')).toBe(true);
    expect(await recordCounts()).toEqual(before);
    expect(await vfs.deleteFile('c.db')).toBe(false);
    const again = await site.open('c.db');
    expect(await again.rows('SELECT * FROM sqlite_schema')).toEqual([]);
    await again.run('CREATE TABLE u(a)');
    await site.expectKept(await again.dump(), 'c.db');
  });

  // Goal: a database in use is not deleted. Method: a connection of this page, idle and writing,
  // then one of another page that writes; each time BUSY, and the contents stay.
  test('deleteFile() is refused while a connection or another writer has it open', async () => {
    site = new Site(build, { busyTimeoutMs: 300 });
    const db = await site.open();
    await db.run('CREATE TABLE t(a)');
    const { vfs } = await site.context();
    await expect(vfs.deleteFile('test.db')).rejects.toMatchObject({ code: 'BUSY' });
    await db.run('BEGIN IMMEDIATE');
    await expect(vfs.deleteFile('test.db')).rejects.toMatchObject({ code: 'BUSY' });
    const other = await site.another();
    await expect(other.vfs.deleteFile('test.db')).rejects.toMatchObject({ code: 'BUSY' });
    await other.close();
    await db.run('INSERT INTO t VALUES (1); COMMIT');
    await site.expectKept(await db.dump());
  });

  // Goal: a database deleted by another page is not served from memory. Method: this page has it open
  // and idle; it is told once, then finds an empty database and may fill it anew.
  test('a database deleted by another page is empty for the one that has it open', async () => {
    const db = await site.open();
    await db.run('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    const other = await site.another();
    expect(await other.vfs.deleteFile('test.db')).toBe(true);
    await other.close();
    expect(await db.failure('SELECT * FROM t')).toBe(5);
    expect(await db.failure('SELECT * FROM t')).toBe(1);
    await db.run('CREATE TABLE u(a); INSERT INTO u VALUES (2)');
    await site.expectKept(await db.dump());
  });

  // Goal: SQLite's own deletions are answered. Method: xDelete and xAccess as a module calls them:
  // SQLite deletes journals only, so journal_mode changes and a database named like a journal do it.
  test('a database named like a journal is not deleted as one', async () => {
    await create('a.db-journal');
    const db = await site.open('a.db');
    await db.run('PRAGMA journal_mode=persist; CREATE TABLE t(a); PRAGMA journal_mode=delete');
    await db.run('PRAGMA cache_size=5; BEGIN');
    for (let i = 0; i < 20; i++) await db.run('INSERT INTO t VALUES (randomblob(5000))');
    await db.run('ROLLBACK');
    const named = await site.open('a.db-journal');
    expect(await named.value('SELECT length(a) FROM t')).toBe(9000);
    await named.expectIntact();
    await db.expectIntact();
  });

  // Goal: temporary files cannot be taken for databases. Method: databases that bear the names such
  // files could have, beside live temporary ones.
  test('a database may be called temporary-1', async () => {
    const temporary = await site.open(':memory:');
    await temporary.run(
      "PRAGMA temp_store=1; ATTACH '' AS x; PRAGMA x.cache_size=5; CREATE TABLE x.t(a)",
    );
    for (let i = 0; i < 30; i++) await temporary.run('INSERT INTO x.t VALUES (randomblob(3000))');
    await create('temporary-1', 'temporary-2');
    expect(await temporary.value('SELECT count(*) FROM x.t')).toBe(30);
    expect(await temporary.value('PRAGMA x.integrity_check')).toBe('ok');
    const db = await site.open('temporary-1');
    await site.expectKept(await db.dump(), 'temporary-1');
  });

  // Goal: events say what happened. Method: open, commit, roll back a spill, leave without rolling
  // back, come back: each event's fields.
  test('commit and recovery events tell path, version and extent', async () => {
    const { vfs } = await site.context();
    const seen: [string, VFSEventMap['commit'] | VFSEventMap['recovery']][] = [];
    vfs.addEventListener('recovery', ({ detail }) => seen.push(['recovery', detail]));
    vfs.addEventListener('commit', ({ detail }) => seen.push(['commit', detail]));
    const db = await site.open();
    await db.run('CREATE TABLE t(a); INSERT INTO t VALUES (1); BEGIN; DELETE FROM t; ROLLBACK');
    await soon(() => expect(seen).toHaveLength(3));
    expect(seen).toMatchObject([
      ['recovery', { path: 'test.db', version: 0, foundAbove: false, deletedAbove: false }],
      ['commit', { path: 'test.db', version: 1, after: 0, own: true, pages: [1, 2], blocks: 2 }],
      ['commit', { path: 'test.db', version: 2, after: 1, own: true }],
    ]);
    expect((await vfs.stats()).commits).toBe(2);
    await site.leave();
    const again = await site.context();
    const recovered: VFSEventMap['recovery'][] = [];
    again.vfs.addEventListener('recovery', ({ detail }) => recovered.push(detail));
    await site.open();
    await soon(() => expect(recovered).toHaveLength(1));
    expect(recovered).toMatchObject([{ path: 'test.db', version: 2, replayedCommits: 2 }]);
  });

  // Goal: a commit that fails is an error event with the cause, a failed statement, and nothing else.
  // Method: abort the idbTx; then the same statement works.
  test('an error event carries what made a statement fail', async () => {
    const db = await site.open();
    await db.run('CREATE TABLE t(a)');
    const context = await site.context();
    const failing = failCommits(site.idbName);
    await db.failure('INSERT INTO t VALUES (1)');
    failing.restore();
    expect(context.errors.length).toBeGreaterThan(0);
    expect(context.errors[0]?.message).toContain(site.idbName);
    expect(await db.value('SELECT count(*) FROM t')).toBe(0);
    await db.run('INSERT INTO t VALUES (2)');
    await site.expectKept(await db.dump());
  });

  // Goal: stats() counts what is held. Method: a reader's snapshot, staged bytes and a journal inside
  // a sqliteTx; all back to nothing after it, and nothing at all after closing.
  test('stats() shows what a sqliteTx holds and that it lets go', async () => {
    const { vfs } = await site.context();
    const db = await site.open();
    await db.run('PRAGMA cache_size=5; CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    for (let i = 0; i < 20; i++) await db.run('INSERT INTO t(b) VALUES (randomblob(3000))');
    await db.run('BEGIN; UPDATE t SET b = randomblob(3001)');
    const inside = await vfs.stats();
    expect(inside.openSnapshots).toBe(1);
    expect(inside.stagedBytes).toBeGreaterThan(0);
    await db.run('COMMIT');
    expect(await vfs.stats()).toMatchObject({ openSnapshots: 0, stagedBytes: 0, journalBytes: 0 });
    await db.close();
    expect(await vfs.stats()).toMatchObject({ cacheBytes: 0, liveSegments: 0, deferredCommits: 0 });
  });
});
