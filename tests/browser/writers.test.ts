import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { has, runnable } from '../support/browsers/capabilities.ts';
import {
  type CounterBuild,
  CounterContext,
  type CounterOptions,
} from '../support/contention/counter.ts';
import { soon } from '../support/soon.ts';
import { deleteVolume, freshVolume, ONE_OF_EACH } from '../support/sqlite.js';

// Goal: BEGIN IMMEDIATE under contention makes progress for everybody, and loses nothing. Method:
// contexts, each a worker (the shared engine's with a storage worker each), increment one counter; none
// of them may be told SQLITE_BUSY, for each waits longer than all of it can take.

const BUSY = 5;
const CONTEXTS = 8;
const ROUNDS = 100;
const PATIENCE = 'PRAGMA busy_timeout=120000; PRAGMA synchronous=NORMAL';
const EACH: readonly CounterBuild[] = runnable(['asyncify', 'jspi', 'mirror', 'shared']);
const MIXED = Array.from({ length: CONTEXTS }, (_, i) => EACH[i % EACH.length] ?? 'asyncify');

let options: CounterOptions;
let contexts: CounterContext[];
beforeEach(() => {
  options = { idbName: freshVolume('writers') };
  contexts = [];
});
afterEach(async () => {
  for (const context of contexts) await context.close();
  await deleteVolume(options.idbName);
});

async function open(build: CounterBuild, more: Partial<CounterOptions> = {}) {
  const context = await CounterContext.open(build, { ...options, ...more });
  contexts.push(context);
  await context.run(PATIENCE);
  return context;
}

async function openAll(builds: readonly CounterBuild[]): Promise<CounterContext[]> {
  const opened: CounterContext[] = [];
  for (const build of builds) opened.push(await open(build));
  await opened[0]?.run('CREATE TABLE c(n); CREATE TABLE d(n); INSERT INTO c VALUES (0)');
  await opened[0]?.run('INSERT INTO d VALUES (0)');
  return opened;
}

const eightOf = (build: CounterBuild) => new Array<CounterBuild>(CONTEXTS).fill(build);

describe.each([
  ...ONE_OF_EACH.map((build) => [build, eightOf(build)] as const),
  ['all engines mixed', MIXED] as const,
])('eight contexts, %s', (_name, builds) => {
  test(`× ${ROUNDS} increments make ${CONTEXTS * ROUNDS}`, { timeout: 300_000 }, async () => {
    const opened = await openAll(builds);
    await Promise.all(opened.map((context) => context.increment(ROUNDS)));
    const counts = await Promise.all(opened.map((context) => context.run('SELECT n FROM c')));
    expect(counts).toEqual(builds.map(() => [[CONTEXTS * ROUNDS]]));
    for (const context of opened) expect((await context.writer()).changes).not.toContain('stolen');
  });
});

// The stream is ended through shared memory, for it does not pause to hear of it.
describe.each(has('SharedArrayBuffer') ? ONE_OF_EACH : [])('beside a stream, %s', (build) => {
  // Goal: who commits on and on, deferred, keeps nobody out. Method: one context never pauses; two others,
  // one of another engine, increment.
  test('of deferred commits others write too, and nothing is lost', {
    timeout: 300_000,
  }, async () => {
    const [streaming, ...others] = await openAll([build, build, 'asyncify']);
    const end = streaming?.stream();
    await Promise.all(others.map((context) => context.increment(20)));
    const commits = await end?.();
    expect(commits).toBeGreaterThan(0);
    for (const context of [streaming, ...others]) {
      expect(await context?.run('SELECT c.n, d.n FROM c, d')).toEqual([[40, commits]]);
    }
  });
});

describe.each(ONE_OF_EACH)('the writer role, %s', (build) => {
  const BEGIN = 'BEGIN IMMEDIATE; UPDATE c SET n = n + 1';

  // Goal: an app sees where the role is. Method: two contexts, one writes, the other waits, and then has it.
  test('is seen by the context that has it and the one that waits, and events say why', async () => {
    const [first, second] = await openAll([build, build]);
    const states = async () => [(await first?.writer())?.state, (await second?.writer())?.state];
    expect(await states()).toEqual(['held', 'none']);
    await first?.run(BEGIN);
    expect(await states()).toEqual(['writing', 'none']);
    const waiting = second?.run(BEGIN);
    await soon(async () => expect((await first?.writer())?.state).toBe('wanted'));
    await first?.run('COMMIT');
    await waiting;
    expect(await states()).toEqual(['none', 'writing']);
    await second?.run('COMMIT');
    expect(await states()).toEqual(['none', 'held']);
    expect((await first?.writer())?.changes.slice(-2)).toEqual(['acquired', 'released']);
    expect((await second?.writer())?.changes).toEqual(['acquired']);
  });

  test('is kept for good if that is asked for: others get SQLITE_BUSY, and read', async () => {
    const keeping = await open(build, { writerRole: 'keep' });
    await keeping.run('CREATE TABLE c(n); INSERT INTO c VALUES (0)');
    const other = await open(build);
    await other.run('PRAGMA busy_timeout=0');
    await expect(other.run(BEGIN)).rejects.toMatchObject({ code: BUSY });
    await keeping.run(`${BEGIN}; COMMIT`);
    expect(await other.run('SELECT n FROM c')).toEqual([[1]]);
    expect((await keeping.writer()).state).toBe('held');
    await keeping.close();
    contexts = contexts.filter((context) => context !== keeping);
    // The lock is free a moment later.
    await other.run(PATIENCE);
    await other.run(`${BEGIN}; COMMIT`);
    expect(await other.run('SELECT n FROM c')).toEqual([[2]]);
  });

  test.each(['FULL', 'OFF'])('is free after each commit if that is asked for, %s', async (word) => {
    const brief = await open(build, { writerRole: 'each-commit' });
    await brief.run(`PRAGMA synchronous=${word}; CREATE TABLE c(n); INSERT INTO c VALUES (0)`);
    await brief.run(BEGIN);
    expect((await brief.writer()).state).toBe('writing');
    await brief.run('COMMIT');
    await soon(async () => expect((await brief.writer()).state).toBe('none'));
    await brief.run(`${BEGIN}; COMMIT`);
    const other = await open(build);
    await other.run(`${BEGIN}; COMMIT`);
    expect(await brief.run('SELECT n FROM c')).toEqual([[3]]);
  });

  // Goal: busy_timeout=0 does not wait for one that writes, but does for one that only keeps the lock.
  test('is waited for as busy_timeout says, also 0', async () => {
    const [first, second] = await openAll([build, build]);
    await second?.run('PRAGMA busy_timeout=0');
    // On a busy machine the answer may come too late once.
    await soon(() => second?.run(`${BEGIN}; COMMIT`));
    await first?.run(BEGIN);
    await expect(second?.run(BEGIN)).rejects.toMatchObject({ code: BUSY });
    await first?.run('COMMIT');
    expect(await second?.run('SELECT n FROM c')).toEqual([[2]]);
  });
});
