import { describe, expect, test } from 'vitest';
import type { Fault, FaultInjector } from '../../src/testing/index.js';
import { atCommit, isCommit, isWrite } from '../support/fault-points.js';
import { create, dump, type RawRecord } from '../support/raw.js';
import { contentOf, insert, integrity, type Outcome, Rig, reopened } from '../support/rig.js';
import { type BuildName, freshVolume, ONE_OF_EACH, type Row } from '../support/sqlite.js';

// Goal: a commit that fails is reported once with the code of its cause, or not at all because it went
// through after all; the database is as before or as after, and the next statement works.
// Method: one statement, counted for its points on a volume without faults; then once for each
// point, on a fresh volume, with the fault there. Nothing may hang.

interface Scene {
  readonly name: string;
  prepare(rig: Rig): Promise<void>;
  readonly sql: string;
  /** Requests it takes at least, so that the loop over them can be seen to be one. */
  readonly writesMin: number;
}

const SCENES: readonly Scene[] = [
  {
    name: 'the first commit of a file',
    prepare: async () => {},
    sql: 'CREATE TABLE t(id INTEGER PRIMARY KEY, v)',
    writesMin: 7,
  },
  {
    name: 'a commit of three segments',
    prepare: (rig) => rig.fill(1),
    sql: insert(40),
    writesMin: 4,
  },
  {
    name: 'a checkpoint',
    prepare: async (rig) => {
      await rig.fill(60);
      await rig.db.run('PRAGMA synchronous=NORMAL');
      // Versions 3 to 63: the next one is a checkpoint.
      for (let i = 1; i <= 61; i++) {
        await rig.db.run(`UPDATE t SET v = ${i} WHERE id = ${1 + (i % 60)}`);
      }
      await rig.db.run('PRAGMA synchronous=FULL');
    },
    sql: 'UPDATE t SET v = zeroblob(2000) WHERE id = 7',
    writesMin: 4,
  },
];

type NamedFault = readonly [name: string, fault: Fault];
const FAULTS: readonly NamedFault[] = [
  ['quota', { tag: 'request-error', name: 'QuotaExceededError' }],
  ['a failed request', { tag: 'request-error', name: 'DataError' }],
  ['a failed process', { tag: 'request-error', name: 'UnknownError' }],
  ['an abort', { tag: 'abort', name: null }],
  ['an abort with an error', { tag: 'abort', name: 'AbortError' }],
  ['a forced close', { tag: 'close' }],
];

/** Only told apart by the store below the engines. */
const NAMES_ALONE = ['a failed request', 'an abort with an error'];
const faultsFor = (build: BuildName): readonly NamedFault[] =>
  build === 'asyncify' ? FAULTS : FAULTS.filter(([name]) => !NAMES_ALONE.includes(name));

async function tableOf(rig: Rig): Promise<Row[]> {
  const tables = await rig.db.rows('SELECT name FROM sqlite_schema');
  return tables.length === 0 ? [] : await contentOf(rig.db);
}

interface Rehearsal {
  /** Requests of the statement's own writing, without faults. */
  readonly writes: number;
  readonly before: readonly RawRecord[];
  readonly after: Row[];
}

async function rehearse(build: BuildName, scene: Scene): Promise<Rehearsal> {
  const rig = await Rig.create(build);
  await scene.prepare(rig);
  const records = await dump(rig.idbName);
  rig.faults.reset();
  await rig.db.run(scene.sql);
  const writes = rig.faults.count(isWrite);
  const after = await tableOf(rig);
  await rig.close();
  return { writes, before: records, after };
}

interface Played {
  readonly outcome: Outcome;
  readonly before: Row[];
  readonly rig: Rig;
}

