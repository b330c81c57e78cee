/**
 * Every event is told by what causes it, on every engine, and what an app shows as "saving" and "saved" is true.
 *
 * An event type without a cause here does not compile.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Committer } from '../../src/blockstore/committer.js';
import type { VFSEventMap, VFSEventType } from '../../src/index.js';
import type { Fault } from '../../src/testing/index.js';
import { has } from '../support/browsers/capabilities.ts';
import { isCommit } from '../support/fault-points.js';
import { damageSegments, OTHER, readOther, withOther } from '../support/observed.js';
import { insert, Rig, type RigOptions } from '../support/rig.js';
import { soon } from '../support/soon.ts';
import { holdVolume } from '../support/sql-spies.js';
import { type BuildName, ONE_OF_EACH } from '../support/sqlite.js';

const FAILED: Fault = { tag: 'abort-at-commit', name: 'DataError' };
const ALWAYS = { at: isCommit, times: Number.POSITIVE_INFINITY };
/** Nothing is sent before somebody waits for it. */
const DEFERRED = { durability: 'deferred', autoSync: false, maxDelayMs: 600_000 } as const;
const CREATE = 'CREATE TABLE u(a)';
const INSERT = 'INSERT INTO u VALUES (1)';

interface Cause<K extends VFSEventType> {
  readonly options?: RigOptions;
  /** Default: all. */
  readonly builds?: readonly BuildName[];
  /** Before anybody listens. */
  prepare?(rig: Rig): Promise<void>;
  cause(rig: Rig): Promise<void>;
  /** What the events tell, in order. */
  readonly tells: readonly Partial<Record<keyof VFSEventMap[K], unknown>>[];
}

/** A mirror waits for the first commit of a file, whatever its durability. */
async function created({ db, context }: Rig): Promise<void> {
  await db.run(CREATE);
  await context.vfs.durable();
}

/** What this browser says of room. */
function estimating(room: StorageEstimate) {
  return vi.spyOn(navigator.storage, 'estimate').mockResolvedValue(room);
}

// A browser that cannot be asked can be told of all the same.
if (!has('StorageManager')) {
  const value = { estimate: async () => ({}) };
  beforeAll(() => void Object.defineProperty(navigator, 'storage', { configurable: true, value }));
  afterAll(() => void Reflect.deleteProperty(navigator, 'storage'));
}

const CREATED = { paths: ['test.db'], commits: 1, blocks: 2, durability: 'strict' };

const CAUSES: { readonly [K in VFSEventType]: Cause<K> } = {
  commit: {
    cause: ({ db }) => db.run(CREATE),
    tells: [{ path: 'test.db', version: 1, own: true, pages: [1, 2], blocks: 2 }],
  },
  recovery: {
    cause: ({ context }) => context.open(OTHER).then(() => undefined),
    tells: [{ path: OTHER, version: 0, foundAbove: false, fellBack: undefined, defects: [] }],
  },
  progress: {
    builds: ['mirror'],
    prepare: (rig) => withOther(rig, 3),
    cause: ({ context }) => context.open(OTHER).then(() => undefined),
    tells: [{ path: OTHER, loadedBytes: expect.any(Number), totalBytes: expect.any(Number) }],
  },
  error: {
    cause: async (rig) => {
      rig.faults.plan(FAILED, ALWAYS);
      await rig.try(CREATE);
    },
    tells: [{ path: 'test.db', error: expect.objectContaining({ code: 'STORAGE' }) }],
  },
  corruption: {
    prepare: async (rig) => {
      await withOther(rig, 3);
      await damageSegments(rig.idbName);
    },
    cause: (rig) => expect(readOther(rig)).rejects.toThrow(),
    tells: [
      {
        path: OTHER,
        location: expect.objectContaining({ store: 'segments', key: [2, expect.any(Number), 0] }),
        error: expect.objectContaining({ code: 'CORRUPTION' }),
      },
    ],
  },
  quota: {
    prepare: async () => {
      estimating({ usage: 81, quota: 100 });
    },
    cause: async () => undefined,
    tells: [{ usageBytes: 81, quotaBytes: 100, ratio: 0.81 }],
  },
  flush: {
    options: DEFERRED,
    prepare: created,
    cause: async ({ db, context }) => {
      await db.run(`${INSERT}; ${INSERT}`);
      await context.vfs.durable();
    },
    tells: [{ commits: 2, bytes: expect.any(Number), durationMs: expect.any(Number) }],
  },
  backpressure: {
    options: { ...DEFERRED, maxDirtyCommits: 2 },
    prepare: created,
    cause: async ({ db, idbName }) => {
      const release = await holdVolume(idbName);
      const room = vi.spyOn(Committer.prototype, 'room');
      const adding = (async () => {
        for (let i = 0; i < 3; i++) await db.run(INSERT);
      })();
      await soon(() => expect(room).toHaveBeenCalled());
      release();
      await adding;
    },
    tells: [
      { waits: true, commits: 2, bytes: expect.any(Number) },
      { waits: false, commits: expect.any(Number), bytes: expect.any(Number) },
    ],
  },
  syncstart: {
    cause: ({ db }) => db.run(CREATE),
    tells: [{ ...CREATED, bytes: expect.any(Number) }],
  },
  syncend: {
    cause: ({ db }) => db.run(CREATE),
    tells: [{ ...CREATED, outcome: 'complete', error: undefined, pendingCommits: 0 }],
  },
  loss: {
    options: DEFERRED,
    prepare: created,
    cause: async ({ db, context, faults }) => {
      faults.plan(FAILED, ALWAYS);
      await db.run(INSERT);
      await expect(context.vfs.durable()).rejects.toThrow();
    },
    tells: [{ paths: ['test.db'], error: expect.objectContaining({ code: 'STORAGE' }) }],
  },
  connectionlost: {
    cause: async ({ db, faults }) => {
      faults.closeAll();
      await db.run(CREATE);
    },
    tells: [{ why: expect.stringContaining('clos') }],
  },
  connectionhealed: {
    cause: async ({ db, faults }) => {
      faults.closeAll();
      await db.run(CREATE);
    },
    tells: [{ reopens: 1 }],
  },
  writerchange: {
    cause: ({ context }) => context.open(OTHER).then(() => undefined),
    tells: [{ path: OTHER, held: true, why: 'acquired' }],
  },
};

