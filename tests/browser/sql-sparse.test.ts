import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Blocks } from '../support/blocks.js';
import { rawFile } from '../support/sql-spies.js';
import { type Database, EVERY_ENGINE, Site } from '../support/sqlite.js';

const PAGE_BYTES = 65536;
const GIB = 2 ** 30;
/** SQLite never uses the page with the byte at 1 GiB. */
const LOCK_PAGE = GIB / PAGE_BYTES + 1;
/** 1.1 GiB. */
const PAGES = Math.floor((1.1 * GIB) / PAGE_BYTES);
/** Fields of SQLite's header and of a freelist trunk page, in bytes. Source: sqlite.org/fileformat2. */
const PAGE_COUNT_AT = 28;
const FREELIST_AT = 32;
const FREE_COUNT_AT = 36;
const TRUNK_LEAVES_AT = 8;
const FIRST_TRUNK_LEAVES = 200;
const TRUNK_LEAVES_MAX = PAGE_BYTES / 4 - 2;

describe.each(EVERY_ENGINE)('a database beyond 1 GiB, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build);
  });
  afterEach(() => site.remove());

  /** A small database with pages of 64 KiB; returns how many. */
  async function small(): Promise<number> {
    const db = await site.open();
    await db.run(`PRAGMA page_size=${PAGE_BYTES}; CREATE TABLE t(a INTEGER PRIMARY KEY, b)`);
    await db.run(inserts(1, 3));
    return (await db.value('PRAGMA page_count')) as number;
  }

  /** Works on the file as blocks, while no page has it open. */
  async function asBlocks(use: (blocks: Blocks) => Promise<void>): Promise<void> {
    await site.leave();
    const blocks = await Blocks.open(site.idbName, 'test.db');
    try {
      await use(blocks);
    } finally {
      await blocks.close();
    }
  }

  async function expectClean(): Promise<void> {
    await site.leave();
    const report = await (await site.context()).vfs.verify('test.db');
    expect(report.defects).toEqual([]);
    expect(report.pendingSegments).toBe(0);
  }

  // Goal: a file passes 1 GiB without its holes being written: size, zeros, and room for SQLite.
  // Method: put all pages but a few on SQLite's freelist, whose leaves SQLite never reads, and commit
  // header and trunk pages only. SQLite then checks all pages and uses those beyond 1 GiB.
  test('1.1 GiB of free pages that were never written are zeros, and SQLite can use them', async () => {
    const used = await small();
    const all = { first: used + 1, last: PAGES, pageCount: PAGES };
    await asBlocks((blocks) => freePages(blocks, all));
    expect((await rawFile(site.idbName)).segments).toBeLessThan(20);
    const db = await site.open();
    expect(await db.value('PRAGMA page_count')).toBe(PAGES);
    expect(await db.value('PRAGMA freelist_count')).toBe(PAGES - used - 1);
    await db.expectIntact();
    await db.run(inserts(4, 12));
    await db.run(`BEGIN; ${inserts(100, 110)}; ROLLBACK; DELETE FROM t WHERE a = 7`);
    await db.expectIntact();
    const expected = await rows(db);
    await expectClean();
    const again = await site.open();
    expect(await rows(again)).toEqual(expected);
    expect(await again.value('PRAGMA page_count')).toBe(PAGES);
    await again.expectIntact();
    await asBlocks(async (blocks) => {
      expect(blocks.fileBytes).toBe(PAGES * PAGE_BYTES);
      expect(await blocks.read(LOCK_PAGE - 1)).toBeNull();
      let beyond = 0;
      for (let block = LOCK_PAGE; block < PAGES; block++) {
        if (await blocks.read(block)) beyond++;
      }
      expect(beyond).toBeGreaterThan(15);
      expect(beyond).toBeLessThan(60);
    });
    const last = await site.open();
    await last.run('VACUUM');
    expect(await last.value('PRAGMA page_count')).toBeLessThan(40);
    expect(await rows(last)).toEqual(expected);
    await expectClean();
  });

  // Goal: a file that SQLite itself grows across 1 GiB has a hole at the lock-byte page, which is
  // zeros and not damage. Method: a header that says "three pages short of it", rows across, and the
  // pages in between handed to the freelist afterwards, so that integrity_check covers every page.
  test('rows that grow a file across 1 GiB leave the lock-byte page unwritten', async () => {
    const used = await small();
    const start = LOCK_PAGE - 3;
    await asBlocks(async (blocks) => {
      const header = await page(blocks, 1);
      new DataView(header.buffer).setUint32(PAGE_COUNT_AT, start);
      await blocks.commit(new Map([[0, header]]).set(start - 1, new Uint8Array(PAGE_BYTES)));
    });
    const db = await site.open();
    expect(await db.value('PRAGMA page_count')).toBe(start);
    await db.run(`PRAGMA cache_size=5; BEGIN; ${inserts(4, 10)}; ROLLBACK; ${inserts(4, 10)}`);
    const pages = (await db.value('PRAGMA page_count')) as number;
    expect(pages).toBeGreaterThan(LOCK_PAGE + 5);
    const expected = await rows(db);
    await asBlocks(async (blocks) => {
      expect(blocks.fileBytes).toBe(pages * PAGE_BYTES);
      expect(await blocks.read(LOCK_PAGE - 1)).toBeNull();
      expect(await blocks.read(LOCK_PAGE - 2)).not.toBeNull();
      expect(await blocks.read(LOCK_PAGE)).not.toBeNull();
      await freePages(blocks, { first: used + 1, last: start, pageCount: pages });
    });
    await expectClean();
    const again = await site.open();
    await again.expectIntact();
    expect(await rows(again)).toEqual(expected);
  });
});

