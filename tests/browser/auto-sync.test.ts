/**
 * Deferred commits are sent in idle time and before a page may end, without anybody asking.
 *
 * The shared engine's storage is in a worker, which is told nothing of its page.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { soon } from '../support/soon.ts';
import {
  type BuildName,
  Context,
  type Database,
  freshVolume,
  ONE_OF_EACH,
} from '../support/sqlite.js';

const COMMITS = 20;
/** Longer than a test may take. */
const NEVER_MS = 600_000;
const DELAY_MS = 300;

let context: Context;
let db: Database;
let flushed: number[];
/** When the first commit began, and when the first landed. */
let begunMs: number;
let landedMs: number | undefined;
afterEach(async () => {
  await db.close();
  await context.close();
  // What a stub was asked for is called off with the stub beside it.
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function commits(
  build: BuildName,
  options: { maxDelayMs?: number; autoSync?: boolean } = {},
): Promise<void> {
  context = await Context.create(build, {
    idbName: freshVolume('auto-sync'),
    durability: 'deferred',
    maxDelayMs: NEVER_MS,
    ...options,
  });
  db = await context.open();
  await db.run('CREATE TABLE t(a)');
  await context.vfs.durable();
  flushed = [];
  landedMs = undefined;
  context.vfs.addEventListener('flush', ({ detail }) => {
    landedMs ??= performance.now();
    flushed.push(detail.commits);
  });
  begunMs = performance.now();
  for (let i = 0; i < COMMITS; i++) await db.run(`INSERT INTO t VALUES (${i})`);
}

function neverIdle(): void {
  // Not a spy: WebKit has none.
  vi.stubGlobal('requestIdleCallback', () => 0);
  vi.stubGlobal('cancelIdleCallback', () => undefined);
}

function hide(state: DocumentVisibilityState): void {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
  document.dispatchEvent(new Event('visibilitychange'));
}

async function expectAllSent(): Promise<void> {
  await soon(() => expect(flushed.reduce((sum, count) => sum + count, 0)).toBe(COMMITS));
  expect((await context.vfs.stats()).deferredCommits).toBe(0);
}

/** Longer than it takes to send and complete; what is not sent by then waits. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 150));

describe.each(ONE_OF_EACH)('auto-sync, %s', (build) => {
  test('an idle page sends what waits', async () => {
    await commits(build);
    await expectAllSent();
  });

  test('without auto-sync it is the delay that counts', async () => {
    await commits(build, { autoSync: false });
    window.dispatchEvent(new PageTransitionEvent('pagehide'));
    document.dispatchEvent(new Event('freeze'));
    await aWhile();
    expect(flushed).toEqual([]);
    await context.vfs.durable();
    expect(flushed).toEqual([COMMITS]);
  });

  test('a commit waits for as long as maxDelayMs, and no longer', async () => {
    await commits(build, { autoSync: false, maxDelayMs: DELAY_MS });
    await expectAllSent();
    // Timers may be early by a part of a millisecond.
    expect((landedMs ?? 0) - begunMs).toBeGreaterThan(DELAY_MS - 1);
  });

  test('1,000 commits are a few idbTxs', async () => {
    // Whoever is busy is busy here with messages to the engine: it may look idle meanwhile.
    await commits(build, { autoSync: false });
    await context.vfs.durable();
    const { transactions } = await context.vfs.stats();
    for (let i = 0; i < 1000; i++) await db.run(`INSERT INTO t VALUES (${i})`);
    await context.vfs.durable();
    expect((await context.vfs.stats()).transactions - transactions).toBeLessThanOrEqual(4);
  });
});

describe.each(['asyncify', 'mirror'] as const)('the page of an engine, %s', (build) => {
  test.each([
    ['is left', () => window.dispatchEvent(new PageTransitionEvent('pagehide'))],
    ['is frozen', () => document.dispatchEvent(new Event('freeze'))],
    ['is hidden', () => hide('hidden')],
  ])('a busy page that %s sends what waits, in one idbTx', async (_how, happens) => {
    neverIdle();
    await commits(build);
    await aWhile();
    expect((await context.vfs.stats()).deferredCommits).toBe(COMMITS);
    happens();
    await soon(() => expect(flushed).toEqual([COMMITS]));
  });

  test('a page that comes into view sends nothing', async () => {
    neverIdle();
    await commits(build);
    hide('visible');
    await aWhile();
    expect(flushed).toEqual([]);
  });

  test('a hidden page, whose timers are slow, waits for nothing', async () => {
    neverIdle();
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    await commits(build);
    await expectAllSent();
  });
});
