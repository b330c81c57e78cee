import { afterEach, describe, expect, test } from 'vitest';
import type { Fault, Point } from '../../src/testing/index.js';
import { isCommit } from '../support/fault-points.js';
import { insert, Rig, reopened } from '../support/rig.js';
import { soon } from '../support/soon.ts';
import { holdVolume } from '../support/sql-spies.js';
import { type Database, ONE_OF_EACH } from '../support/sqlite.js';

const FAILED: Fault = { tag: 'abort-at-commit', name: 'DataError' };
const IOERR = 10;
const BUSY = 5;
const DIRTY_COMMITS_MAX = 64;
/** Nothing is sent before somebody waits for it. */
const WAITING = { autoSync: false, maxDelayMs: 60_000 };
const isWriting = ({ kind, mode }: Point) => kind === 'transaction' && mode === 'readwrite';
const ALL = 'SELECT v FROM t ORDER BY id';

describe.each(ONE_OF_EACH)('deferred commits, %s', (build) => {
  let rig: Rig;
  let other: Database;
  let lost: { readonly paths: readonly string[]; readonly error: Error }[];
  let release: () => void = () => undefined;
  afterEach(async () => {
    release();
    await rig.close().catch(() => undefined);
  });

  /** Two connections with synchronous=OFF on a table with the row 'kept'. */
  async function begin(): Promise<void> {
    rig = await Rig.create(build, { ...WAITING, maxDirtyCommits: DIRTY_COMMITS_MAX });
    lost = [];
    rig.context.vfs.addEventListener('loss', ({ detail }) => lost.push(detail));
    await rig.db.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t(v) VALUES ('kept')");
    other = await rig.context.open();
    for (const db of [rig.db, other]) await db.run('PRAGMA synchronous=OFF');
    expect(await valuesOf(other)).toEqual(['kept']);
    rig.faults.reset();
  }

  /** From here on nothing lands until `release`. */
  async function hold(): Promise<void> {
    release = await holdVolume(rig.idbName);
  }

  function add(value: string, db: Database = rig.db): Promise<void> {
    return db.run('INSERT INTO t(v) VALUES (?)', [value]);
  }

  /** `values` are lost: the first of them fails while all wait. Returns what durable() said. */
  async function lose(values: readonly string[]): Promise<unknown> {
    await hold();
    rig.faults.plan(FAILED, { at: isCommit });
    for (const value of values) await add(value);
    const told = rig.context.vfs.durable().then(
      () => undefined,
      (cause: unknown) => cause,
    );
    release();
    return await told;
  }

  async function expectEverywhere(values: readonly string[]): Promise<void> {
    expect(await valuesOf(rig.db)).toEqual(values);
    expect(await valuesOf(other)).toEqual(values);
    await rig.context.vfs.durable();
    await rig.close();
    await reopened(build, rig.idbName, async (db) => {
      expect(await valuesOf(db)).toEqual(values);
      expect(await db.value('PRAGMA integrity_check')).toBe('ok');
    });
  }

  // Goal: a loss is told to everyone once, and nothing comes on top of the hole. Method: the first of
  // three waiting commits fails; durable(), the event, and each connection's next two calls.
  test('a deferred commit that fails is told once by each connection, and takes the later ones along', async () => {
    await begin();
    const cause = await lose(['one', 'two', 'three']);
    expect(cause).toMatchObject({ code: 'STORAGE', cause: { name: 'DataError' } });
    expect(lost).toEqual([{ paths: ['test.db'], error: cause }]);
    for (const db of [rig.db, other]) {
      expect(await rig.try(ALL, db)).toEqual({ tag: 'failed', code: IOERR, cause });
      expect(await valuesOf(db)).toEqual(['kept']);
    }
    expect(lost).toHaveLength(1);
    await expectEverywhere(['kept']);
  });

  // Goal: what came before the hole stays. Method: the second of two idbTxs with waiting commits fails.
  test('deferred commits before the one that fails have landed', async () => {
    await begin();
    await hold();
    rig.faults.plan(FAILED, { at: isCommit, nth: 2 });
    for (const value of ['a', 'b']) await add(value);
    const first = rig.context.vfs.durable();
    // Their idbTx has been asked for.
    await soon(() => expect(rig.faults.count(isWriting)).toBe(1));
    for (const value of ['c', 'd', 'e']) await add(value);
    const told = expect(rig.context.vfs.durable()).rejects.toMatchObject({ code: 'STORAGE' });
    release();
    await first;
    await told;
    for (const db of [rig.db, other]) expect(await rig.try(ALL, db)).toMatchObject({ code: IOERR });
    await expectEverywhere(['kept', 'a', 'b']);
  });

  // Goal: SQLite's page caches are not trusted after a loss. Method: both connections have read a lost
  // version; new commits bring version and change counter back to where they were. The idle
  // connection takes its error before or after them.
  test.each(['before', 'after'])(
    'an idle connection that is told %s new commits reads them',
    async (when) => {
      await begin();
      await hold();
      rig.faults.plan(FAILED, { at: isCommit });
      await add('lost');
      expect(await valuesOf(other)).toEqual(['kept', 'lost']);
      const told = expect(rig.context.vfs.durable()).rejects.toThrow();
      release();
      await told;
      if (when === 'before') expect(await rig.try(ALL, other)).toMatchObject({ code: IOERR });
      expect(await rig.try(ALL)).toMatchObject({ code: IOERR });
      await add('new!');
      if (when === 'after') expect(await rig.try(ALL, other)).toMatchObject({ code: IOERR });
      await expectEverywhere(['kept', 'new!']);
    },
  );

  // Goal: nothing is read from or written on a lost snapshot, though the version number has come
  // back. Method: one connection holds a read sqliteTx on the lost version over the loss.
  test.each([
    "INSERT INTO t(v) VALUES ('on top')",
    'SELECT count(*), sum(length(v)) FROM t, t AS u',
  ])('a sqliteTx on a lost snapshot fails until it ends: %s', async (sql) => {
    await begin();
    await hold();
    rig.faults.plan(FAILED, { at: isCommit });
    await add('lost');
    await other.run('PRAGMA cache_size=1; BEGIN');
    expect(await valuesOf(other)).toEqual(['kept', 'lost']);
    const told = expect(rig.context.vfs.durable()).rejects.toThrow();
    release();
    await told;
    expect(await rig.try(ALL)).toMatchObject({ code: IOERR });
    await add('new!');
    const outcome = await rig.try(sql, other);
    if (sql.startsWith('INSERT')) {
      expect(outcome).toMatchObject({ tag: 'failed', cause: { code: 'STORAGE' } });
    }
    expect(rig.errors.map(({ code }) => code)).not.toContain('CORRUPTION');
    await rig.try('ROLLBACK', other);
    await rig.try(ALL, other);
    await expectEverywhere(['kept', 'new!']);
  });

  // Goal: a sqliteTx begun on a version that is lost before its COMMIT fails with the loss, whatever
  // durability it asks for. Method: begin and write while the first waits; lose; COMMIT.
  test.each(['OFF', 'FULL'])(
    'COMMIT with synchronous=%s of a sqliteTx begun on a lost version fails',
    async (word) => {
      await begin();
      await rig.db.run(`PRAGMA synchronous=${word}`);
      await hold();
      rig.faults.plan(FAILED, { at: isCommit });
      await add('lost', other);
      await rig.db.run("BEGIN IMMEDIATE; INSERT INTO t(v) VALUES ('on top')");
      const told = expect(rig.context.vfs.durable()).rejects.toThrow();
      release();
      await told;
      const outcome = await rig.try('COMMIT');
      expect(outcome).toMatchObject({ tag: 'failed', code: IOERR, cause: { code: 'STORAGE' } });
      await rig.try('ROLLBACK');
      expect(await rig.try(ALL, other)).toMatchObject({ code: IOERR });
      await expectEverywhere(['kept']);
    },
  );

  // Goal: a sqliteTx that has written more than SQLite's cache when its base is lost leaves nothing of
  // the lost version behind: no page that its rollback plays back, no length of the file.
  // Method: the lost commit makes the file longer or shorter; half an UPDATE is written, the loss comes,
  // the other half fails. Everything is read and written again.
  test.each([
    ['longer', 'INSERT INTO filler VALUES (zeroblob(20000))'],
    ['shorter', 'DELETE FROM filler'],
  ])(
    'a sqliteTx that spills on a lost version of a %s file rolls back to what is stored',
    async (_how, sql) => {
      rig = await Rig.create(build, { ...WAITING, spillBytes: 65536 });
      await rig.db.run(`PRAGMA auto_vacuum=FULL; CREATE TABLE t(id INTEGER PRIMARY KEY, v);
      INSERT INTO t(v) VALUES ('kept'); CREATE TABLE filler(v);
      INSERT INTO filler VALUES (zeroblob(100000));
      CREATE TABLE big(id INTEGER PRIMARY KEY, v); ${insert(60).replace('INTO t(v)', 'INTO big(v)')}`);
      other = await rig.context.open();
      expect(await valuesOf(other)).toEqual(['kept']);
      const content = 'SELECT count(*), sum(id), sum(length(v)) FROM big';
      const before = await rig.db.rows(content);
      await rig.db.run('PRAGMA synchronous=OFF; PRAGMA cache_size=5');
      rig.faults.reset();
      await hold();
      rig.faults.plan(FAILED, { at: isCommit });
      await rig.db.run(sql);
      await rig.db.run('BEGIN; UPDATE big SET v = zeroblob(3500) WHERE id <= 30');
      const told = expect(rig.context.vfs.durable()).rejects.toThrow();
      release();
      await told;
      const outcome = await rig.try('UPDATE big SET v = zeroblob(3500) WHERE id > 30; COMMIT');
      expect(outcome).toMatchObject({ tag: 'failed' });
      if (await rig.db.inTransaction()) await rig.try('ROLLBACK');
      for (const db of [rig.db, other]) {
        await rig.try(content, db);
        expect(await db.rows(content)).toEqual(before);
        expect(await db.value('PRAGMA integrity_check')).toBe('ok');
      }
      await add('new!');
      expect(await rig.db.value('PRAGMA integrity_check')).toBe('ok');
      expect(await other.value('PRAGMA integrity_check')).toBe('ok');
      await expectEverywhere(['kept', 'new!']);
    },
  );

  // Goal: a strict commit behind a deferred one waits for it, and is not written over its hole.
  // Method: OFF, then FULL, in one context; the deferred one fails.
  test('a strict commit behind a deferred one that fails does not land', async () => {
    await begin();
    await rig.db.run('PRAGMA synchronous=FULL');
    await hold();
    rig.faults.plan(FAILED, { at: isCommit });
    await add('lost', other);
    const strict = rig.try("INSERT INTO t(v) VALUES ('strict')");
    release();
    const outcome = await strict;
    expect(outcome).toMatchObject({ tag: 'failed', cause: { code: 'STORAGE' } });
    expect(await rig.try(ALL, other)).not.toMatchObject({ code: BUSY });
    // What was acknowledged before the last call is lost, whoever else was told of it.
    await expect(rig.context.vfs.durable()).rejects.toMatchObject({ code: 'STORAGE' });
    await expectEverywhere(['kept']);
  });

  // Goal: what waits is bounded, in order, and closing waits for it. Method: hold the volume; the
  // COMMIT after the limit stays without an answer, also for a page's worth of turns; let go.
  test('at most maxDirtyCommits wait, land in order, and close() waits for them', async () => {
    await begin();
    const landed: number[] = [];
    const flushed: number[] = [];
    const pressed: unknown[] = [];
    const { vfs } = rig.context;
    vfs.addEventListener('commit', ({ detail }) => landed.push(detail.version));
    vfs.addEventListener('flush', ({ detail }) => flushed.push(detail.commits));
    vfs.addEventListener('backpressure', ({ detail }) => pressed.push(detail));
    await hold();
    for (let i = 0; i < DIRTY_COMMITS_MAX; i++) await add(`v${i}`);
    expect((await vfs.stats()).deferredCommits).toBe(DIRTY_COMMITS_MAX);
    let answered = false;
    const next = add('next').then(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).toBe(false);
    expect(landed).toEqual([]);
    release();
    await next;
    // A thread that waited hears of it afterwards.
    const pressure = [
      { waits: true, commits: DIRTY_COMMITS_MAX },
      { waits: false, commits: 0, bytes: 0 },
    ];
    await soon(() => expect(pressed).toMatchObject(pressure));
    expect(landed.length).toBeGreaterThanOrEqual(DIRTY_COMMITS_MAX);
    await rig.close();
    expect(landed).toEqual(Array.from({ length: DIRTY_COMMITS_MAX + 1 }, (_, i) => i + 3));
    // Half of the limit lets the first go; while they are on their way the others gather.
    expect(flushed[0]).toBe(DIRTY_COMMITS_MAX / 2 + 1);
    expect(flushed.length).toBeLessThanOrEqual(3);
    await reopened(build, rig.idbName, async (db) => {
      expect(await db.value('SELECT count(*) FROM t')).toBe(DIRTY_COMMITS_MAX + 2);
      expect(await db.value('PRAGMA integrity_check')).toBe('ok');
    });
  });
});

async function valuesOf(db: Database): Promise<unknown[]> {
  return (await db.rows(ALL)).flat();
}