describe.each(ONE_OF_EACH)('%s', (build) => {
  let rig: Rig;
  afterEach(async () => {
    vi.restoreAllMocks();
    rig.faults.reset();
    await rig.close().catch(() => undefined);
  });

  const causes = Object.entries(CAUSES) as [VFSEventType, Cause<VFSEventType>][];
  const here = causes.filter(([, { builds }]) => builds?.includes(build) ?? true);
  test.each(here)('%s is told by what causes it', async (type, { options, ...how }) => {
    rig = await Rig.create(build, options);
    await how.prepare?.(rig);
    const heard: unknown[] = [];
    rig.context.vfs.addEventListener(type, ({ detail }) => heard.push(detail));
    await rig.arrived();
    await how.cause(rig);
    await soon(() => expect(heard.length).toBeGreaterThanOrEqual(how.tells.length));
    expect(heard.slice(0, how.tells.length)).toMatchObject(how.tells);
  });

  /** What an app hears that shows whether all is saved. */
  async function listenToSyncs(): Promise<unknown[]> {
    const heard: unknown[] = [];
    const { vfs } = rig.context;
    vfs.addEventListener('syncstart', () => heard.push('saving'));
    vfs.addEventListener('commit', ({ detail }) => heard.push(detail.version));
    vfs.addEventListener('loss', () => heard.push('lost'));
    vfs.addEventListener('syncend', ({ detail }) => {
      const { outcome, error, pendingCommits } = detail;
      heard.push(outcome === 'complete' ? { pendingCommits } : [outcome, error?.code]);
    });
    await rig.arrived();
    return heard;
  }

  test('a commit that fails is a sync that failed, and the next one is saved', async () => {
    rig = await Rig.create(build);
    await rig.fill(1);
    const heard = await listenToSyncs();
    rig.faults.plan(FAILED, ALWAYS);
    expect(await rig.try(insert(1))).toMatchObject({ tag: 'failed' });
    rig.faults.reset();
    // SQLite may try it once more with a journal.
    const { failedSyncs } = await rig.context.vfs.stats();
    expect(failedSyncs).toBeGreaterThanOrEqual(1);
    await soon(() => expect(heard).toHaveLength(2 * failedSyncs));
    for (let i = 0; i < heard.length; i += 2) {
      expect(heard.slice(i, i + 2)).toEqual(['saving', ['failed', 'STORAGE']]);
    }
    heard.length = 0;
    await rig.db.run(insert(1));
    await soon(() => expect(heard).toEqual(['saving', 3, { pendingCommits: 0 }]));
  });

  test('deferred commits are saved together, and one that fails is lost', async () => {
    rig = await Rig.create(build, DEFERRED);
    await rig.fill(1);
    await rig.context.vfs.durable();
    const heard = await listenToSyncs();
    for (let i = 0; i < 3; i++) await rig.db.run(insert(1));
    expect(heard).toEqual([]);
    await rig.context.vfs.durable();
    const saved = ['saving', 3, 4, 5, { pendingCommits: 0 }];
    await soon(() => expect(heard).toEqual(saved));
    heard.length = 0;
    rig.faults.plan(FAILED, ALWAYS);
    await rig.db.run(insert(1));
    await expect(rig.context.vfs.durable()).rejects.toThrow();
    await soon(() => expect(heard).toEqual(['saving', ['failed', 'STORAGE'], 'lost']));
  });

  test('a warning comes at the ratio that was asked for', async () => {
    const estimate = estimating({ usage: 81, quota: 100 });
    rig = await Rig.create(build, { quotaWarningRatio: 0.82 });
    await rig.db.run(CREATE);
    expect(estimate).not.toHaveBeenCalled();
    const heard: unknown[] = [];
    rig.context.vfs.addEventListener('quota', ({ detail }) => heard.push(detail));
    await rig.arrived();
    await soon(() => expect(estimate).toHaveBeenCalled());
    await rig.db.run(INSERT);
    await rig.arrived();
    expect(heard).toEqual([]);
  });
});