async function play(
  build: BuildName,
  scene: Scene,
  { records, arm }: { records: readonly RawRecord[]; arm: (faults: FaultInjector) => void },
): Promise<Played> {
  const idbName = freshVolume('fault');
  await create(idbName, records);
  const rig = await Rig.create(build, { idbName });
  const before = await tableOf(rig);
  rig.faults.reset();
  arm(rig.faults);
  const outcome = await rig.try(scene.sql);
  expect(rig.faults.struck, 'the fault happened').not.toHaveLength(0);
  return { outcome, before, rig };
}

/** Whatever happened: before or after, and after if it was acknowledged; the next one works. */
async function expectHealed(build: BuildName, played: Played, after: Row[]): Promise<void> {
  const { rig, outcome, before } = played;
  rig.faults.reset();
  const found = await tableOf(rig);
  if (outcome.tag === 'done') expect(found).toEqual(after);
  else expect([before, after]).toContainEqual(found);
  expect(await integrity(rig.db)).toBe('ok');
  await rig.db.run('CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v)');
  await rig.db.run("INSERT INTO t(id, v) VALUES (1000, 'next')");
  await rig.db.run('DELETE FROM t WHERE id < 1000');
  expect(await rig.db.rows('SELECT id, v FROM t')).toEqual([[1000, 'next']]);
  await rig.close();
  await reopened(build, rig.idbName, async (db) => {
    expect(await db.rows('SELECT id, v FROM t')).toEqual([[1000, 'next']]);
    expect(await integrity(db)).toBe('ok');
  });
}

describe.each(ONE_OF_EACH)('%s', (build) => {
  describe.each(SCENES)('$name', (scene) => {
    test.each(faultsFor(build))(
      '%s at any request: the statement goes on or fails once, the next works',
      async (name, fault) => {
        const { writes, before: records, after } = await rehearse(build, scene);
        expect(writes).toBeGreaterThanOrEqual(scene.writesMin);
        for (let skip = 0; skip < writes; skip++) {
          const arm = (faults: FaultInjector) => faults.plan(fault, { at: isWrite, nth: skip + 1 });
          const played = await play(build, scene, { records, arm });
          const { outcome, before, rig } = played;
          if (name === 'quota') {
            expect(outcome).toMatchObject({ tag: 'failed', code: 13 });
            expect(outcome).toMatchObject({ cause: { code: 'QUOTA' } });
            expect(await tableOf(rig), `quota at request ${skip}`).toEqual(before);
          }
          await expectHealed(build, played, after);
        }
      },
    );

    test.each([...FAULTS, ['a close after landing', { tag: 'close-after-landing' }] as const])(
      '%s at commit: the statement goes on or fails once, the next works',
      async (name, fault) => {
        const { before: records, after } = await rehearse(build, scene);
        const arm = (faults: FaultInjector) => faults.plan(atCommit(fault), { at: isCommit });
        const played = await play(build, scene, { records, arm });
        const { outcome, before, rig } = played;
        if (name === 'quota') {
          expect(outcome).toMatchObject({ tag: 'failed', code: 13 });
          expect(await tableOf(rig)).toEqual(before);
        }
        if (fault.tag === 'close' || fault.tag === 'close-after-landing') {
          expect(outcome.tag).toBe('done');
        }
        await expectHealed(build, played, after);
      },
    );
  });

  test('quota that stays: SQLITE_FULL each time, and deleting works once there is room', async () => {
    const rig = await Rig.create(build);
    await rig.fill(40);
    const before = await contentOf(rig.db);
    const full: Fault = { tag: 'quota-at-commit' };
    rig.faults.plan(full, { at: isCommit, times: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 3; i++) {
      expect(await rig.try(insert(20))).toMatchObject({ tag: 'failed', code: 13 });
      expect(await contentOf(rig.db)).toEqual(before);
    }
    expect(await integrity(rig.db)).toBe('ok');
    rig.faults.reset();
    await rig.db.run('DELETE FROM t WHERE id > 5; VACUUM');
    expect(await rig.db.value('SELECT count(*) FROM t')).toBe(5);
    await rig.close();
    expect(await reopened(build, rig.idbName, integrity)).toBe('ok');
  });
});
