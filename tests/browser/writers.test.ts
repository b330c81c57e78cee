import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type CounterBuild,
  CounterContext,
  type CounterOptions,
} from '../support/contention/counter.ts';
import { deleteVolume, freshVolume } from '../support/sqlite.js';

// Goal: BEGIN IMMEDIATE under contention makes progress for everybody, and loses nothing. Method:
// contexts, each a worker (the shared engine's with a storage worker each), increment one counter; none
// of them may be told SQLITE_BUSY, for each waits longer than all of it can take.

const CONTEXTS = 8;
const ROUNDS = 100;
const PATIENCE = 'PRAGMA busy_timeout=120000; PRAGMA synchronous=NORMAL';
const EACH: readonly CounterBuild[] = ['asyncify', 'jspi', 'mirror', 'shared'];
const MIXED: readonly CounterBuild[] = [...EACH, ...EACH];

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
  ...(['asyncify', 'mirror', 'shared'] as const).map((build) => [build, eightOf(build)] as const),
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

describe.each(['asyncify', 'mirror', 'shared'] as const)('beside a stream, %s', (build) => {
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
