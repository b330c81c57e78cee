import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { plan, SCHEMA } from '../support/sql-random.js';
import { rawFile, spyIdbTxs } from '../support/sql-spies.js';
import { EVERY_ENGINE, Site, spills, Twins } from '../support/sqlite.js';

const SEEDS = [1, 2, 3, 4];
const STATEMENTS = 70;
const SYNCHRONOUS = ['full', 'off', 'normal'];
const MODES = ['delete', 'persist', 'truncate', 'memory'] as const;

describe.each(EVERY_ENGINE)('spilling, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { indexedDB, spillBytes: 65536, cacheBytes: 262144 });
  });
  afterEach(() => site.remove());

  /** A table of 600 rows, some 550 KiB, committed. */
  async function filled(): Promise<Twins> {
    const twins = await Twins.create(site);
    await twins.db.run('PRAGMA cache_size=10');
    await twins.run('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    await twins.run(insert(1, 600));
    return twins;
  }

  // Goal: these tests do spill, and the mirror never does. Method: count idbTxs that write segments
  // without a commit record.
  test('a sqliteTx larger than spillBytes goes out ahead of its commit', async () => {
    const spy = spyIdbTxs(site.idbName);
    const twins = await filled();
    spy.clear();
    await twins.db.run("BEGIN; UPDATE t SET b = 'n' || b");
    // Asked behind all that was sent ahead.
    await (await site.context()).vfs.stats();
    spy.restore();
    const ahead = spy.seen.filter(({ mode, commits }) => mode === 'readwrite' && !commits);
    expect(ahead.length > 0).toBe(spills(build));
    expect((await rawFile(site.idbName)).orphans.length > 2).toBe(spills(build));
    await twins.db.run('ROLLBACK');
    await site.expectKept(await twins.expectSame());
  });

  // Goal: a spilled ROLLBACK leaves no trace in what is read, and none in the store after the next
  // commit. Method: roll back updates and inserts, work on, compare, and look at the raw keys.
  test('work goes on after the ROLLBACK of a spilled sqliteTx', async () => {
    const twins = await filled();
    for (let round = 0; round < 2; round++) {
      await twins.run(`BEGIN; UPDATE t SET b = ${round} || b; ${insert(20000, 300)}; ROLLBACK`);
      await twins.expectSame();
      await twins.run(`UPDATE t SET b = 'kept ${round}' || b WHERE a % 50 = ${round}`);
      expect((await rawFile(site.idbName)).orphans).toEqual([]);
      await twins.run(
        `BEGIN; ${insert(1000 * round + 1000, 200)}; DELETE FROM t WHERE a % 7 = 1; COMMIT`,
      );
      await twins.expectSame();
    }
    expect((await rawFile(site.idbName)).orphans).toEqual([]);
    await site.expectKept(await twins.expectSame());
  });

  // Goal: leaving right after a spilled ROLLBACK is safe. Method: no commit follows; reopen, look,
  // write, and find nothing above the marker.
  test('a spilled sqliteTx rolled back last is gone for the next page', async () => {
    const twins = await filled();
    await twins.run("BEGIN; UPDATE t SET b = 'gone' || b; ROLLBACK");
    const expected = await twins.expectSame();
    await site.expectKept(expected);
    await (await site.open()).run('CREATE TABLE u(a)');
    expect((await rawFile(site.idbName)).orphans).toEqual([]);
  });

  // Goal: leaving in the middle of a spilled sqliteTx rolls it back. Method: close the connection
  // with BEGIN open; the next page sees the last commit.
  test('a connection closed inside a spilled sqliteTx leaves the last commit', async () => {
    const twins = await filled();
    const expected = await twins.expectSame();
    await twins.db.run("BEGIN; UPDATE t SET b = 'gone' || b");
    await site.expectKept(expected);
    await (await site.open()).run('CREATE TABLE u(a)');
    expect((await rawFile(site.idbName)).orphans).toEqual([]);
  });

  // Goal: savepoints survive spilling on both sides of them. Method: nest, spill, roll back to the
  // outer and the inner one, release; the oracle does the same.
  test('nested savepoints roll back and release after spilling', async () => {
    const twins = await filled();
    await twins.run("BEGIN; UPDATE t SET b = 'one' || b; SAVEPOINT outer_");
    await twins.run(`${insert(1000, 300)}; SAVEPOINT inner_; UPDATE t SET b = 'two' || b`);
    await twins.run('ROLLBACK TO inner_');
    await twins.expectSame();
    await twins.run("DELETE FROM t WHERE a % 3 = 0; UPDATE t SET b = 'three' || b; RELEASE inner_");
    await twins.expectSame();
    await twins.run('ROLLBACK TO outer_');
    await twins.expectSame();
    await twins.run(`${insert(5000, 100)}; RELEASE outer_; COMMIT`);
    await site.expectKept(await twins.expectSame());
  });

  // Goal: a statement that fails half-way is undone alone. Method: a UNIQUE constraint hit after
  // hundreds of rows were changed and spilled.
  test('a statement that fails after spilling is undone, the sqliteTx goes on', async () => {
    const twins = await filled();
    await twins.run('CREATE UNIQUE INDEX i ON t(b); BEGIN');
    await twins.run("UPDATE t SET b = 'z' || b");
    await twins.attempt("UPDATE t SET b = CASE WHEN a < 590 THEN 'y' || b ELSE 'same' END");
    await twins.expectSame();
    await twins.run(`${insert(9000, 100)}; COMMIT`);
    await site.expectKept(await twins.expectSame());
  });

  // Goal: nothing was forgotten above. Method: random sqliteTxs against the oracle, each statement's
  // outcome compared, the contents after each sqliteTx; the seed is in the test's name.
  test.each(SEEDS)('random statements do what they do in memory, seed %i', async (seed) => {
    const twins = await Twins.create(site);
    const mode = MODES[seed % MODES.length];
    const synchronous = SYNCHRONOUS[seed % SYNCHRONOUS.length];
    await twins.db.run(`PRAGMA page_size=${512 << (seed % 4)}; PRAGMA journal_mode=${mode}`);
    await twins.db.run(
      `PRAGMA cache_size=10; PRAGMA auto_vacuum=2; PRAGMA synchronous=${synchronous}`,
    );
    await twins.run(SCHEMA);
    for (const statement of plan(seed, STATEMENTS)) {
      if (statement.startsWith('PRAGMA')) await twins.db.run(statement);
      else await twins.attempt(statement);
      if (/^(COMMIT|ROLLBACK)/.test(statement)) {
        expect(await twins.db.dump(), statement).toEqual(await twins.oracle.dump());
      }
    }
    const expected = await twins.expectSame();
    await twins.run('CREATE TABLE last(a)');
    await (await site.context()).vfs.durable();
    expect((await site.context()).errors).toEqual([]);
    expect((await rawFile(site.idbName)).orphans).toEqual([]);
    await twins.run('DROP TABLE last');
    await site.expectKept(expected);
  });
});

/** `count` rows of 900 bytes from `first` on. */
function insert(first: number, count: number): string {
  return `INSERT INTO t WITH RECURSIVE s(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM s
    WHERE i < ${first + count - 1}) SELECT i, printf('%0900d', i) FROM s`;
}
