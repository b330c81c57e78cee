/**
 * What has changed since a version, applied to an older copy, gives the newer database; or an error.
 *
 * Method: SQLite on a simulated IndexedDB. A source goes through a history; copies of it, in a volume and
 * as a file, follow it from wherever they stand. What they become is compared byte for byte with an
 * export of the source, and checked by native SQLite.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyChangesToFile, type BackupMark, type ChangesError } from '../../src/index.js';
import { differences, readAll, streamOf } from '../support/bytes.ts';
import type { Database } from '../support/database.ts';
import { useGlobals } from '../support/globals.ts';
import { nativeContent } from '../support/native-file.ts';
import { PagesLab } from '../support/pages-lab.ts';
import { Seeded } from '../support/seeded.ts';
import type { Page } from '../support/sqlite-node.ts';

useGlobals();

const PATH = 'main.db';
const HEADER_BYTES = 72;
const FRAME_BYTES = 32;

/** A copy in a file, and what it is a copy of. */
interface Copy {
  readonly bytes: Uint8Array;
  readonly mark: BackupMark;
}

const fill = (first: number, count: number, mark: string) =>
  `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM s
    WHERE i < ${first + count - 1}) SELECT i, printf('${mark}%0700d', i) FROM s`;

describe('changes', () => {
  let lab: PagesLab;
  let source: Page;
  let db: Database;
  beforeEach(async () => {
    lab = new PagesLab();
    source = await lab.page({ spillBytes: 65536 });
    db = await source.open(PATH);
    await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, text); CREATE INDEX i ON t(text)');
    await db.run(fill(1, 400, 'first'));
  });
  afterEach(() => lab.close());

  async function copied(): Promise<Copy> {
    const marks: BackupMark[] = [];
    const onEnd = (mark: BackupMark) => marks.push(mark);
    const bytes = await readAll(source.vfs.exportFile(PATH, { onEnd }));
    const [mark] = marks;
    if (!mark) throw new Error('an export without a mark');
    return { bytes, mark };
  }

  const changesSince = (since: number | BackupMark) =>
    readAll(source.vfs.changesSince(PATH, since));

  /** What the copy becomes by changes. */
  async function applied(base: Uint8Array, changes: Uint8Array): Promise<Copy> {
    const marks: BackupMark[] = [];
    const onEnd = (mark: BackupMark) => marks.push(mark);
    const result = applyChangesToFile(streamOf(base), streamOf(changes), { onEnd });
    const bytes = await readAll(result);
    expect(marks).toHaveLength(1);
    return { bytes, mark: marks[0] as BackupMark };
  }

  async function failure(work: Promise<unknown>): Promise<ChangesError> {
    try {
      await work;
    } catch (cause) {
      return cause as ChangesError;
    }
    throw new Error('did not fail');
  }

  const STEPS: readonly (readonly [what: string, sql: string])[] = [
    ['a row', "UPDATE t SET text = 'one' WHERE id = 77"],
    ['many rows', "UPDATE t SET text = 'many' WHERE id % 5 = 0"],
    ['growth', fill(1000, 300, 'more')],
    ['rows cut off', 'DELETE FROM t WHERE id > 100'],
    ['a vacuum', 'VACUUM'],
    ['growth behind a cut', fill(2000, 200, 'again')],
    ['another page size', 'PRAGMA page_size=1024; VACUUM'],
    ['another table', 'CREATE TABLE u(a); INSERT INTO u SELECT text FROM t'],
    ['a larger page size', 'PRAGMA page_size=16384; VACUUM'],
    ['all but nothing', 'DELETE FROM t; DELETE FROM u; VACUUM'],
    ['nothing', 'SELECT 1'],
    ['a spilled rollback', `BEGIN; ${fill(1, 900, 'back')}; ROLLBACK; ${fill(1, 5, 'kept')}`],
  ];

  // Goal: any older copy becomes the newest version, whatever happened in between. Method: after each step,
  // changes since each earlier version, by number and by mark, in a file and in another volume.
  test('a copy of any age becomes the newest version', { timeout: 120_000 }, async () => {
    const copies: Copy[] = [await copied()];
    const mirror = await lab.page({ spillBytes: 65536 });
    await mirror.vfs.importFile('copy.db', copies[0]?.bytes ?? new Uint8Array());
    const reader = await mirror.open('copy.db');
    let mark = copies[0]?.mark as BackupMark;
    for (const [what, sql] of STEPS) {
      await db.run(sql);
      const now = await copied();
      for (const copy of copies) {
        for (const since of [copy.mark, copy.mark.version]) {
          const result = await applied(copy.bytes, await changesSince(since));
          expect(differences(result.bytes, now.bytes), what).toEqual([]);
          expect(result.mark).toEqual(now.mark);
        }
      }
      const report = await mirror.vfs.applyChanges('copy.db', await changesSince(mark));
      mark = report.mark;
      expect(mark).toEqual(now.mark);
      expect(differences(await readAll(mirror.vfs.exportFile('copy.db')), now.bytes)).toEqual([]);
      expect(await reader.dump(), what).toEqual(await db.dump());
      expect((await mirror.vfs.verify('copy.db')).defects).toEqual([]);
      copies.push(now);
    }
    const { bytes } = copies.at(-1) as Copy;
    expect(nativeContent(bytes).integrity).toBe('ok');
  });

  test('only what has changed is sent', async () => {
    await db.run(fill(5000, 3000, 'bulk'));
    const { bytes, mark } = await copied();
    await db.run("UPDATE t SET text = 'short' WHERE id = 3");
    const changes = await changesSince(mark);
    expect(bytes.length).toBeGreaterThan(4_000_000);
    expect(changes.length).toBeLessThan(40_000);
    const nothing = await changesSince((await copied()).mark);
    expect(nothing.length).toBeLessThan(20_000);
  });

  test('since 0 they are everything, and need no base', async () => {
    const now = await copied();
    const result = await applied(new Uint8Array(), await changesSince(0));
    expect(differences(result.bytes, now.bytes)).toEqual([]);
    const elsewhere = await lab.page();
    const report = await elsewhere.vfs.applyChanges('new.db', await changesSince(0));
    expect(report).toMatchObject({ version: 1, mark: now.mark, writtenBytes: now.bytes.length });
    expect(await (await elsewhere.open('new.db')).dump()).toEqual(await db.dump());
  });

  // Goal: compaction gives blocks newer versions with the bytes they had; that is sent along, harmlessly.
  test('a history of small commits, with compaction, random and seeded', async () => {
    const random = new Seeded(20261121);
    let copy = await copied();
    for (let round = 0; round < 12; round++) {
      for (let i = random.between(1, 40); i > 0; i--) {
        const id = random.between(1, 400);
        await db.run(
          `UPDATE t SET text = hex(randomblob(${random.between(1, 400)})) WHERE id = ${id}`,
        );
      }
      const result = await applied(copy.bytes, await changesSince(copy.mark));
      copy = await copied();
      expect(differences(result.bytes, copy.bytes)).toEqual([]);
    }
  });

  describe('are refused', () => {
    test('since a version there is not, or of another database', async () => {
      const { mark } = await copied();
      for (const since of [mark.version + 1, { ...mark, version: mark.version + 1 }]) {
        expect((await failure(changesSince(since))).code).toBe('CHANGES_VERSION');
      }
      for (const since of [-1, 1.5, Number.NaN]) {
        expect((await failure(changesSince(since))).code).toBe('OPTION');
      }
      await db.close();
      await source.vfs.deleteFile(PATH);
      db = await source.open(PATH);
      for (let i = 0; i < 5; i++) await db.run(`CREATE TABLE again${i}(a)`);
      expect((await failure(changesSince(mark))).code).toBe('CHANGES_VERSION');
    });

    // Goal: changes fit the copy they were asked for and no other. Method: an older copy, a newer one, one
    // that was written to, one of another database, a shorter one, none.
    test('on any other base', async () => {
      const older = await copied();
      await db.run("UPDATE t SET text = 'b' WHERE id % 7 = 0");
      const base = await copied();
      await db.run("UPDATE t SET text = 'c' WHERE id = 1");
      const newer = await copied();
      const changes = await changesSince(base.mark);
      const byNumber = await changesSince(base.mark.version);
      const written = base.bytes.slice();
      const last = written.length - 5000;
      written[last] = (written[last] ?? 0) ^ 1;
      const bases = {
        older: older.bytes,
        written,
        shorter: base.bytes.slice(0, -4096),
        empty: new Uint8Array(),
      };
      for (const [what, bytes] of Object.entries(bases)) {
        expect((await failure(applied(bytes, changes))).code, what).toBe('CHANGES_BASE');
        expect((await failure(applied(bytes, byNumber))).code, what).toBe('CHANGES_BASE');
      }
      // By number alone: what differs is overwritten, and the result is the source's all the same.
      expect((await failure(applied(newer.bytes, changes))).code).toBe('CHANGES_BASE');
      expect(differences((await applied(newer.bytes, byNumber)).bytes, newer.bytes)).toEqual([]);

      const elsewhere = await lab.page();
      await elsewhere.vfs.importFile('copy.db', older.bytes);
      const before = await readAll(elsewhere.vfs.exportFile('copy.db'));
      const refused = elsewhere.vfs.applyChanges('copy.db', changes);
      expect((await failure(refused)).code).toBe('CHANGES_BASE');
      const none = elsewhere.vfs.applyChanges('none.db', changes);
      expect((await failure(none)).code).toBe('CHANGES_BASE');
      expect(differences(await readAll(elsewhere.vfs.exportFile('copy.db')), before)).toEqual([]);
      expect((await elsewhere.vfs.verify('copy.db')).defects).toEqual([]);
    });

    // Goal: no damage on the way gives a result. Method: every byte of the heads, and of pages here and
    // there, changed; cut off at each place; frames left out, doubled and swapped.
    test('damaged in any byte, or cut off', { timeout: 120_000 }, async () => {
      const { bytes, mark } = await copied();
      await db.run("UPDATE t SET text = 'c' WHERE id IN (1, 200)");
      const changes = await changesSince(mark);
      const heads = HEADER_BYTES + 3 * FRAME_BYTES;
      const places = Array.from({ length: changes.length }, (_, i) => i).filter(
        (i) => i < heads || i > changes.length - heads || i % 997 === 0,
      );
      for (const at of places) {
        const damaged = changes.slice();
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        const { code } = await failure(applied(bytes, damaged));
        expect([at, code]).toEqual([at, 'CHANGES_DAMAGED']);
        const cut = await failure(applied(bytes, changes.slice(0, at)));
        expect([at, cut.code]).toEqual([at, 'CHANGES_DAMAGED']);
      }
    });

    test('with frames left out, doubled, or of other changes', async () => {
      const { bytes, mark } = await copied();
      await db.run("UPDATE t SET text = 'c' WHERE id = 100");
      const first = await changesSince(mark);
      const other = await changesSince(mark.version);
      const pageBytes = 4096;
      // Page 1 comes first, in a frame of its own or with those behind it.
      const count = new DataView(first.buffer).getUint32(HEADER_BYTES + 8, true);
      const end = HEADER_BYTES + FRAME_BYTES + count * pageBytes;
      const head = (of: Uint8Array) => of.slice(0, HEADER_BYTES);
      const frame = (of: Uint8Array) => of.slice(HEADER_BYTES, end);
      const rest = (of: Uint8Array) => of.slice(end);
      const mixtures = {
        leftOut: [head(first), rest(first)],
        doubled: [head(first), frame(first), frame(first), rest(first)],
        ofOthers: [head(first), frame(other), rest(first)],
      };
      for (const [what, parts] of Object.entries(mixtures)) {
        const mixed = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
        expect((await failure(applied(bytes, mixed))).code, what).toBe('CHANGES_DAMAGED');
      }
    });
  });

  // Goal: a copy that is written to as well does not keep SQLite from noticing. Method: commits on the copy
  // until its change counter is beyond the source's, then changes that write over all that it wrote.
  test('connections to a copy that was written to see the new content', async () => {
    const copyPage = await lab.page();
    const { bytes, mark } = await copied();
    await copyPage.vfs.importFile('copy.db', bytes);
    const copy = await copyPage.open('copy.db');
    for (let i = 0; i < 3; i++) await copy.run(`UPDATE t SET text = 'own ${i}' WHERE id = 5`);
    await db.run("UPDATE t SET text = 'theirs' WHERE id = 5");
    const changes = await changesSince(mark.version);
    await copyPage.vfs.applyChanges('copy.db', changes).catch((error: ChangesError) => {
      // What it wrote to and the source did not is in the way.
      expect(error.code).toBe('CHANGES_BASE');
    });
    await copy.expectIntact();
    const all = await readAll(source.vfs.changesSince(PATH, 0));
    await copyPage.vfs.applyChanges('copy.db', all);
    expect(await copy.dump()).toEqual(await db.dump());
    await copy.expectIntact();
    const report = await copyPage.vfs.applyChanges('copy.db', await changesSince(mark.version));
    expect(report.mark.version).toBe((await copied()).mark.version);
  });
});
