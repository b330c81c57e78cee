import { expect, test } from 'vitest';
import { runnable } from '../support/browsers/capabilities.ts';
import { type BuildName, Context, deleteVolume, freshVolume } from '../support/sqlite.js';

const TARGETS: readonly BuildName[] = runnable([
  'asyncify',
  'jspi',
  'mirror',
  'legacy-asyncify',
  'legacy-mirror',
  'shared',
  'legacy-shared',
]);
/** Each engine of each line, once: what an engine does to a file does not depend on the build. */
const OTHERS: readonly BuildName[] = ['asyncify', 'mirror', 'legacy-shared'];
const PAIRS = TARGETS.flatMap((first) =>
  TARGETS.filter((second) => {
    const isAmongOthers = (build: BuildName) => build.endsWith('shared') || OTHERS.includes(build);
    const hasShared = first.endsWith('shared') || second.endsWith('shared');
    const isPair = !hasShared || (isAmongOthers(first) && isAmongOthers(second));
    return second !== first && isPair;
  }).map((second) => [first, second] as const),
);

async function use<T>(
  build: BuildName,
  idbName: string,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const context = await Context.create(build, { idbName, spillBytes: 65536 });
  try {
    return await work(context);
  } finally {
    await context.close();
  }
}

// Goal: one format for every engine. Method: one engine writes, vacuums to another page size and leaves;
// the other reads the same, writes on, past a checkpoint, and leaves; the first reads that, and verifies.
test.each(PAIRS)('a database written by %s goes on in %s, and back', async (first, second) => {
  const idbName = freshVolume('interchange');
  const written = await use(first, idbName, async (context) => {
    const db = await context.open();
    await db.run('PRAGMA cache_size=10; CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    await db.run(`INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s
      WHERE i < 300) SELECT i, printf('%0900d', i) FROM s`);
    await db.run('PRAGMA page_size=8192; VACUUM; DELETE FROM t WHERE a % 3 = 0');
    return await db.dump();
  });
  const continued = await use(second, idbName, async (context) => {
    const db = await context.open();
    expect(await db.dump()).toEqual(written);
    for (let i = 0; i < 70; i++) await db.run(`UPDATE t SET b = 'new ${i}' WHERE a = ${3 * i + 1}`);
    await db.expectIntact();
    return await db.dump();
  });
  await use(first, idbName, async (context) => {
    const db = await context.open();
    expect(await db.dump()).toEqual(continued);
    await db.expectIntact();
    const clean = { defects: [], pendingSegments: 0, unlistedSegments: 0 };
    expect(await context.vfs.verify('test.db')).toMatchObject(clean);
  });
  await deleteVolume(idbName);
});
