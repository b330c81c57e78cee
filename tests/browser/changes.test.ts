/** What has changed since a copy was made, on every engine: told by one volume, applied in another. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BackupMark, TransferProgress } from '../../src/index.js';
import { differences, readAll, streamOf } from '../support/bytes.ts';
import { nativeContent } from '../support/native-browser.ts';
import { plainDump } from '../support/plain-rows.ts';
import { ENGINES, Site } from '../support/sqlite.js';

describe.each(ENGINES)('%s', (build) => {
  let source: Site;
  let copy: Site;
  beforeEach(() => {
    source = new Site(build, { spillBytes: 65536 });
    copy = new Site(build, { spillBytes: 65536 });
  });
  afterEach(async () => {
    await source.remove();
    await copy.remove();
  });

  const fill = (first: number, count: number) =>
    `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM s
      WHERE i < ${first + count - 1}) SELECT i, printf('%0800d', i) FROM s`;

  // Goal: a copy in another volume follows its source, under a connection that has it open. Method: after
  // growth, a cut and a VACUUM to another page size, compare bytes, rows, and native SQLite's word.
  test('a copy in another volume follows its source', async () => {
    const db = await source.open();
    await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, text)');
    await db.run(fill(1, 500));
    const [from, to] = [(await source.context()).vfs, (await copy.context()).vfs];
    let mark: BackupMark | undefined;
    const onEnd = (made: BackupMark) => {
      mark = made;
    };
    await to.importFile('test.db', from.exportFile('test.db', { onEnd }));
    const reader = await copy.open();
    expect(await reader.dump()).toEqual(await db.dump());
    for (const sql of [
      "UPDATE t SET text = 'one' WHERE id = 250",
      fill(1000, 400),
      'DELETE FROM t WHERE id > 300; VACUUM',
      'PRAGMA page_size=8192; VACUUM',
    ]) {
      await db.run(sql);
      if (!mark) throw new Error('an export without a mark');
      const told: TransferProgress[] = [];
      const changes = await readAll(from.changesSince('test.db', mark));
      const report = await to.applyChanges('test.db', streamOf(changes), {
        onProgress: (progress) => told.push(progress),
      });
      mark = report.mark;
      const bytes = await readAll(from.exportFile('test.db'));
      expect(told.at(-1)).toEqual({ doneBytes: bytes.length, totalBytes: bytes.length });
      expect(differences(await readAll(to.exportFile('test.db')), bytes)).toEqual([]);
      expect(await reader.dump()).toEqual(await db.dump());
      expect(await nativeContent(bytes)).toEqual({ integrity: 'ok', dump: await plainDump(db) });
    }
    await copy.expectKept(await db.dump());
  });

  test('what does not fit is refused, and changes nothing', async () => {
    const db = await source.open();
    await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, text)');
    await db.run(fill(1, 300));
    const [from, to] = [(await source.context()).vfs, (await copy.context()).vfs];
    await to.importFile('test.db', from.exportFile('test.db'));
    const { version } = await from.verify('test.db');
    const reader = await copy.open();
    const before = await reader.dump();
    await db.run("UPDATE t SET text = 'between' WHERE id % 9 = 0");
    await db.run("UPDATE t SET text = 'newest' WHERE id = 1");
    const later = await readAll(from.changesSince('test.db', version + 1));
    const missing = to.applyChanges('test.db', later);
    await expect(missing).rejects.toMatchObject({ code: 'CHANGES_BASE' });
    const damaged = later.slice();
    const at = damaged.length - 40;
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    const broken = to.applyChanges('test.db', damaged);
    await expect(broken).rejects.toMatchObject({ code: expect.stringMatching(/^CHANGES_/) });
    const cut = to.applyChanges('test.db', later.slice(0, -50));
    await expect(cut).rejects.toMatchObject({ code: expect.stringMatching(/^CHANGES_/) });
    const future = readAll(from.changesSince('test.db', version + 9));
    await expect(future).rejects.toMatchObject({ code: 'CHANGES_VERSION' });
    expect(await reader.dump()).toEqual(before);
    await reader.run("UPDATE t SET text = 'mine' WHERE id = 2");
    await reader.expectIntact();
    expect(await to.verify('test.db')).toMatchObject({ defects: [], pendingSegments: 0 });
  });
});
