import { describe, expect, test } from 'vitest';
import type { Fault, Point } from '../../src/testing/index.js';
import { isCommit } from '../support/fault-points.js';
import { insert, integrity, type Outcome, Rig, reopened } from '../support/rig.js';
import { soon } from '../support/soon.ts';
import { holdVolume } from '../support/sql-spies.js';
import { type BuildName, type Database, ONE_OF_EACH, type Row } from '../support/sqlite.js';

// Goal: versions that were acknowledged and lost are given again, and nobody mistakes the new ones for the
// old: nothing is committed on a lost base, no page of one gets among those of the other.
// Method: synchronous=OFF, a fault at the idbTx of a commit that was acknowledged, and then whatever a
// connection may be doing when the loss comes to light. And: the writer lock goes on only behind them.

const QUOTA: Fault = { tag: 'quota-at-commit' };
const FULL = { tag: 'failed', code: 13 };

interface Deferred {
  readonly rig: Rig;
  readonly a: Database;
  readonly b: Database;
  readonly losses: { readonly paths: readonly string[]; readonly error: Error }[];
}

/** Two connections of one page, a table with the values 0 and 1, and nothing on its way. */
async function deferred(build: BuildName): Promise<Deferred> {
  const rig = await Rig.create(build, { maxDelayMs: 0 });
  const losses: Deferred['losses'] = [];
  rig.context.vfs.addEventListener('loss', ({ detail }) => losses.push(detail));
  await rig.db.run('CREATE TABLE t(v); INSERT INTO t VALUES (0), (1)');
  const b = await rig.context.open();
  await rig.db.run('PRAGMA synchronous=OFF');
  await b.run('PRAGMA synchronous=OFF');
  expect(await b.rows('SELECT v FROM t')).toEqual([[0], [1]]);
  return { rig, a: rig.db, b, losses };
}

const values = (db: Database): Promise<Row[]> => db.rows('SELECT v FROM t ORDER BY rowid');

