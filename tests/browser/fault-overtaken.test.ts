import { describe, expect, test } from 'vitest';
import { isCommit } from '../support/fault-points.js';
import { keysOf, picture } from '../support/raw.js';
import { insert, integrity, Rig, reopened } from '../support/rig.js';
import { type BuildName, Context, freshVolume, ONE_OF_EACH, spills } from '../support/sqlite.js';

// Goal: a writer that was overtaken finds its way back by itself, and overwrites nothing.
// Method: another page without Web Locks commits, or deletes the file, behind the writer's back: as after
// the writer's lock was stolen and nobody told it.

const BUSY = { tag: 'failed', code: 5 };
const TABLE = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v)';

describe.each(ONE_OF_EACH)('%s', (build) => {
  // A mirror sends nothing ahead of its commit.
  const ways = spills(build) ? 2 : 1;

  const overtaken = [
    ['commit', insert(1)],
    ['spill', insert(600)],
  ] as const;
  test.each(overtaken.slice(0, ways))(
    'the holder of the lock that was overtaken fails once at its %s, then follows',
    async (_at, sql) => {
      const idbName = freshVolume('overtaken');
      const holder = await Rig.create(build, { idbName, spillBytes: 1 << 20 });
      await holder.fill(2);
      await holder.db.run('PRAGMA cache_size=10');
      const thief = await Rig.create(build, { idbName, locks: null });
      await thief.db.run(insert(1));
      expect(await holder.try(sql)).toMatchObject(BUSY);
      await holder.db.run(insert(1));
      expect(await holder.db.value('SELECT count(*) FROM t')).toBe(4);
      await holder.close();
      await thief.close();
      expect(await reopened(build, idbName, integrity)).toBe('ok');
    },
  );

  const first = [
    ['commit', 'COMMIT'],
    ['spill', insert(600)],
  ] as const;
  test.each(first.slice(0, ways))(
    'its first %s overwrites nothing of a file that was made anew',
    async (_what, sql) => {
      const idbName = freshVolume('overtaken');
      const slow = await Rig.create(build, { idbName, locks: null, spillBytes: 1 << 20 });
      const quick = await Context.create(build, { idbName, locks: null });
      // Creates the file and loses its first commit to a fault: the record stays, with nothing in it.
      slow.faults.plan({ tag: 'quota-at-commit' }, { at: isCommit });
      expect(await slow.try(TABLE)).toMatchObject({ tag: 'failed', code: 13 });
      expect(await keysOf(idbName, 'files')).toContain('"test.db"');
      await slow.db.run(`PRAGMA cache_size=10; BEGIN IMMEDIATE; ${TABLE}`);
      expect(await quick.vfs.deleteFile('test.db')).toBe(true);
      const anew = await quick.open();
      await anew.run(`${TABLE}; INSERT INTO t VALUES (1, 'anew')`);
      const left = await picture(idbName);
      const told = await slow.try(sql);
      // What is sent ahead without being waited for fails with the next call.
      expect(told.tag === 'done' ? await slow.try('COMMIT') : told).toMatchObject(BUSY);
      expect(await picture(idbName)).toEqual(left);
      await slow.try('ROLLBACK');
      await slow.close();
      expect(await anew.rows('SELECT * FROM t')).toEqual([[1, 'anew']]);
      await quick.close();
      const report = await verified(build, idbName);
      expect(report).toMatchObject({ defects: [], pendingSegments: 0, unlistedSegments: 0 });
    },
  );
});

async function verified(build: BuildName, idbName: string): Promise<object> {
  const context = await Context.create(build, { idbName });
  try {
    return await context.vfs.verify('test.db');
  } finally {
    await context.close();
  }
}
