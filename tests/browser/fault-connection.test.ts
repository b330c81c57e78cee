import { describe, expect, test } from 'vitest';
import type { Fault, Point } from '../../src/testing/index.js';
import { isOpen, isRead, isWrite } from '../support/fault-points.js';
import { openRaw, promised } from '../support/raw.js';
import { contentOf, insert, integrity, Rig, reopened } from '../support/rig.js';
import { soon } from '../support/soon.ts';
import {
  type BuildName,
  Context,
  deleteVolume,
  freshVolume,
  ONE_OF_EACH,
  spills,
} from '../support/sqlite.js';

// Goal: a connection that is lost at any moment is opened anew. A statement goes on or fails once with a
// clear error, the next one works, and what it finds is what was acknowledged.
// Method: lose it between statements, at each request of an opening and a read, at each of a spilling
// sqliteTx, when an idbTx is asked for, and to another context that upgrades or deletes the volume.

const LOSSES: readonly (readonly [name: string, fault: Fault])[] = [
  ['closed', { tag: 'close' }],
  ['dead', { tag: 'request-error', name: 'UnknownError' }],
  ['aborting', { tag: 'abort', name: null }],
];
const isTransaction = ({ kind }: Point) => kind === 'transaction';
const DEAD: Fault = { tag: 'connection-dead' };
const ALWAYS = { times: Number.POSITIVE_INFINITY };
/** Any result code of the input/output family, busy, or that the file cannot be opened. */
const CLEAR_CODES = [5, 10, 14];

async function filled(build: BuildName, rows: number): Promise<string> {
  const rig = await Rig.create(build);
  await rig.fill(rows);
  await rig.close();
  return rig.idbName;
}

describe.each(ONE_OF_EACH)('%s: a connection closed between statements', (build) => {
  test('is opened anew by the next one, and an event tells', async () => {
    const rig = await Rig.create(build);
    await rig.fill(3);
    const lost: string[] = [];
    const healed: number[] = [];
    const { vfs } = rig.context;
    vfs.addEventListener('connectionlost', ({ detail }) => lost.push(detail.why));
    vfs.addEventListener('connectionhealed', ({ detail }) => healed.push(detail.reopens));
    await rig.arrived();
    // A lease is good until the storage worker knows.
    const close = async () => {
      const count = lost.length + 1;
      rig.faults.closeAll();
      await soon(() => expect(lost).toHaveLength(count));
    };
    for (let round = 0; round < 3; round++) {
      await close();
      await rig.db.run(insert(1));
      await close();
      expect(await rig.db.value('SELECT count(*) FROM t')).toBe(4 + round);
    }
    await soon(() => expect(healed).toHaveLength(6));
    expect(lost).toHaveLength(6);
    expect(healed).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await vfs.stats()).reopens).toBe(6);
    expect(await integrity(rig.db)).toBe('ok');
    await rig.close();
  });

  test.each([1, 2, 3])(
    'and dead %i times when asked for an idbTx works all the same',
    async (times) => {
      const rig = await Rig.create(build);
      await rig.fill(3);
      rig.faults.plan(DEAD, { at: isTransaction, times });
      await rig.db.run(insert(1));
      rig.faults.closeAll();
      rig.faults.plan(DEAD, { at: isTransaction, times });
      expect(await rig.db.value('SELECT count(*) FROM t')).toBe(4);
      await rig.close();
    },
  );

  test('and dead whenever asked fails with one clear error, until it is not', async () => {
    const rig = await Rig.create(build);
    await rig.fill(3);
    rig.faults.plan(DEAD, { at: isTransaction, ...ALWAYS });
    const failed = await rig.try(insert(1));
    expect(failed).toMatchObject({ tag: 'failed', code: 10, cause: { code: 'CONNECTION_LOST' } });
    rig.faults.reset();
    await rig.db.run(insert(1));
    expect(await rig.db.value('SELECT count(*) FROM t')).toBe(4);
    await rig.close();
  });

  test('and not to be opened for a while fails so long, then works', async () => {
    const rig = await Rig.create(build);
    await rig.fill(3);
    rig.faults.closeAll();
    rig.faults.plan({ tag: 'open-error', name: 'UnknownError' }, { at: isOpen, ...ALWAYS });
    // What was granted on the connection has been taken back.
    await rig.arrived();
    for (const sql of ['SELECT count(*) FROM t', insert(1)]) {
      const failed = await rig.try(sql);
      expect(failed).toMatchObject({ tag: 'failed', code: 10, cause: { code: 'CONNECTION_LOST' } });
    }
    rig.faults.reset();
    await rig.db.run(insert(1));
    expect(await rig.db.value('SELECT count(*) FROM t')).toBe(4);
    await rig.close();
  });
});

