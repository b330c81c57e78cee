/** Every number of `stats()` moves when what it counts happens, on every engine. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Latency, VFSStats } from '../../src/index.js';
import type { Fault } from '../../src/testing/index.js';
import { isCommit } from '../support/fault-points.js';
import { damageMarker, damageSegments, OTHER, readOther, withOther } from '../support/observed.js';
import { insert, Rig, type RigOptions } from '../support/rig.js';
import { soon } from '../support/soon.ts';
import { type BuildName, Context, ONE_OF_EACH } from '../support/sqlite.js';

const PAGE_BYTES = 4096;
const FAILED: Fault = { tag: 'abort-at-commit', name: 'DataError' };
const ALWAYS = { at: isCommit, times: Number.POSITIVE_INFINITY };
const DEFERRED = { durability: 'deferred', autoSync: false, maxDelayMs: 600_000 } as const;
/** The least that may be asked for: little more than a segment. */
const SMALL = { cacheBytes: 65_536, spillBytes: 65_536 };
const ROWS = 300;

interface Case {
  readonly metrics: readonly (keyof VFSStats)[];
  readonly options?: RigOptions;
  run(rig: Rig, build: BuildName): Promise<void>;
}

function statsOf({ context }: Rig): Promise<VFSStats> {
  return Promise.resolve(context.vfs.stats());
}

/** Commits of one row each, in a table of so many. */
async function update({ db }: Rig, times: number, rows: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await db.run('UPDATE t SET v = randomblob(3000) WHERE id = ?', [(i % rows) + 1]);
  }
}

