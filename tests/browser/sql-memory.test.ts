import { expect, test } from 'vitest';
import { Context, FASTEST, freshVolume } from '../support/sqlite.js';

const MIB = 1024 * 1024;
const SPILL_BYTES = MIB;
const CACHE_BYTES = 2 * MIB;
/** Segments and journal pieces that are not whole yet. */
const SLACK_BYTES = MIB / 4;
const ROWS = 12_800;

// Goal: memory stays bounded however large a sqliteTx is (DESIGN §5, FORMAT.md §6).
// Method: 50 MB of dirty pages in one sqliteTx under a page cache of 10 pages, first as new rows, then
// as updates of existing ones, whose journal would hold 50 MB of images; look at what is held all along.
test('a sqliteTx of 50 MB holds no more than cacheBytes, twice spillBytes and a journal of spillBytes', async () => {
  const idbName = freshVolume('memory');
  const options = { idbName, spillBytes: SPILL_BYTES, cacheBytes: CACHE_BYTES };
  const context = await Context.create(FASTEST, options);
  const db = await context.open();
  await db.run('PRAGMA cache_size=10; PRAGMA synchronous=NORMAL');
  await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, x)');
  const held = { cacheBytes: 0, stagedBytes: 0, journalBytes: 0 };
  const look = () => {
    const stats = context.vfs.stats();
    held.cacheBytes = Math.max(held.cacheBytes, stats.cacheBytes);
    held.stagedBytes = Math.max(held.stagedBytes, stats.stagedBytes);
    held.journalBytes = Math.max(held.journalBytes, stats.journalBytes);
  };
  const inSteps = async (sql: (from: number, to: number) => string) => {
    for (let from = 1; from <= ROWS; from += 200) {
      await db.run(sql(from, from + 199));
      look();
    }
  };

  await db.run('BEGIN');
  await inSteps(
    (
      from,
      to,
    ) => `WITH RECURSIVE c(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM c WHERE i < ${to})
      INSERT INTO t SELECT i, randomblob(3900) FROM c`,
  );
  await db.run('COMMIT');
  await db.run('BEGIN');
  await inSteps((from, to) => `UPDATE t SET x = zeroblob(3900) WHERE id BETWEEN ${from} AND ${to}`);
  await db.run('ROLLBACK');
  look();

  expect(held.cacheBytes).toBeLessThanOrEqual(CACHE_BYTES);
  expect(held.stagedBytes).toBeGreaterThan(0);
  expect(held.stagedBytes).toBeLessThanOrEqual(2 * SPILL_BYTES + SLACK_BYTES);
  expect(held.journalBytes).toBeLessThanOrEqual(SPILL_BYTES + SLACK_BYTES);
  expect(await db.value('SELECT count(*) FROM t WHERE x = zeroblob(3900)')).toBe(0);
  expect(await db.value('SELECT count(*) FROM t')).toBe(ROWS);
  expect(await db.value('PRAGMA quick_check')).toBe('ok');
  await context.close();
});
