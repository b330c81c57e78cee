import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runnable } from '../support/browsers/capabilities.ts';
import {
  type CounterBuild,
  CounterContext,
  type CounterOptions,
} from '../support/contention/counter.ts';
import { soon } from '../support/soon.ts';
import { deleteVolume, FASTEST, freshVolume } from '../support/sqlite.js';

// What a reader in one worker sees while another writes, for each engine as reader and as writer. Caches hold
// less than the table, so what is read has to be fetched.

const ROWS = 60;
const CHECKPOINT_COMMITS = 64;
/** VITE_READER_MS=60000 VITE_READER_COMMITS=5000 is the long run of docs/TESTING.md. */
const READER_MS = Number(import.meta.env['VITE_READER_MS'] ?? 0);
const COMMITS = Number(import.meta.env['VITE_READER_COMMITS'] ?? 5 * CHECKPOINT_COMMITS);
const TIMEOUT = { timeout: 300_000 + 10 * READER_MS };
const SUM = 'SELECT sum(n + length(v)) FROM r';
const BEFORE = ROWS * 3000;
const BUSY = 5;
/** Reader and writer: each engine as either. */
const PAIRS = (
  [
    ['asyncify', 'mirror'],
    ['jspi', 'shared'],
    ['shared', 'asyncify'],
    ['mirror', FASTEST],
  ] as const satisfies readonly (readonly [CounterBuild, CounterBuild])[]
).filter((pair) => runnable(pair).length === pair.length);

let options: CounterOptions;
let contexts: CounterContext[];
beforeEach(() => {
  options = { idbName: freshVolume('readers'), cacheBytes: 65_536, busyTimeoutMs: 60_000 };
  contexts = [];
});
afterEach(async () => {
  for (const context of contexts) await context.close();
  await deleteVolume(options.idbName);
});

async function open(
  build: CounterBuild,
  more: Partial<CounterOptions> = {},
): Promise<CounterContext> {
  const context = await CounterContext.open(build, { ...options, ...more });
  contexts.push(context);
  await context.run('PRAGMA cache_size=5; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=60000');
  return context;
}

async function openWriter(
  build: CounterBuild,
  more: Partial<CounterOptions> = {},
): Promise<CounterContext> {
  const writer = await open(build, more);
  await writer.run(`CREATE TABLE r(id INTEGER PRIMARY KEY, n, v);
    INSERT INTO r WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < ${ROWS - 1})
      SELECT i, 0, randomblob(3000) FROM s`);
  return writer;
}

async function sumOf(context: CounterContext): Promise<unknown> {
  return (await context.run(SUM))[0]?.[0];
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'no failure',
    ({ message }: Error) => message,
  );
}

/** Nothing is kept for readers any more, and nothing was forgotten. */
async function expectReclaimed(writer: CounterContext): Promise<void> {
  // It asks at checkpoints.
  await soon(async () => {
    await writer.rewrite(0, CHECKPOINT_COMMITS);
    expect((await writer.stats()).otherReaders).toBe(0);
  });
  await writer.rewrite(0, 2 * CHECKPOINT_COMMITS);
  const { heldBackSegments, supersededSegments } = await writer.stats();
  expect(heldBackSegments).toBe(0);
  // What the last checkpoint left, and what has come since: at most three segments a commit.
  expect(supersededSegments).toBeLessThanOrEqual(2 * 3 * CHECKPOINT_COMMITS);
  expect(await writer.verify()).toMatchObject({ defects: [], unlistedSegments: 0 });
}

