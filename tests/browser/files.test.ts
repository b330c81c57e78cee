/**
 * Whole databases as ordinary SQLite files, out of a volume and into it, on every engine.
 *
 * Method: native SQLite reads what is exported and makes what is imported.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BackupMark, TransferProgress } from '../../src/index.js';
import { differences, joined, readAll, streamOf } from '../support/bytes.ts';
import { nativeContent, nativeMade } from '../support/native-browser.ts';
import { plainDump } from '../support/plain-rows.ts';
import { soon } from '../support/soon.ts';
import { type Database, ENGINES, Site } from '../support/sqlite.js';

const SPILL_BYTES = 65536;
/** Of the header: versions for WAL; the change counter; the schema cookie; what the page count is valid for. */
const WAL_BYTES = [18, 19];
const COUNTERS = [24, 25, 26, 27, 40, 41, 42, 43, 92, 93, 94, 95];
const SQLITE_NOTADB = 26;

/** More than is spilled at once. */
const rowsOf = (table: string, count: number, mark: string) =>
  `INSERT INTO ${table} WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s
    WHERE i < ${count}) SELECT i, printf('${mark}%0900d', i), x'00ff${'ab'.repeat(40)}' FROM s`;

const nativeSql = (pageBytes: number, rows = 300) => `PRAGMA page_size=${pageBytes};
  CREATE TABLE n(id INTEGER PRIMARY KEY, text, bytes); CREATE INDEX by_text ON n(text);
  ${rowsOf('n', rows, 'native')};`;

