import { expect, test } from 'vitest';
import { FASTEST, Site } from '../support/sqlite.js';

const ROWS = 50_000;
const ROWS_PER_TX = 5000;
const CHARACTERS = 4000;
/** Every row counts: its key, its length, and a character of it. */
const SUMS = `SELECT count(*), sum(id), sum(length(v)),
  sum(unicode(substr(v, id % ${CHARACTERS} + 1, 1)) * (id % 97)) FROM t`;

// Goal: 200 MB of real rows are kept whole. Method: 50,000 rows of random characters in ten
// sqliteTxs, relaxed; sums over all rows, before and after reopening, and SQLite's own check.
test('200 MB of rows are all there for the next page', { timeout: 240_000 }, async () => {
  const site = new Site(FASTEST);
  const db = await site.open();
  await db.run('PRAGMA synchronous=NORMAL; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)');
  for (let first = 1; first <= ROWS; first += ROWS_PER_TX) {
    await db.run(`INSERT INTO t WITH RECURSIVE s(i) AS (SELECT ${first} UNION ALL
      SELECT i + 1 FROM s WHERE i < ${first + ROWS_PER_TX - 1})
      SELECT i, hex(randomblob(${CHARACTERS / 2})) FROM s`);
  }
  const [expected] = await db.rows(SUMS);
  expect(expected?.slice(0, 3)).toEqual([ROWS, (ROWS * (ROWS + 1)) / 2, ROWS * CHARACTERS]);
  await site.leave();
  const again = await site.open();
  expect(await again.value('PRAGMA page_count')).toBeGreaterThanOrEqual(ROWS);
  expect(await again.rows('PRAGMA quick_check')).toEqual([['ok']]);
  expect(await again.rows(SUMS)).toEqual([expected]);
  await site.remove();
});
