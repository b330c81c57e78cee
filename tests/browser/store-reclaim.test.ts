import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dump, type RawRecord } from '../support/raw.js';
import { insert } from '../support/rig.js';
import { Seeded } from '../support/seeded.js';
import { type Context, type Database, ONE_OF_EACH, Site } from '../support/sqlite.js';

/** docs/FORMAT.md §7: 64 kept below a checkpoint, and up to 64 since. */
const COMMIT_RECORDS_MAX = 128;
/** As many superseded segments bring a checkpoint on, or a quarter of the live ones. */
const CHECKPOINT_SUPERSEDED = 64;
const CHECKPOINT_COMMITS = 64;
const SEEDS = [1, 2];

describe.each(ONE_OF_EACH)('reclaim, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { spillBytes: 65536, cacheBytes: 65536 });
  });
  afterEach(() => site.remove());

  async function filled(path?: string): Promise<{ context: Context; db: Database }> {
    const context = await site.context();
    const db = await site.open(path);
    await db.run('PRAGMA cache_size=10; PRAGMA synchronous=NORMAL');
    await db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
    return { context, db };
  }

  /** Every segment in the store is one that is live or waits to be reclaimed, and few wait. */
  async function expectTidy(context: Context, writtenAtOnce: number): Promise<void> {
    const { liveSegments, supersededSegments } = await context.vfs.stats();
    const { commits, segments } = await countsOf(site.idbName);
    expect(commits).toBeLessThanOrEqual(COMMIT_RECORDS_MAX);
    expect(segments).toBe(liveSegments + supersededSegments);
    // Two checkpoints' worth: what the last one left, and what has come since.
    const perCheckpoint = Math.max(CHECKPOINT_SUPERSEDED, liveSegments / 4) + writtenAtOnce;
    expect(supersededSegments).toBeLessThanOrEqual(2 * perCheckpoint);
    const report = await context.vfs.verify('test.db');
    expect(report).toMatchObject({ defects: [], pendingSegments: 0, unlistedSegments: 0 });
  }

  // Goal: a file's records do not grow with its history. Method: 800 one-row commits, among them
  // updates, deletes and VACUUMs; look at the raw store every 200.
  test('800 commits leave a bounded number of records', async () => {
    const { db, context } = await filled();
    for (let i = 1; i <= 800; i++) {
      if (i % 5 === 4) await db.run(`UPDATE t SET v = randomblob(2000) WHERE id = ${i % 97}`);
      else if (i % 5 === 0) await db.run(`DELETE FROM t WHERE id = ${i - 40}`);
      else await db.run('INSERT INTO t(v) VALUES (randomblob(300))');
      if (i % 600 === 0) await db.run('VACUUM');
      if (i % 200 === 0) await expectTidy(context, 40);
    }
    expect(await db.value('PRAGMA integrity_check')).toBe('ok');
    expect(context.errors).toEqual([]);
  });

  // Goal: nothing is forgotten by a page that leaves at any point. Method: random steps from a seed,
  // some of them leaving; after each return verify finds no segment that nothing names.
  test.each(SEEDS)(
    'no segment is lost sight of by leaving at random points, seed %i',
    async (seed) => {
      const random = new Seeded(seed);
      let { db, context } = await filled();
      for (let i = 0; i < 20; i++) {
        await db.run(random.pick(STEPS));
        const small = random.between(0, 25);
        for (let k = 0; k < small; k++) await db.run(`INSERT INTO t(v) VALUES (${k})`);
        if (!random.chance(0.4)) continue;
        const rows = await db.value('SELECT count(*) FROM t');
        await site.leave();
        context = await site.context();
        db = await site.open();
        await db.run('PRAGMA cache_size=10; PRAGMA synchronous=NORMAL');
        expect(await db.value('SELECT count(*) FROM t'), `seed ${seed}, step ${i}`).toBe(rows);
        await expectClean(context, `seed ${seed}, step ${i}`);
      }
      await expectClean(context, `seed ${seed}, at the end`);
      expect(await db.value('PRAGMA integrity_check')).toBe('ok');
    },
  );

  async function expectClean(context: Context, when: string): Promise<void> {
    const report = await context.vfs.verify('test.db');
    expect(report, when).toMatchObject({ defects: [], pendingSegments: 0, unlistedSegments: 0 });
  }

  // Goal: a snapshot keeps what it needs, for as long as it needs it. Method: a connection inside a
  // read sqliteTx, caches as small as can be; another one rewrites everything 300 times.
  test('a pinned snapshot reads its version after 300 commits; then its segments go', async () => {
    const { db, context } = await filled();
    await db.run(`PRAGMA cache_size=-2000; ${insert(80)}`);
    const before = await db.rows('SELECT id, hex(v) FROM t');
    const reader = await context.open();
    await reader.run('PRAGMA cache_size=1; BEGIN');
    expect(await reader.value('SELECT count(*) FROM t')).toBe(80);
    for (let i = 0; i < 300; i++) {
      await db.run(`UPDATE t SET v = randomblob(3000) WHERE id % 20 = ${i % 20}`);
    }
    expect(await reader.rows('SELECT id, hex(v) FROM t')).toEqual(before);
    const { segments: kept, newest } = await countsOf(site.idbName);
    expect(kept).toBeGreaterThan(300);
    await reader.run('COMMIT');
    for (let i = 0; i < 2 * CHECKPOINT_COMMITS; i++) {
      await db.run(`UPDATE t SET v = ${i} WHERE id = 1`);
    }
    await expectTidy(context, 1);
    const left = (await dump(site.idbName)).filter(({ store }) => store === 'segments');
    const old = left.filter(({ key }) => ((key as number[])[1] ?? 0) <= newest);
    expect(old.length).toBeLessThanOrEqual((await context.vfs.stats()).liveSegments);
    expect(await reader.rows('SELECT id, hex(v) FROM t')).toEqual(
      await db.rows('SELECT id, hex(v) FROM t'),
    );
  });

  // Goal: deleting a file takes all of it and nothing else. Method: two files with checkpoints and
  // orphans behind them; the records before and after.
  test('deleteFile leaves no record of the file and every record of another', async () => {
    const { db, context } = await filled('one.db');
    const { db: other } = await filled('two.db');
    for (let i = 0; i < 150; i++) {
      for (const each of [db, other]) await each.run('INSERT INTO t(v) VALUES (randomblob(2000))');
    }
    for (const each of [db, other]) {
      await each.run('PRAGMA cache_size=10; BEGIN; UPDATE t SET v = randomblob(2500); ROLLBACK');
    }
    const rows = await other.rows('SELECT id, hex(v) FROM t');
    await db.close();
    await other.close();
    const records = await dump(site.idbName);
    expect(ofFile(records, 'one.db', 1).length).toBeGreaterThan(100);
    expect(await context.vfs.deleteFile('one.db')).toBe(true);
    const left = await dump(site.idbName);
    expect(left).toEqual(records.filter((record) => !isOf(record, 'one.db', 1)));
    expect(ofFile(left, 'two.db', 2)).toEqual(ofFile(records, 'two.db', 2));
    expect(await context.vfs.listFiles()).toEqual(['two.db']);
    const again = await context.open('two.db');
    expect(await again.rows('SELECT id, hex(v) FROM t')).toEqual(rows);
    expect(await context.vfs.deleteFile('one.db')).toBe(false);
  });
});

/** What a random page does between small commits. */
const STEPS = [
  'VACUUM',
  'BEGIN; UPDATE t SET v = randomblob(3000); ROLLBACK',
  `BEGIN; ${insert(40)}; ROLLBACK`,
  insert(40),
  insert(60),
  'UPDATE t SET v = randomblob(1000) WHERE id % 3 = 0',
  'DELETE FROM t WHERE id % 4 = 1',
  'DELETE FROM t',
] as const;

interface Counts {
  readonly commits: number;
  readonly segments: number;
  /** Version of the commit marker. */
  readonly newest: number;
}

async function countsOf(volume: string): Promise<Counts> {
  const records = await dump(volume);
  const of = (store: string) => records.filter((record) => record.store === store);
  const versions = of('commits').map(({ key }) => (key as number[])[1] ?? 0);
  const newest = Math.max(0, ...versions);
  return { commits: versions.length, segments: of('segments').length, newest };
}

function isOf({ store, key }: RawRecord, path: string, file: number): boolean {
  return store === 'files' ? key === path : (key as number[])[0] === file;
}

function ofFile(records: readonly RawRecord[], path: string, file: number): RawRecord[] {
  return records.filter((record) => isOf(record, path, file));
}