/** Resolves when the queue is empty, with what became of it. */
function settled({ rig }: Deferred): Promise<unknown> {
  return rig.context.vfs.durable().then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** What both connections see, what a page that comes later sees, and that all of it is sound. */
async function expectEverywhere(build: BuildName, it: Deferred, expected: Row[]): Promise<void> {
  expect(await values(it.a)).toEqual(expected);
  expect(await values(it.b)).toEqual(expected);
  expect(await integrity(it.a)).toBe('ok');
  await it.rig.close();
  await reopened(build, it.rig.idbName, async (db) => {
    expect(await values(db)).toEqual(expected);
    expect(await integrity(db)).toBe('ok');
  });
}

describe.each(ONE_OF_EACH)('%s: a deferred commit that fails', (build) => {
  // Goal: what landed before the fault stays, and nothing later comes on top of the hole. Method: the
  // nth idbTx has no room, for each n there is; `commit` events tell what had landed by then.
  test('takes every later one with it, wherever in the queue it is', async () => {
    let places = 0;
    for (;;) {
      const it = await deferred(build);
      let landed = 0;
      let landedBefore = 0;
      it.rig.context.vfs.addEventListener('commit', () => landed++);
      it.rig.context.vfs.addEventListener('loss', () => {
        landedBefore = landed;
      });
      it.rig.faults.plan(QUOTA, { at: isCommit, nth: places + 1, times: Number.POSITIVE_INFINITY });
      const outcomes: Outcome[] = [];
      for (let v = 2; v < 10; v++) outcomes.push(await it.rig.try(`INSERT INTO t VALUES (${v})`));
      await settled(it);
      const hasStruck = it.rig.faults.struck.length > 0;
      it.rig.faults.stop();
      if (hasStruck) await soon(() => expect(it.losses.length).toBeGreaterThan(0));
      else await soon(() => expect(landed).toBe(outcomes.length));
      await it.rig.try('SELECT v FROM t', it.a);
      await it.rig.try('SELECT v FROM t', it.b);
      const found = await values(it.a);
      const kept = Array.from({ length: (hasStruck ? landedBefore : landed) + 2 }, (_, v) => v);
      expect(found, `fault at commit ${places}`).toEqual(kept.map((v) => [v]));
      if (!hasStruck) expect(outcomes.every(({ tag }) => tag === 'done')).toBe(true);
      await expectEverywhere(build, it, found);
      if (!hasStruck) break;
      places++;
    }
    expect(places).toBeGreaterThan(1);
  });

  test('fails a sqliteTx that was begun on it', async () => {
    const it = await deferred(build);
    it.rig.faults.plan(QUOTA, { at: isCommit });
    const release = await holdVolume(it.rig.idbName);
    await it.a.run('INSERT INTO t VALUES (2)');
    await it.a.run('BEGIN IMMEDIATE; INSERT INTO t VALUES (3)');
    release();
    await settled(it);
    expect(await it.rig.try('COMMIT')).toMatchObject(FULL);
    await it.rig.try('ROLLBACK');
    expect(await it.rig.try('SELECT v FROM t', it.b)).toMatchObject(FULL);
    await it.a.run('INSERT INTO t VALUES (4)');
    await expectEverywhere(build, it, [[0], [1], [4]]);
  });

  test('fails a sqliteTx that commits while the file is read again', async () => {
    const it = await deferred(build);
    const reading = firstPoint(it, ({ kind, mode, store }) => {
      return kind === 'request' && mode === 'readonly' && store === 'files';
    });
    it.rig.faults.plan(QUOTA, { at: isCommit });
    const release = await holdVolume(it.rig.idbName);
    await it.a.run('INSERT INTO t VALUES (2)');
    await it.a.run('BEGIN IMMEDIATE; INSERT INTO t VALUES (3)');
    release();
    await reading;
    const outcome = await it.rig.try('COMMIT');
    await it.rig.try('ROLLBACK');
    await settled(it);
    // Reported by the COMMIT, or, if that was acknowledged too, by the next call.
    if (outcome.tag === 'done') expect(await it.rig.try('SELECT 1 FROM t')).toMatchObject(FULL);
    expect(await it.rig.try('SELECT v FROM t', it.b)).toMatchObject(FULL);
    await it.a.run('INSERT INTO t VALUES (4)');
    await expectEverywhere(build, it, [[0], [1], [4]]);
  });

  test('leaves no page in a cache when the change counter comes to the same value again', async () => {
    const it = await deferred(build);
    it.rig.faults.plan(QUOTA, { at: isCommit });
    const release = await holdVolume(it.rig.idbName);
    await it.a.run('UPDATE t SET v = 20 WHERE v = 0');
    expect(await values(it.b)).toEqual([[20], [1]]);
    release();
    await settled(it);
    expect(await it.rig.try('SELECT v FROM t', it.a)).toMatchObject(FULL);
    await it.a.run('UPDATE t SET v = 30 WHERE v = 1');
    expect(await it.rig.try('SELECT v FROM t', it.b)).toMatchObject(FULL);
    await expectEverywhere(build, it, [[0], [30]]);
  });

  test('ends a read sqliteTx on it, and nothing can be written on its snapshot', async () => {
    const it = await deferred(build);
    await it.a.run(`CREATE TABLE big(id INTEGER PRIMARY KEY, v)`);
    await it.a.run(insert(0).replace('INTO t(v)', 'INTO big(v)'));
    await settled(it);
    it.rig.faults.plan(QUOTA, { at: isCommit });
    const release = await holdVolume(it.rig.idbName);
    await it.a.run('UPDATE t SET v = 20 WHERE v = 0');
    await it.b.run('BEGIN');
    expect(await values(it.b)).toEqual([[20], [1]]);
    release();
    await settled(it);
    expect(await it.rig.try('SELECT v FROM t', it.a)).toMatchObject(FULL);
    await it.a.run('UPDATE t SET v = 30 WHERE v = 1');
    await settled(it);
    expect(await it.rig.try('INSERT INTO t VALUES (5)', it.b)).toMatchObject({ tag: 'failed' });
    await it.rig.try('ROLLBACK', it.b);
    await it.rig.try('SELECT v FROM t', it.b);
    await it.b.run('INSERT INTO t VALUES (6)');
    await expectEverywhere(build, it, [[0], [30], [6]]);
  });
});

describe.each(ONE_OF_EACH)('%s: deferred commits on their way', (build) => {
  test('all land before another page gets the writer lock', async () => {
    const it = await deferred(build);
    const other = await Rig.create(build, { idbName: it.rig.idbName });
    for (let round = 0; round < 5; round++) {
      for (let v = 0; v < 20; v++) await it.a.run('INSERT INTO t VALUES (2)');
      // Its snapshot is older than what lands while it waits for the lock: then it tries again.
      while ((await other.try('INSERT INTO t VALUES (3)')).tag === 'failed');
    }
    expect(await settled(it)).toBeUndefined();
    expect(it.losses).toEqual([]);
    expect(await other.db.value('SELECT count(*) FROM t')).toBe(2 + 5 * 21);
    await other.close();
    await it.rig.close();
  });
});

/** Resolves when the page asks IndexedDB for something `hit` accepts. */
function firstPoint({ rig }: Deferred, hit: (point: Point) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = rig.faults.onPoint((point) => {
      if (!hit(point)) return;
      stop();
      resolve();
    });
  });
}