describe.each(ENGINES)('%s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { spillBytes: SPILL_BYTES });
  });
  afterEach(() => site.remove());

  const vfsOf = async () => (await site.context()).vfs;

  async function churned(): Promise<Database> {
    const db = await site.open();
    await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, text, bytes); CREATE INDEX i ON t(text)');
    await db.run(rowsOf('t', 300, 'ours'));
    await db.run(`PRAGMA page_size=8192; VACUUM; DELETE FROM t WHERE id % 3 = 0`);
    for (let i = 0; i < 40; i++) await db.run(`UPDATE t SET text = 'new ${i}' WHERE id = ${7 * i}`);
    return db;
  }

  async function exported(path = 'test.db'): Promise<Uint8Array> {
    return await readAll((await vfsOf()).exportFile(path));
  }

  // Goal: what is exported is an SQLite database. Method: native SQLite checks it and reads all rows.
  test('an exported database opens in native SQLite, with equal content', async () => {
    const db = await churned();
    const told: TransferProgress[] = [];
    const marks: BackupMark[] = [];
    const stream = (await vfsOf()).exportFile('test.db', {
      onProgress: (progress) => told.push(progress),
      onEnd: (mark) => marks.push(mark),
    });
    const bytes = await readAll(stream);
    expect(await nativeContent(bytes)).toEqual({ integrity: 'ok', dump: await plainDump(db) });
    expect(told.at(-1)).toEqual({ doneBytes: bytes.length, totalBytes: bytes.length });
    const { version } = await (await vfsOf()).verify('test.db');
    expect(marks).toMatchObject([{ version, bytes: bytes.length, pageBytes: 8192 }]);
  });

  // Goal: a file of native SQLite comes in as it is, whatever its page size, and goes out again.
  test.each([512, 1024, 4096, 65536])(
    'a native file with pages of %i bytes imports, reads back equal, and is exported byte for byte',
    async (pageBytes) => {
      const given = await nativeMade(nativeSql(pageBytes));
      const told: TransferProgress[] = [];
      const report = await (await vfsOf()).importFile('test.db', streamOf(given), {
        onProgress: (progress) => told.push(progress),
      });
      expect(report).toEqual({
        path: 'test.db',
        version: 1,
        fileBytes: given.length,
        pageBytes,
        repairedWal: false,
        renumbered: false,
      });
      expect(told.at(-1)).toEqual({ doneBytes: given.length, totalBytes: given.length });
      const db = await site.open();
      await db.expectIntact();
      expect(await plainDump(db)).toEqual((await nativeContent(given)).dump);
      expect(differences(await exported(), given)).toEqual([]);
      await db.run('DELETE FROM n WHERE id % 2');
      const left = await db.dump();
      expect(await (await vfsOf()).verify('test.db')).toMatchObject({ defects: [] });
      await site.expectKept(left);
    },
  );

  test('a file in WAL mode is taken out of it', async () => {
    const given = await nativeMade(`PRAGMA journal_mode=WAL; ${nativeSql(4096)}`);
    expect([...given.subarray(18, 20)]).toEqual([2, 2]);
    const report = await (await vfsOf()).importFile('test.db', new Blob([given as BlobPart]));
    expect(report).toMatchObject({ repairedWal: true, fileBytes: given.length });
    const db = await site.open();
    await db.expectIntact();
    expect(await plainDump(db)).toEqual((await nativeContent(given)).dump);
    expect(differences(await exported(), given)).toEqual(WAL_BYTES);
    await db.run('DELETE FROM n');
  });

  // Goal: an export is of one version, whatever is committed while it is read. Method: read one chunk,
  // then change everything, past several checkpoints and with another page size, then read the rest.
  test('an export is of one snapshot while writes go on', async () => {
    const db = await site.open();
    await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, text, bytes)');
    await db.run(rowsOf('t', 2500, 'old'));
    const before = await plainDump(db);
    const reader = (await vfsOf()).exportFile('test.db').getReader();
    const chunks = [(await reader.read()).value as Uint8Array];
    await db.run(
      "UPDATE t SET text = 'x'; DELETE FROM t WHERE id % 2; PRAGMA page_size=1024; VACUUM",
    );
    for (let i = 0; i < 150; i++)
      await db.run(`UPDATE t SET text = '${i}' WHERE id % 50 = ${i % 50}`);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
    }
    expect(chunks.length).toBeGreaterThan(1);
    expect(await nativeContent(joined(chunks))).toEqual({ integrity: 'ok', dump: before });
  });

  test('an export that is cancelled keeps nothing', async () => {
    const db = await churned();
    const vfs = await vfsOf();
    const reader = vfs.exportFile('test.db').getReader();
    await reader.read();
    await reader.cancel();
    const unread = vfs.exportFile('test.db');
    await unread.cancel();
    await db.close();
    // What has a user cannot be deleted.
    await soon(async () => expect(await vfs.deleteFile('test.db')).toBe(true));
  });

  test('a database that does not exist, and one without content', async () => {
    const vfs = await vfsOf();
    await expect(readAll(vfs.exportFile('none.db'))).rejects.toMatchObject({ code: 'OPTION' });
    const db = await site.open('new.db');
    await db.run('CREATE TABLE t(a)');
    await db.run('DROP TABLE t; VACUUM');
    expect((await nativeContent(await exported('new.db'))).integrity).toBe('ok');
  });

  // Goal: connections notice an import, also one that SQLite takes for what it has in its page cache.
  // Method: two databases with the same change counter, schema cookie and size, and other tables; one takes
  // the place of the other under connections that have read it, here and in another page.
  test('connections that have it open see the new content with their next statement', async () => {
    const [mine, other] = [await site.open('a.db'), await site.open('b.db')];
    await mine.run("CREATE TABLE t(a, b); INSERT INTO t VALUES ('mine', 1)");
    await other.run("CREATE TABLE u(c); INSERT INTO u VALUES ('others')");
    const elsewhere = await (await site.another()).open('a.db');
    const before = await mine.dump();
    expect(await elsewhere.dump()).toEqual(before);
    const [old, given] = [await exported('a.db'), await exported('b.db')];
    expect(differences(old.subarray(0, 100), given.subarray(0, 100))).toEqual([]);

    const report = await (await vfsOf()).importFile('a.db', given);
    expect(report).toMatchObject({ renumbered: true });
    const expected = await other.dump();
    for (const db of [mine, elsewhere]) {
      expect(await db.rows('SELECT * FROM u')).toEqual([['others']]);
      await db.expectIntact();
      expect(await db.dump()).toEqual(expected);
    }
    const now = await exported('a.db');
    for (const at of differences(now, given)) expect(COUNTERS).toContain(at);
    await mine.run("INSERT INTO u VALUES ('more')");
    expect(await elsewhere.value('SELECT count(*) FROM u')).toBe(2);
  });

  // Goal: readers keep their snapshot, writers are not run over.
  test('a reader keeps its snapshot; beside a writer it is BusyError', async () => {
    site = new Site(build, { spillBytes: SPILL_BYTES, busyTimeoutMs: 300 });
    const db = await churned();
    const before = await db.dump();
    const given = await nativeMade(nativeSql(1024, 20));
    const vfs = await vfsOf();
    await db.run("BEGIN IMMEDIATE; UPDATE t SET text = 'uncommitted'");
    await expect(vfs.importFile('test.db', given)).rejects.toMatchObject({ code: 'BUSY' });
    await db.run('ROLLBACK; BEGIN');
    expect(await db.dump()).toEqual(before);
    await vfs.importFile('test.db', given);
    expect(await db.dump()).toEqual(before);
    await db.run('COMMIT');
    expect(await plainDump(db)).toEqual((await nativeContent(given)).dump);
    await db.expectIntact();
  });

  describe('what is refused leaves the database as it was', () => {
    let db: Database;
    let before: Record<string, unknown>;
    let given: Uint8Array<ArrayBuffer>;
    beforeEach(async () => {
      db = await churned();
      before = await db.dump();
      given = await nativeMade(nativeSql(4096));
    });

    async function expectAsBefore(): Promise<void> {
      expect(await db.dump()).toEqual(before);
      await db.run("UPDATE t SET text = 'after' WHERE id = 1");
      await db.expectIntact();
      const clean = { defects: [], pendingSegments: 0 };
      expect(await (await vfsOf()).verify('test.db')).toMatchObject(clean);
      await site.expectKept(await db.dump());
    }

    test.each<[string, (file: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>]>([
      ['nothing', () => new Uint8Array(0)],
      [
        'a text',
        () => new TextEncoder().encode('SQLite format 4 is not here yet, sorry. '.repeat(9)),
      ],
      ['random bytes', (file) => crypto.getRandomValues(file.slice(0, 65536))],
      ['a file that ends in its header', (file) => file.slice(0, 99)],
      ['a file that ends in its first page', (file) => file.slice(0, 4000)],
      ['a file that ends inside a page', (file) => file.slice(0, -100)],
      ['a file that lacks its last page', (file) => file.slice(0, -4096)],
      ['a page size there is not', (file) => file.with(16, 3)],
      ['a later file format', (file) => file.with(19, 3)],
      ['a header with other payload fractions', (file) => file.with(22, 33)],
    ])('%s', async (_what, spoil) => {
      const vfs = await vfsOf();
      for (const source of [streamOf(spoil(given)), spoil(given)]) {
        const failure = await vfs.importFile('test.db', source).catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: 'NOT_A_DATABASE', sqliteCode: SQLITE_NOTADB });
      }
      await expectAsBefore();
    });

    test('a stream that fails, is shorter than was said, or is given up', async () => {
      const vfs = await vfsOf();
      const error = new Error('the network is gone');
      const half = given.slice(0, given.length / 2);
      const failing = vfs.importFile('test.db', streamOf(half, { error }));
      await expect(failing).rejects.toThrow('the network is gone');
      const totalBytes = given.length + 4096;
      const short = vfs.importFile('test.db', streamOf(given), { totalBytes });
      await expect(short).rejects.toMatchObject({ code: 'NOT_A_DATABASE' });
      const stop = new AbortController();
      const stopping = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(half),
        pull: () => stop.abort(new Error('no longer wanted')),
      });
      const givenUp = vfs.importFile('test.db', stopping, { signal: stop.signal });
      await expect(givenUp).rejects.toThrow('no longer wanted');
      await expectAsBefore();
    });

    test('what is not a source; a database that is not to be replaced', async () => {
      const vfs = await vfsOf();
      const kept = vfs.importFile('test.db', given, { overwrite: false });
      await expect(kept).rejects.toMatchObject({ code: 'OPTION' });
      const odd = vfs.importFile('test.db', 'text' as unknown as Uint8Array);
      await expect(odd).rejects.toMatchObject({ code: 'OPTION' });
      await expectAsBefore();
      const absent = await (await vfsOf()).importFile('new.db', given, { overwrite: false });
      expect(absent).toMatchObject({ version: 1 });
    });
  });
});
