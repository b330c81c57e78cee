import { describe, expect, test } from 'vitest';
import { BUILDS, Context, freshVolume } from '../support/sqlite.js';

describe.each(BUILDS)('%s', (build) => {
  test('a table survives closing and opening again', async () => {
    const idbName = freshVolume();
    const first = await Context.create(build, { idbName });
    first.vfs.addEventListener('error', (e) => console.log(e.detail.error));
    const db = await first.open();
    await db.run('CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4)');
    expect(await db.rows('SELECT * FROM t')).toEqual([
      [1, 2],
      [3, 4],
    ]);
    await first.close();
    const second = await Context.create(build, { idbName });
    const again = await second.open();
    expect(await again.rows('SELECT * FROM t')).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await again.value('PRAGMA integrity_check')).toBe('ok');
    await second.close();
  });
});