const CASES: Readonly<Record<string, Case>> = {
  'commits, their bytes, and how long they took': {
    metrics: [
      'commits',
      'committedBytes',
      'commitLatencyMs',
      'commitsPerSecond',
      'committedBytesPerSecond',
      'requests',
      'transactions',
      'bytesWritten',
    ],
    run: async (rig) => {
      const none = await statsOf(rig);
      expect(none).toMatchObject({ commits: 0, committedBytes: 0, commitsPerSecond: 0 });
      expect(none.commitLatencyMs).toBeUndefined();
      await rig.fill(1);
      const before = await statsOf(rig);
      await update(rig, 5, 1);
      const after = await statsOf(rig);
      const more = (name: 'committedBytes' | 'requests' | 'transactions' | 'bytesWritten') =>
        after[name] - before[name];
      expect(after.commits - before.commits).toBe(5);
      // Each writes its row's page and the first.
      expect(more('committedBytes')).toBe(5 * 2 * PAGE_BYTES);
      expect(more('bytesWritten')).toBeGreaterThan(more('committedBytes'));
      expect(more('bytesWritten')).toBeLessThan(2 * more('committedBytes'));
      // A segment and a commit record.
      expect(more('requests')).toBeGreaterThanOrEqual(10);
      expect(more('transactions')).toBeGreaterThanOrEqual(5);
      const { p50, p95, p99, max } = after.commitLatencyMs as Latency;
      expect([p50, p95, p99, max]).toEqual([p50, p95, p99, max].sort((a, b) => a - b));
      expect(p50).toBeGreaterThan(0);
      // Of the last ten seconds.
      expect(after.commitsPerSecond).toBeGreaterThan(0);
      expect(after.committedBytesPerSecond).toBeGreaterThan(0);
    },
  },
  'what a sqliteTx under way holds': {
    metrics: ['dirtyBlocks', 'dirtyBytes', 'stagedBytes', 'journalBytes', 'openSnapshots'],
    options: SMALL,
    run: async (rig, build) => {
      await rig.fill(100);
      await rig.db.run('PRAGMA cache_size=5; BEGIN; UPDATE t SET v = randomblob(3001)');
      const inside = await statsOf(rig);
      expect(inside.openSnapshots).toBe(1);
      expect(inside.stagedBytes).toBeGreaterThan(0);
      // What SQLite has not spilled yet is in its page cache.
      expect(inside.dirtyBlocks).toBeGreaterThan(80);
      expect(inside.dirtyBytes).toBe(inside.dirtyBlocks * PAGE_BYTES);
      // A mirror has the pages themselves in memory, and so needs no images.
      if (build !== 'mirror') expect(inside.journalBytes).toBeGreaterThan(0);
      await rig.db.run('COMMIT');
      const nothing = { dirtyBlocks: 0, dirtyBytes: 0, stagedBytes: 0, openSnapshots: 0 };
      expect(await statsOf(rig)).toMatchObject({ ...nothing, journalBytes: 0 });
    },
  },
  'acknowledged commits that are not complete': {
    metrics: ['deferredCommits', 'deferredBytes', 'dirtyBlocks', 'dirtyBytes'],
    options: DEFERRED,
    run: async (rig) => {
      await rig.fill(2);
      await rig.context.vfs.durable();
      await update(rig, 3, 2);
      const waiting = await statsOf(rig);
      expect(waiting).toMatchObject({ deferredCommits: 3, dirtyBlocks: 6 });
      expect(waiting.dirtyBytes).toBe(6 * PAGE_BYTES);
      expect(waiting.deferredBytes).toBeGreaterThanOrEqual(waiting.dirtyBytes);
      await rig.context.vfs.durable();
      const nothing = { deferredCommits: 0, deferredBytes: 0, dirtyBlocks: 0, dirtyBytes: 0 };
      expect(await statsOf(rig)).toMatchObject(nothing);
    },
  },
  'commits that fail': {
    metrics: ['failedSyncs', 'errors', 'errorsPerMinute', 'reloads'],
    run: async (rig) => {
      await rig.fill(1);
      const before = await statsOf(rig);
      expect(before).toMatchObject({ failedSyncs: 0, errorsPerMinute: 0 });
      expect(before.errors).toEqual({});
      rig.faults.plan(FAILED, ALWAYS);
      expect(await rig.try(insert(1))).toMatchObject({ tag: 'failed' });
      rig.faults.reset();
      await rig.db.run(insert(1));
      const after = await statsOf(rig);
      expect(after.failedSyncs).toBeGreaterThanOrEqual(1);
      expect(Object.keys(after.errors)).toEqual(['STORAGE']);
      expect(after.errors['STORAGE']).toBeGreaterThanOrEqual(1);
      expect(after.errorsPerMinute).toBe(after.errors['STORAGE']);
      expect(after.reloads).toBeGreaterThan(before.reloads);
    },
  },
  'deferred commits that are lost': {
    metrics: ['losses', 'failedSyncs'],
    options: DEFERRED,
    run: async (rig) => {
      await rig.fill(1);
      await rig.context.vfs.durable();
      rig.faults.plan(FAILED, ALWAYS);
      await rig.db.run(insert(1));
      await expect(rig.context.vfs.durable()).rejects.toThrow();
      expect(await statsOf(rig)).toMatchObject({ losses: 1, failedSyncs: 1, dirtyBlocks: 0 });
    },
  },
  'connections that are lost': {
    metrics: ['reopens'],
    run: async (rig) => {
      await rig.fill(1);
      rig.faults.closeAll();
      await rig.db.run(insert(1));
      expect(await statsOf(rig)).toMatchObject({ reopens: 1 });
    },
  },
  'reads, from memory and ahead': {
    metrics: [
      'cacheHits',
      'cacheMisses',
      'segmentsRead',
      'bytesRead',
      'cacheBytes',
      'readAheadSegments',
      'readAheadUsedSegments',
    ],
    options: { cacheBytes: 8 * 1024 * 1024 },
    run: async (rig, build) => {
      await withOther(rig, ROWS);
      const db = await rig.context.open(OTHER);
      await db.run('PRAGMA cache_size=5');
      const before = await statsOf(rig);
      await db.value('SELECT sum(length(v)) FROM t');
      const scanned = await statsOf(rig);
      await db.value('SELECT sum(length(v)) FROM t');
      const again = await statsOf(rig);
      expect(again.cacheHits).toBeGreaterThan(scanned.cacheHits + ROWS / 2);
      expect(again.segmentsRead).toBe(scanned.segmentsRead);
      expect(again.cacheBytes).toBeGreaterThan(ROWS * PAGE_BYTES);
      expect(again.segmentsRead).toBeGreaterThanOrEqual((ROWS * PAGE_BYTES) / 61_440);
      expect(again.bytesRead).toBeGreaterThan(ROWS * PAGE_BYTES);
      const { readAheadSegments, readAheadUsedSegments } = again;
      if (build === 'mirror') {
        // All of it was brought in when it was opened.
        expect(again).toMatchObject({ cacheMisses: 0, readAheadSegments: 0 });
        return;
      }
      expect(scanned.cacheMisses).toBeGreaterThan(before.cacheMisses);
      expect(readAheadSegments).toBeGreaterThan(ROWS / 15 / 2);
      // A scan wants all that lies ahead of it.
      expect(readAheadUsedSegments).toBe(readAheadSegments);
    },
  },
  'blocks that are damaged': {
    metrics: ['checksumFailures', 'errors'],
    run: async (rig) => {
      await withOther(rig, 3);
      await damageSegments(rig.idbName);
      await expect(readOther(rig)).rejects.toThrow();
      const { checksumFailures, errors } = await statsOf(rig);
      expect(checksumFailures).toBeGreaterThanOrEqual(1);
      expect(errors['CORRUPTION']).toBeGreaterThanOrEqual(1);
    },
  },
  'readers elsewhere, and what they hold back': {
    metrics: ['otherReaders', 'snapshotLag', 'heldBackSegments'],
    run: async (rig) => {
      await rig.db.run('PRAGMA synchronous=NORMAL');
      await rig.fill(3);
      const other = await Context.create('asyncify', { idbName: rig.idbName });
      const reader = await other.open();
      await reader.run('BEGIN; SELECT count(*) FROM t');
      await update(rig, 200, 3);
      const beside = await statsOf(rig);
      expect(beside).toMatchObject({ otherReaders: 1, snapshotLag: 200 });
      expect(beside.heldBackSegments).toBeGreaterThan(64);
      await reader.run('COMMIT');
      await other.close();
    },
  },
  'space, live and dead': {
    metrics: [
      'liveSegments',
      'liveBytes',
      'segmentBytes',
      'supersededSegments',
      'supersededBytes',
      'spaceAmplification',
      'reclaimedSegments',
      'reclaimedBytes',
      'compactedBlocks',
    ],
    run: async (rig) => {
      const none = await statsOf(rig);
      expect(none.spaceAmplification).toBeUndefined();
      await rig.db.run('PRAGMA synchronous=NORMAL');
      await rig.fill(ROWS);
      await update(rig, ROWS, ROWS);
      const stats = await statsOf(rig);
      const { liveBytes, segmentBytes, supersededBytes } = stats;
      expect(liveBytes).toBe(((await rig.db.value('PRAGMA page_count')) as number) * PAGE_BYTES);
      expect(segmentBytes).toBeGreaterThanOrEqual(liveBytes);
      expect(stats.liveSegments).toBeGreaterThan(ROWS / 15);
      expect(supersededBytes).toBeGreaterThanOrEqual(stats.supersededSegments * PAGE_BYTES);
      expect(stats.supersededSegments).toBeGreaterThan(0);
      expect(stats.spaceAmplification).toBe((segmentBytes + supersededBytes) / liveBytes);
      expect(stats.reclaimedSegments).toBeGreaterThan(0);
      expect(stats.reclaimedBytes).toBeGreaterThanOrEqual(stats.reclaimedSegments * PAGE_BYTES);
      // Nothing else was written: what is neither live nor waits was reclaimed.
      const written = segmentBytes + supersededBytes + stats.reclaimedBytes;
      expect(written).toBe(stats.committedBytes);
      expect(stats.compactedBlocks).toBeGreaterThan(0);
    },
  },
  'waits for the writer lock': {
    metrics: ['lockWaits', 'lockWaitMs'],
    options: { busyTimeoutMs: 60_000 },
    run: async (rig) => {
      await rig.fill(1);
      const other = await Context.create('asyncify', { idbName: rig.idbName });
      const writer = await other.open();
      await writer.run('BEGIN IMMEDIATE');
      const before = await statsOf(rig);
      const waiting = rig.db.run(insert(1));
      await soon(async () => {
        const { pending = [] } = await navigator.locks.query();
        const name = `idb-block-vfs:${rig.idbName}:test.db:writer`;
        expect(pending.some((request) => request.name === name)).toBe(true);
      });
      await writer.run('COMMIT');
      await waiting;
      const after = await statsOf(rig);
      expect(after.lockWaits).toBeGreaterThan(before.lockWaits);
      expect(after.lockWaitMs).toBeGreaterThan(before.lockWaitMs);
      await other.close();
    },
  },
  'openings and recoveries': {
    metrics: ['recoveryCount', 'fallBackCount', 'recoveries'],
    run: async (rig) => {
      await withOther(rig, 3);
      const before = await statsOf(rig);
      expect(before).toMatchObject({ recoveryCount: 2, fallBackCount: 0 });
      expect(before.recoveries).toHaveLength(1);
      await damageMarker(rig.idbName);
      await rig.context.open(OTHER);
      const after = await statsOf(rig);
      expect(after).toMatchObject({ recoveryCount: 3, fallBackCount: 1 });
      expect(after.recoveries).toMatchObject([{ path: 'test.db' }, { path: OTHER }]);
      expect(after.errors['CORRUPTION']).toBe(1);
    },
  },
};

describe.each(ONE_OF_EACH)('%s', (build) => {
  let rig: Rig;
  afterEach(() => rig.close().catch(() => undefined));

  test.each(Object.keys(CASES))('stats() counts %s', async (name) => {
    const { options, run } = CASES[name] as Case;
    rig = await Rig.create(build, options);
    await run(rig, build);
  });

  test('no number is without a case', async () => {
    rig = await Rig.create(build);
    await rig.fill(1);
    const tried = new Set<string>(Object.values(CASES).flatMap(({ metrics }) => metrics));
    expect(Object.keys(await statsOf(rig)).filter((name) => !tried.has(name))).toEqual([]);
  });
});