describe.each(PAIRS)('%s beside %s that writes', (readerBuild, writerBuild) => {
  // Goal: one snapshot from the first lock to the last; then the newest; what was held back goes. Method:
  // read all rows again and again in one sqliteTx while every row is written anew several times over.
  test('sees one snapshot, however long', TIMEOUT, async () => {
    const writer = await openWriter(writerBuild);
    const reader = await open(readerBuild);
    await reader.run('BEGIN; SELECT n FROM r WHERE id = 0');
    const begunAt = performance.now();
    let isWriting = true;
    const writing = writer.rewrite(0, COMMITS).finally(() => {
      isWriting = false;
    });
    let reads = 0;
    for (; isWriting || performance.now() - begunAt < READER_MS; reads++) {
      expect(await sumOf(reader)).toBe(BEFORE);
    }
    await writing;
    expect(await sumOf(reader)).toBe(BEFORE);
    const beside = await writer.stats();
    if (readerBuild !== 'mirror') {
      expect(beside.otherReaders).toBe(1);
      expect(beside.snapshotLag).toBe(COMMITS);
      expect(beside.heldBackSegments).toBeGreaterThan(COMMITS / 2);
    }
    await reader.run('COMMIT');
    expect(await sumOf(reader)).toBe(BEFORE + COMMITS);
    if (READER_MS > 0) {
      const { heldBackSegments } = beside;
      console.log({
        readerBuild,
        writerBuild,
        ms: performance.now() - begunAt,
        reads,
        heldBackSegments,
      });
    }
    await expectReclaimed(writer);
  });

  // Goal: a stale writer is told before it writes, and goes on after ROLLBACK. Method: it read, the other
  // committed, it writes.
  test('is told SQLITE_BUSY_SNAPSHOT if it writes on an old snapshot', TIMEOUT, async () => {
    const writer = await openWriter(writerBuild);
    const reader = await open(readerBuild);
    await reader.run('BEGIN; SELECT n FROM r WHERE id = 0');
    await writer.rewrite(0, 1);
    await expect(reader.rewrite(0, 1)).rejects.toMatchObject({ code: BUSY });
    expect((await reader.writer()).errors).toEqual(['BUSY_SNAPSHOT']);
    expect(await sumOf(reader)).toBe(BEFORE);
    await reader.run('ROLLBACK');
    await reader.rewrite(0, 1);
    expect(await sumOf(writer)).toBe(BEFORE + 2);
  });

  // Goal: a dead reader keeps nothing. Method: its worker is ended amid its sqliteTx.
  test('keeps nothing once it is dead', TIMEOUT, async () => {
    const writer = await openWriter(writerBuild);
    const reader = await open(readerBuild);
    await reader.run('BEGIN; SELECT n FROM r WHERE id = 0');
    await writer.rewrite(0, 3 * CHECKPOINT_COMMITS);
    contexts = contexts.filter((context) => context !== reader);
    reader.kill();
    await expectReclaimed(writer);
  });

  // Goal: a database that is being read is not deleted; else as a whole. Method: delete it from the writer's
  // worker while the other reads, and when it has ended. A mirror reads from memory, and is told later.
  test('keeps the database from being deleted while it reads', TIMEOUT, async () => {
    const isRefused = readerBuild !== 'mirror';
    const writer = await openWriter(writerBuild, isRefused ? { busyTimeoutMs: 2000 } : {});
    const reader = await open(readerBuild);
    const third = await open('asyncify');
    await reader.run('BEGIN; SELECT n FROM r WHERE id = 0');
    const failure = await failureOf(writer.delete());
    if (isRefused) {
      expect(failure).toContain('another context is reading it');
      expect(await sumOf(third)).toBe(BEFORE);
    } else {
      expect(failure).toBe('no failure');
    }
    expect(await sumOf(reader)).toBe(BEFORE);
    await reader.run('COMMIT');
    if (isRefused) await third.delete();
    await expect(reader.run('PRAGMA busy_timeout=0; SELECT * FROM r')).rejects.toMatchObject({
      code: BUSY,
    });
    expect(await reader.run('SELECT count(*) FROM sqlite_schema')).toEqual([[0]]);
    contexts = contexts.filter((context) => context === reader);
    for (const closed of [writer, third]) closed.kill();
  });
});

// Goal: every context hears of every commit once and in order, whatever the engines. Method: four contexts that
// listen, and write in turns.
test('contexts of all engines hear of each commit once', TIMEOUT, async () => {
  const builds: readonly CounterBuild[] = runnable(['asyncify', 'jspi', 'mirror', 'shared']);
  const first = await openWriter('asyncify');
  const all = [first];
  for (const build of builds.slice(1)) all.push(await open(build));
  for (const context of all) await context.listen();
  const rounds = 10;
  for (let round = 0; round < rounds; round++) {
    for (const context of all) await context.rewrite(round, 1);
  }
  const versions = Array.from({ length: rounds * all.length }, (_, i) => i + 3);
  const last = versions.at(-1);
  for (const [i, context] of all.entries()) {
    await soon(async () => expect((await context.heard()).at(-1)?.version).toBe(last));
    const heard = await context.heard();
    expect(heard.map(({ version }) => version)).toEqual(versions);
    expect(heard.map(({ after }) => after + 1)).toEqual(versions);
    expect(heard.every(({ pages }) => pages?.includes(1))).toBe(true);
    expect(heard.map(({ own }) => own)).toEqual(versions.map((_, k) => k % all.length === i));
  }
});
