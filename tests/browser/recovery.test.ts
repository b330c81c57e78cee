import { beforeAll, describe, expect, test } from 'vitest';
import type { RecoveryReport } from '../../src/index.js';
import { create, drop, dump, flipped, picture, put, type RawRecord } from '../support/raw.js';
import { Context, type Database, freshVolume, type Row } from '../support/sqlite.js';

// Goal: an app that has a damaged database gets what is left of it, and is told what is not.
// Method: one volume, copied for each test, some of its records damaged past the VFS.

const ROWS = 400;
const FILE = 1;

let records: readonly RawRecord[] = [];
let rows: readonly Row[] = [];
let before: readonly Row[] = [];

beforeAll(async () => {
  const idbName = freshVolume('recovery');
  const context = await Context.create('asyncify', { idbName });
  const db = await context.open();
  const series = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})`;
  await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
  await db.run(`${series} INSERT INTO t(v) SELECT randomblob(3000) FROM n`);
  await db.run("UPDATE t SET v = 'first' WHERE id = 1");
  before = await contentOf(db);
  await db.run("UPDATE t SET v = 'second' WHERE id IN (1, 200)");
  rows = await contentOf(db);
  await context.close();
  records = await dump(idbName);
});

function contentOf(db: Database): Promise<Row[]> {
  return db.rows('SELECT id, hex(v) FROM t');
}

async function copyOfVolume(): Promise<string> {
  const name = freshVolume('recovery');
  await create(name, records);
  return name;
}

/** The nth key of a store from its end. */
function keyOf(store: RawRecord['store'], fromEnd = 0): RawRecord {
  return records.filter((record) => record.store === store).at(-1 - fromEnd) as RawRecord;
}

describe.each(['damaged', 'lost'])('when the newest commit record is %s', (how) => {
  async function harmed(): Promise<string> {
    const idbName = await copyOfVolume();
    const marker = keyOf('commits');
    if (how === 'lost') await drop(idbName, marker);
    else await put(idbName, [{ ...marker, value: flipped(marker.value, 40, 2) }]);
    return idbName;
  }
  const newest = 4;
  const fellBack = { from: newest, to: newest - 1 };

  test('the version below opens, and the app is told by events and by stats', async () => {
    const idbName = await harmed();
    const untouched = await picture(idbName);
    const context = await Context.create('asyncify', { idbName });
    const reports: RecoveryReport[] = [];
    context.vfs.addEventListener('recovery', ({ detail }) => reports.push(detail));
    const db = await context.open();
    expect(await contentOf(db)).toEqual(before);
    const expected = { path: 'test.db', version: newest, fellBack, foundAbove: false };
    expect(reports).toMatchObject([expected]);
    expect(reports[0]?.defects).toMatchObject([{ location: { key: [FILE, newest] } }]);
    expect((await context.vfs.stats()).recoveries).toEqual(reports);
    expect(context.errors).toEqual(reports[0]?.defects);
    const { defects } = await context.vfs.verify('test.db');
    expect(defects).toMatchObject([{ error: { location: { store: 'commits', version: newest } } }]);
    expect(await picture(idbName)).toEqual(untouched);
    await context.close();
  });

  test('the next commit makes that final, and all is well', async () => {
    const context = await Context.create('asyncify', { idbName: await harmed() });
    const db = await context.open();
    await db.run("UPDATE t SET v = 'third' WHERE id = 2");
    await db.expectIntact();
    const report = await context.vfs.verify('test.db');
    expect(report).toMatchObject({ defects: [], version: newest + 1, unlistedSegments: 0 });
    await db.close();
    const again = await context.open();
    expect(await contentOf(again)).toEqual(
      before.map(([id, v]) => [id, id === 2 ? '7468697264' : v]),
    );
    expect((await context.vfs.stats()).recoveries).toMatchObject([
      { fellBack: undefined, defects: [] },
    ]);
    await context.close();
  });

  test('it does not open if the app says so', async () => {
    const options = { idbName: await harmed(), onDamage: 'refuse' } as const;
    const context = await Context.create('asyncify', options);
    await expect(context.open()).rejects.toThrow();
    expect(context.errors).toMatchObject([{ code: 'CORRUPTION' }]);
    expect(context.errors[0]?.message).toContain('salvage(path)');
    await context.close();
  });
});

describe('salvage', () => {
  test('saves all rows of a database that does not open', async () => {
    const idbName = await copyOfVolume();
    const middle = keyOf('commits', 1);
    await put(idbName, [{ ...middle, value: new ArrayBuffer(3) }]);
    await drop(idbName, keyOf('files'));
    const context = await Context.create('asyncify', { idbName });
    await expect(context.open()).rejects.toThrow();
    const report = await context.vfs.salvage('test.db');
    expect(report).toMatchObject({
      to: 'test.db.salvaged',
      lost: [],
      older: [],
      headerLost: false,
    });
    expect(report.defects).toMatchObject([
      { error: { location: { store: 'files' } } },
      { error: { location: { store: 'commits', key: middle.key } } },
    ]);
    const db = await context.open('test.db.salvaged');
    expect(await contentOf(db)).toEqual(rows);
    await db.expectIntact();
    await context.close();
  });

  test('says which pages are lost, and every row outside of them is there', async () => {
    const idbName = await copyOfVolume();
    const victim: RawRecord = { store: 'segments', key: [FILE, 2, 9], value: undefined };
    await drop(idbName, victim);
    const marker = keyOf('commits');
    await put(idbName, [{ ...marker, value: new ArrayBuffer(3) }]);
    const untouched = await picture(idbName);
    const context = await Context.create('asyncify', { idbName, onDamage: 'refuse' });
    await expect(context.open()).rejects.toThrow();
    const { lost, version, newerBlocks } = await context.vfs.salvage('test.db', { to: 'saved.db' });
    expect(version).toBe(3);
    expect(newerBlocks).toBeGreaterThan(0);
    const pages = lost.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    expect(pages).toBe(15);
    const db = await context.open('saved.db');
    const word = await db.value('PRAGMA integrity_check').catch((cause: Error) => cause.message);
    expect(word).not.toBe('ok');
    const found = await readable(db);
    expect(found.length).toBeGreaterThan(ROWS - 2 * pages);
    const truth = new Map(before.map(([id, v]) => [id, v]));
    for (const [id, v] of found) expect(v).toBe(truth.get(id ?? null));
    await context.close();
    const now = await picture(idbName);
    for (const line of untouched) if (!line.startsWith('files ""')) expect(now).toContain(line);
  });

  test('of what does not exist, or to what does, is refused', async () => {
    const context = await Context.create('asyncify', { idbName: await copyOfVolume() });
    await expect(context.vfs.salvage('no.db')).rejects.toMatchObject({ code: 'OPTION' });
    const to = 'test.db';
    await context.vfs.salvage(to);
    await expect(context.vfs.salvage(to)).rejects.toMatchObject({ code: 'OPTION' });
    const db = await context.open();
    await expect(context.vfs.salvage(to)).rejects.toMatchObject({ code: 'BUSY' });
    await db.close();
    await context.close();
  });
});

/** Each row that can be read, one by one. */
async function readable(db: Database): Promise<Row[]> {
  const found: Row[] = [];
  for (let id = 1; id <= ROWS; id++) {
    try {
      found.push(...(await db.rows('SELECT id, hex(v) FROM t WHERE id = ?', [id])));
    } catch {
      // On a page that is lost.
    }
  }
  return found;
}

test('verify names the pages that a defect hits', async () => {
  const idbName = await copyOfVolume();
  await drop(idbName, { store: 'segments', key: [FILE, 2, 9] });
  const context = await Context.create('asyncify', { idbName });
  const { defects } = await context.vfs.verify('test.db');
  expect(defects.length).toBe(15);
  for (const { pages, error } of defects) {
    expect(pages?.first).toBe(pages?.last);
    expect(error).toMatchObject({ location: { store: 'segments', key: [FILE, 2, 9], version: 2 } });
  }
  await context.close();
});
