import { expect, test } from 'vitest';
import { Context, freshVolume } from '../support/sqlite.js';

// Goal: verify reads everything and finds nothing wrong with a healthy database, whatever it went
// through. Method: inserts, updates, deletes, VACUUM and a spilled rollback, then verify.
test('verify is clean after churn, and again after reopening', async () => {
  const idbName = freshVolume('verify');
  const context = await Context.create('asyncify', { idbName, spillBytes: 65536 });
  const db = await context.open();
  await db.run('PRAGMA cache_size=10; CREATE TABLE t(id INTEGER PRIMARY KEY, x)');
  for (let i = 0; i < 200; i++) await db.run('INSERT INTO t(x) VALUES (randomblob(500))');
  await db.run('BEGIN; UPDATE t SET x = randomblob(3000); ROLLBACK');
  await db.run('UPDATE t SET x = randomblob(2000)');
  await db.run('DELETE FROM t WHERE id % 2; VACUUM; INSERT INTO t(x) VALUES (1)');
  const report = await context.vfs.verify('test.db');
  expect(report).toMatchObject({ defects: [], pendingSegments: 0, unlistedSegments: 0 });
  expect(report.blocksChecked).toBeGreaterThan(50);
  await context.close();

  const again = await Context.create('jspi', { idbName });
  const reopened = await again.vfs.verify('test.db', { repair: true });
  expect(reopened).toEqual({ ...report, deletedSegments: 0 });
  await again.close();
});

test('verify of a database that does not exist says so', async () => {
  const context = await Context.create('asyncify', { idbName: freshVolume('verify') });
  await expect(context.vfs.verify('nothing.db')).rejects.toMatchObject({ code: 'OPTION' });
  await context.close();
});
