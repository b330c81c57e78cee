import { describe, expect, test } from 'vitest';
import type { Fault, FaultInjector, Point } from '../../src/testing/index.js';
import { isCommit, isOpen } from '../support/fault-points.js';
import { insert, integrity, Rig, reopened } from '../support/rig.js';
import { rawFile } from '../support/sql-spies.js';
import { type BuildName, ONE_OF_EACH, type Row } from '../support/sqlite.js';

// Goal: a commit whose outcome nobody heard is looked up. If it landed it is a success, once; if not,
// it is sent once more; if the look-up fails too, that is one error, and looking later tells.
// Method: close the connection under a commit, at each of its requests and at its end, before or after
// it landed; count versions in the raw store and rows in the database. Nothing may hang.

const CLOSE: Fault = { tag: 'close' };
const LANDED: Fault = { tag: 'close-after-landing' };
const IOERR = 10;

interface Scene {
  readonly name: string;
  /** With no locks, every commit looks at its base inside the idbTx. */
  readonly fenced?: boolean;
  prepare(rig: Rig): Promise<void>;
  /** Statements of the sqliteTx that go before the faults are planned. */
  readonly begun?: string;
  readonly sql: string;
  /** Files the commit writes to. */
  readonly files: number;
}

const ONE_ROW = "INSERT INTO t(v) VALUES ('once')";
const table = (rig: Rig) => rig.fill(3);

const SCENES: readonly Scene[] = [
  { name: 'a batch', prepare: table, sql: ONE_ROW, files: 1 },
  { name: 'a batch without locks', fenced: true, prepare: table, sql: ONE_ROW, files: 1 },
  {
    name: 'a spilled sqliteTx',
    prepare: async (rig) => {
      await rig.fill(3);
      await rig.db.run('PRAGMA cache_size=10');
    },
    begun: `BEGIN; ${insert(80)}; ${ONE_ROW}`,
    sql: 'COMMIT',
    files: 1,
  },
  {
    name: 'two attached files with a super-journal',
    prepare: async (rig) => {
      await rig.fill(3);
      await rig.db.run("ATTACH 'two.db' AS two; CREATE TABLE two.u(v)");
    },
    sql: `BEGIN; INSERT INTO u VALUES ('once'); ${ONE_ROW}; COMMIT`,
    files: 2,
  },
];

/** Requests of the idbTx that commits. */
const isCommitRequest = (point: Point): boolean =>
  point.kind === 'request' && point.mode === 'readwrite' && point.stores.includes('commits');

async function stage(build: BuildName, scene: Scene): Promise<{ rig: Rig; version: number }> {
  const locks = scene.fenced ? { locks: null } : {};
  const rig = await Rig.create(build, { spillBytes: 65536, ...locks });
  await scene.prepare(rig);
  const version = await versionOf(rig);
  if (scene.begun) await rig.db.run(scene.begun);
  await rig.arrived();
  rig.faults.reset();
  return { rig, version };
}

async function versionOf(rig: Rig, file = 1): Promise<number> {
  return Math.max(0, ...(await rawFile(rig.idbName, file)).commits);
}

async function onceIn(rig: Rig): Promise<Row[]> {
  return await rig.db.rows("SELECT count(*) FROM t WHERE v = 'once'");
}

/** The sqliteTx is in the database once, in one version, also for a page that comes later. */
async function expectOnce(
  build: BuildName,
  rig: Rig,
  { version, scene }: { version: number; scene: Scene },
): Promise<void> {
  expect(await versionOf(rig)).toBe(version + 1);
  rig.faults.reset();
  expect(await onceIn(rig)).toEqual([[1]]);
  if (scene.files === 2) expect(await rig.db.value('SELECT count(*) FROM u')).toBe(1);
  expect(await integrity(rig.db)).toBe('ok');
  await rig.db.run("INSERT INTO t(v) VALUES ('next')");
  await rig.close();
  await reopened(build, rig.idbName, async (db) => {
    expect(await db.value("SELECT count(*) FROM t WHERE v = 'once'")).toBe(1);
    expect(await db.value("SELECT count(*) FROM t WHERE v = 'next'")).toBe(1);
    expect(await integrity(db)).toBe('ok');
  });
}