/** Rows `first` … `last`, each on pages of its own and telling which it is. */
function inserts(first: number, last: number): string {
  return `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM s
    WHERE i < ${last}) SELECT i, printf('%0*d', 140000 + i * 7, i) FROM s`;
}

/** Each row's length, and whether it is still the one that was inserted. */
function rows(db: Database): Promise<unknown> {
  return db.rows("SELECT a, length(b), b = printf('%0*d', 140000 + a * 7, a) FROM t ORDER BY a");
}

async function page(blocks: Blocks, number: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await blocks.read(number - 1);
  if (!bytes) throw new Error(`page ${number} was never written`);
  return new Uint8Array(bytes);
}

interface FreePages {
  readonly first: number;
  readonly last: number;
  /** Pages of the whole file. */
  readonly pageCount: number;
}

/**
 * Puts the pages `first` … `last` on the freelist: header and trunk pages are written, leaves are
 * not. The first trunk has few leaves, the highest pages: SQLite takes those first.
 */
async function freePages(blocks: Blocks, { first, last, pageCount }: FreePages): Promise<void> {
  const free: number[] = [];
  for (let number = last; number >= first; number--) if (number !== LOCK_PAGE) free.push(number);
  const changed = new Map<number, Uint8Array>();
  const header = await page(blocks, 1);
  const fields = new DataView(header.buffer);
  fields.setUint32(PAGE_COUNT_AT, pageCount);
  fields.setUint32(FREELIST_AT, free[0] ?? 0);
  fields.setUint32(FREE_COUNT_AT, free.length);
  changed.set(0, header);
  for (let at = 0, leaves = FIRST_TRUNK_LEAVES; at < free.length; leaves = TRUNK_LEAVES_MAX) {
    const [trunk = 0, ...rest] = free.slice(at, at + 1 + leaves);
    at += 1 + rest.length;
    const bytes = new Uint8Array(PAGE_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, free[at] ?? 0);
    view.setUint32(4, rest.length);
    for (const [i, number] of rest.entries()) view.setUint32(TRUNK_LEAVES_AT + 4 * i, number);
    changed.set(trunk - 1, bytes);
  }
  await blocks.commit(changed);
}