describe.each(ONE_OF_EACH)('%s', (build) => {
  test.each(LOSSES)(
    '%s at any request of an opening and a scan: the content, or one clear error and then it',
    async (_name, fault) => {
      const idbName = await filled(build, 100);
      const scan = 'SELECT count(*), sum(length(v)) FROM t';
      const expected = [[100, 300_000]];
      const whole = await Rig.create(build, { idbName });
      expect(await whole.db.rows(scan)).toEqual(expected);
      const requests = whole.faults.count(isRead);
      await whole.close();
      expect(requests).toBeGreaterThan(8);
      for (let skip = 0; skip < requests; skip++) {
        const rig = await Rig.create(build, {
          idbName,
          plan: (faults) => faults.plan(fault, { at: isRead, nth: skip + 1 }),
        }).catch((cause: unknown) => expect(cause).toBeInstanceOf(Error));
        if (!rig) continue;
        const outcome = await rig.try(scan);
        if (outcome.tag === 'failed') expect(CLEAR_CODES).toContain(outcome.code);
        expect(await rig.db.rows(scan), `request ${skip}`).toEqual(expected);
        expect(rig.faults.struck.length, `request ${skip}`).toBeLessThanOrEqual(1);
        await rig.db.run('UPDATE t SET v = zeroblob(3000) WHERE id = 1');
        await rig.close();
      }
      expect(await reopened(build, idbName, integrity)).toBe('ok');
    },
  );

  if (spills(build)) {
    test.each(LOSSES)(
      '%s at any write of a spilling sqliteTx: all or nothing of it, and no orphan after the next',
      async (_name, fault) => {
        const sql = `BEGIN; ${insert(60)}; COMMIT`;
        const options = { spillBytes: 65536 };
        const whole = await Rig.create(build, options);
        await whole.fill(3);
        await whole.db.run('PRAGMA cache_size=10');
        whole.faults.reset();
        await whole.db.run(sql);
        const writes = whole.faults.count(isWrite);
        const after = await contentOf(whole.db);
        await whole.close();
        expect(writes).toBeGreaterThan(8);
        for (let skip = 0; skip < writes; skip++) {
          const rig = await Rig.create(build, options);
          await rig.fill(3);
          const before = await contentOf(rig.db);
          await rig.db.run('PRAGMA cache_size=10');
          rig.faults.reset();
          rig.faults.plan(fault, { at: isWrite, nth: skip + 1 });
          const outcome = await rig.try(sql);
          if (outcome.tag === 'failed') await rig.try('ROLLBACK');
          const found = await contentOf(rig.db);
          expect(found, `write ${skip}`).toEqual(outcome.tag === 'done' ? after : before);
          await rig.db.run(insert(1));
          expect(await rig.context.vfs.verify('test.db'), `write ${skip}`).toMatchObject({
            defects: [],
            pendingSegments: 0,
            unlistedSegments: 0,
          });
          await rig.close();
        }
      },
    );
  }

  test('a volume that opens at the fourth attempt is opened', async () => {
    const rig = await Rig.create(build, {
      plan: (faults) =>
        faults.plan({ tag: 'open-error', name: 'UnknownError' }, { at: isOpen, times: 3 }),
    });
    expect(rig.faults.struck).toHaveLength(3);
    await rig.fill(1);
    await rig.close();
  });

  test('one that does not makes create fail, and only that one', async () => {
    const idbName = freshVolume('connection');
    const failing = Rig.create(build, {
      idbName,
      plan: (faults) =>
        faults.plan({ tag: 'open-error', name: 'UnknownError' }, { at: isOpen, times: 4 }),
    });
    await expect(failing).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    const rig = await Rig.create(build, { idbName });
    await rig.fill(1);
    await rig.close();
  });

  test('another context that upgrades the volume is let through, and nothing is written', async () => {
    const rig = await Rig.create(build);
    await rig.fill(3);
    (await promised(indexedDB.open(rig.idbName, 2))).close();
    for (const sql of ['SELECT count(*) FROM t', insert(1)]) {
      const failed = await rig.try(sql);
      expect(failed).toMatchObject({ tag: 'failed', cause: { code: 'FORMAT_VERSION' } });
    }
    await rig.close();
    const db = await openRaw(rig.idbName);
    expect(db.version).toBe(2);
    const commits = db.transaction('commits').objectStore('commits');
    expect(await promised(commits.getAllKeys())).toEqual([
      [1, 1],
      [1, 2],
    ]);
    db.close();
  });

  test('another context that deletes the volume is let through; one error, then it is empty', async () => {
    const rig = await Rig.create(build);
    await rig.fill(3);
    await deleteVolume(rig.idbName);
    expect(await rig.try('SELECT count(*) FROM t')).toMatchObject({ tag: 'failed', code: 5 });
    expect(await rig.db.rows('SELECT name FROM sqlite_schema')).toEqual([]);
    await rig.fill(2);
    expect(await rig.db.value('SELECT count(*) FROM t')).toBe(2);
    await rig.close();
    const late = await Context.create(build, { idbName: rig.idbName });
    expect(await (await late.open()).value('SELECT count(*) FROM t')).toBe(2);
    await late.close();
  });
});