describe.each(ONE_OF_EACH)('unknown outcome, %s', (build) => {
  describe.each(SCENES)('$name', (scene) => {
    test('a commit that landed unheard is a success, and is not sent again', async () => {
      const { rig, version } = await stage(build, scene);
      rig.faults.plan(LANDED, { at: isCommit });
      expect(await rig.try(scene.sql)).toEqual({ tag: 'done' });
      expect(rig.faults.struck).toMatchObject([{ fault: LANDED }]);
      expect(rig.faults.count(isCommit)).toBe(1);
      expect(rig.errors).toEqual([]);
      await expectOnce(build, rig, { version, scene });
    });

    test('a commit lost with its connection is sent once more', async () => {
      const { rig, version } = await stage(build, scene);
      rig.faults.plan(CLOSE, { at: isCommit });
      expect(await rig.try(scene.sql)).toEqual({ tag: 'done' });
      expect(rig.faults.count(isCommit)).toBe(2);
      expect(rig.errors).toEqual([]);
      await expectOnce(build, rig, { version, scene });
    });

    test('a close at any request of a commit is a success, once', async () => {
      const rehearsal = await stage(build, scene);
      await rehearsal.rig.db.run(scene.sql);
      const requests = rehearsal.rig.faults.count(isCommitRequest);
      await rehearsal.rig.close();
      expect(requests).toBeGreaterThanOrEqual(2);
      for (let skip = 0; skip < requests; skip++) {
        const { rig, version } = await stage(build, scene);
        rig.faults.plan(CLOSE, { at: isCommitRequest, nth: skip + 1 });
        expect(await rig.try(scene.sql), `request ${skip}`).toEqual({ tag: 'done' });
        expect(rig.faults.struck).toHaveLength(1);
        await expectOnce(build, rig, { version, scene });
      }
    });

    // The look-up opens a connection, and there is none to be had for a while.
    test.each([
      ['landed', LANDED, 1],
      ['lost', CLOSE, 2],
    ] as const)(
      'a commit that %s is looked up as soon as a connection can be had: a success, once',
      async (_what, fault, sent) => {
        const { rig, version } = await stage(build, scene);
        rig.faults.plan(fault, { at: isCommit });
        rig.faults.plan({ tag: 'open-error', name: 'UnknownError' }, { at: isOpen, times: 3 });
        expect(await rig.try(scene.sql)).toEqual({ tag: 'done' });
        expect(rig.faults.struck).toHaveLength(4);
        expect(rig.faults.count(isCommit)).toBe(sent);
        expect(rig.errors).toEqual([]);
        await expectOnce(build, rig, { version, scene });
      },
    );

    test.each([
      ['landed', LANDED],
      ['lost', CLOSE],
    ] as const)(
      'a commit that %s and cannot be looked up is one error of its own; looking later tells',
      async (what, fault) => {
        const { rig, version } = await stage(build, scene);
        rig.faults.plan(fault, { at: isCommit });
        rig.faults.plan({ tag: 'open-error', name: 'UnknownError' }, { at: isOpen, times: 1000 });
        const outcome = await rig.try(scene.sql);
        expect(outcome).toMatchObject({ tag: 'failed', code: IOERR });
        expect(outcome).toMatchObject({ cause: { code: 'COMMIT_UNKNOWN' } });
        expect(new Set(rig.errors.map(({ code }) => code))).toContain('COMMIT_UNKNOWN');
        expect(rig.faults.count(isCommit), 'not sent on a guess').toBe(1);
        rig.faults.reset();
        await rig.try('ROLLBACK');
        const landed = what === 'landed' ? 1 : 0;
        expect(await versionOf(rig)).toBe(version + landed);
        expect(await onceIn(rig)).toEqual([[landed]]);
        if (landed === 0) await rig.db.run(`${scene.begun ?? ''}; ${scene.sql}`);
        await expectOnce(build, rig, { version, scene });
      },
    );
  });

  // Goal: an outcome is not unknown for ever. Method: the connection is closed at each sending; the
  // second loss is told as an error, and the database is as before.
  test('a commit lost twice fails, and the next one works', async () => {
    const scene = SCENES[0] as Scene;
    const { rig, version } = await stage(build, scene);
    const planTwice = (faults: FaultInjector) => faults.plan(CLOSE, { at: isCommit, times: 1000 });
    planTwice(rig.faults);
    expect(await rig.try(ONE_ROW)).toMatchObject({ tag: 'failed', code: IOERR });
    rig.faults.reset();
    expect(await onceIn(rig)).toEqual([[0]]);
    await rig.db.run(ONE_ROW);
    await expectOnce(build, rig, { version, scene });
  });
});
