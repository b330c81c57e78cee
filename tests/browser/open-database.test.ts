import createAsyncify from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  IDBBlockVFS,
  type OpenOptions,
  openDatabase,
  requestPersistence,
  SqlError,
  UnsupportedError,
} from '../../src/index.js';
import { has, runnable } from '../support/browsers/capabilities.ts';
import { using } from '../support/database-probes.ts';
import { runScenario, type ScenarioName } from '../support/database-scenarios.js';
import type { Job } from '../support/pages/database-worker.js';
import { PATIENT } from '../support/patience.ts';
import { deleteVolume, FASTEST, freshVolume } from '../support/sqlite.js';
import { askDedicatedWorker } from '../support/worker-kinds.js';

const WORKER = new URL('../support/pages/database-worker.ts', import.meta.url);

type Answer = { readonly value: unknown } | { readonly error: string };

/** Each engine and build, where it runs, and what `db.engine` says of it. */
const KINDS = [
  { kind: 'auto in a window', options: {}, name: 'IDBBlockVFS', build: FASTEST },
  { kind: 'asyncify', options: { build: 'asyncify' }, name: 'IDBBlockVFS', build: 'asyncify' },
  { kind: 'mirror', options: { engine: 'mirror' }, name: 'IDBBlockMirrorVFS', build: 'sync' },
  { kind: 'memory', options: { engine: 'memory' }, name: 'memory', build: 'sync' },
  {
    kind: 'auto in a worker',
    options: {},
    ...(has('SharedArrayBuffer')
      ? { name: 'IDBBlockSharedVFS', build: 'sync' }
      : { name: 'IDBBlockVFS', build: FASTEST }),
    worker: true,
  },
] as const satisfies readonly { kind: string; options: OpenOptions; [more: string]: unknown }[];

let idbName: string;
beforeEach(() => {
  idbName = freshVolume('database');
});
afterEach(() => {
  vi.unstubAllGlobals();
  return deleteVolume(idbName);
});

/** Runs scenarios where a kind runs. */
function runnerOf({ options, ...where }: (typeof KINDS)[number]) {
  return async (scenario: ScenarioName, more: OpenOptions = {}): Promise<unknown> => {
    const all = { idbName, ...PATIENT, ...options, ...more };
    if (!('worker' in where)) return await runScenario(scenario, all);
    const job: Job = { name: scenario, options: all };
    const answer = await askDedicatedWorker<Answer>(WORKER, job);
    if ('error' in answer) throw new Error(answer.error);
    return answer.value;
  };
}

describe.each(KINDS)('openDatabase, $kind', (subject) => {
  const { kind, name, build } = subject;
  const run = runnerOf(subject);
  const isStored = kind !== 'memory';

  // Goal: it says what it chose. Method: ask it.
  test('tells engine, build, durability and path', async () => {
    expect(await run('engine')).toEqual({
      name,
      build,
      why: expect.stringMatching(/./),
      durability: isStored ? 'strict' : 'none',
      path: isStored ? 'test.db' : ':memory:',
    });
    if (!isStored) return;
    expect(await run('engine', { durability: 'relaxed' })).toMatchObject({ durability: 'relaxed' });
  });

  // Goal: every value comes back as it went in, with SQLite's type. Method: one row each.
  test('binds and returns every type of value exactly', async () => {
    expect(await run('values')).toEqual([
      [null, 'null'],
      [1, 'integer'],
      [1, 'integer'],
      [-1, 'integer'],
      [2 ** 40, 'integer'],
      [2 ** 53, 'real'],
      [1.5, 'real'],
      [-0, 'real'],
      [Number.POSITIVE_INFINITY, 'real'],
      [2n ** 62n, 'integer'],
      [-(2n ** 63n), 'integer'],
      ['text', 'text'],
      ['', 'text'],
      ['ünïcödé 🎈', 'text'],
      [new Uint8Array([0, 1, 255]), 'blob'],
      [new Uint8Array(0), 'blob'],
    ]);
  });

  test('integers are bigint where a number would not hold them, or all if asked for', async () => {
    expect(await run('integers')).toEqual([
      [{ one: 1, two: 2, big: 9007199254740993n }],
      [{ one: 1n, two: 2, none: null }],
    ]);
  });

  // Goal: nothing is bound to NULL or dropped because a parameter was forgotten or misspelt.
  test('parameters are taken by position and by name, and have to match', async () => {
    const option = (message: unknown) => ({ name: 'OptionError', code: 'OPTION', message });
    expect(await run('params')).toEqual({
      position: [{ name: 'Grace' }],
      name: [{ name: 'Grace' }],
      prefix: [{ name: 'Grace' }],
      twice: [{ x: 7, y: 7 }],
      tooFew: option(expect.stringContaining('the statement has 2, not 1')),
      tooMany: option(expect.stringContaining('the statement has 1, not 2')),
      missing: option(expect.stringContaining('no value for :a')),
      unknown: option(expect.stringContaining('has no b')),
      unnamed: option(expect.stringContaining('parameter 1 has no name')),
      notAValue: option(expect.stringContaining('no value that SQLite can store')),
      tooBig: option(expect.stringContaining('64-bit')),
      zeroInText: option(expect.stringContaining('U+0000')),
    });
  });

  test('exec tells what changed', async () => {
    expect(await run('exec')).toEqual({
      made: { changes: 2, lastInsertRowId: 2 },
      updated: { changes: 2, lastInsertRowId: 2 },
      none: { changes: 0, lastInsertRowId: 2 },
      beyond: { changes: 1, lastInsertRowId: 2n ** 60n },
    });
  });

  test('iterate gives rows one by one, and others run meanwhile', async () => {
    expect(await run('iterate')).toEqual({
      sum: 500_500,
      some: [[1], [[1]], [2], [[1]]],
      none: [],
    });
    expect(await run('leftIteration')).toEqual([{ tables: 0 }]);
  });

  test('a prepared statement runs again and again', async () => {
    expect(await run('statement')).toEqual({
      found: [[{ a: 1 }, { a: 2 }, { a: 3 }], [{ a: 3 }]],
      iterated: [{ a: 2 }, { a: 3 }],
      after: [{ a: 3 }],
      wrong: expect.objectContaining({ name: 'SqlError', code: 'SQL', sqliteCode: 1 }),
      two: expect.objectContaining({ name: 'OptionError' }),
      none: expect.objectContaining({ name: 'OptionError' }),
    });
  });

  test('a statement that is kept sees a column that was added', async () => {
    expect(await run('schemaChange')).toEqual([[{ a: 1 }], [{ a: 1, b: 2 }]]);
  });

  // Goal: all or nothing, inner ones too; the handle is of no use afterwards.
  test('transaction commits what returns and rolls back what throws', async () => {
    expect(await run('transaction')).toEqual({
      answer: 'committed',
      thrown: { name: 'RangeError', message: 'mine', code: undefined },
      rows: [1, 3, 5],
      afterwards: expect.objectContaining({ name: 'OptionError' }),
      mode: expect.objectContaining({ name: 'OptionError' }),
      retryCountMax: expect.objectContaining({ name: 'OptionError' }),
    });
    expect(await run('openIteration')).toMatchObject({ name: 'OptionError' });
  });

  // Goal: what is run in a sqliteTx is never committed without it. Method: SQLite rolls it back by itself; a
  // call that comes when the function has returned; two parts at once.
  const over = expect.objectContaining({ name: 'OptionError' });

  test('nothing of a transaction that SQLite has rolled back is committed alone', async () => {
    const rolledBack = expect.objectContaining({ name: 'SqlError', sqliteCode: 516 });
    const unique = expect.objectContaining({ name: 'SqlError', sqliteCode: 2067 });
    expect(await run('rolledBack')).toEqual({ caught: rolledBack, queued: unique, rows: [1] });
  });

  test('nothing that comes after a transaction is committed alone', async () => {
    expect(await run('late')).toEqual({ late: over, rows: [1] });
  });

  test('parts of a transaction are undone alone, and are one inside the other', async () => {
    expect(await run('parts')).toEqual({ second: over, rows: [1] });
  });

  test('a write that is iterated over is whole at once, and keeps no other from being committed', async () => {
    expect(await run('returning')).toEqual({ u: 1, t: 1000 });
  });

  test('a pragma takes effect each time', async () => {
    expect(await run('pragmas')).toEqual(
      [100, 200, 100, 200].map((cache_size) => ({ cache_size })),
    );
  });

  test('parameters without values are an error, not NULL', async () => {
    expect(await run('unbound')).toEqual({
      failed: expect.objectContaining({ name: 'OptionError' }),
      rows: [],
    });
  });

  test('calls of the database wait for a transaction', async () => {
    expect(await run('order')).toEqual([{ rows: 2 }]);
  });

  test('SQL that fails is a SqlError, and the next statement works', async () => {
    expect(await run('errors')).toEqual({
      syntax: expect.objectContaining({
        name: 'SqlError',
        code: 'SQL',
        sqliteCode: 1,
        message: expect.stringContaining('syntax error'),
      }),
      unique: expect.objectContaining({ name: 'SqlError', code: 'SQL', sqliteCode: 2067 }),
      works: [{ a: 1 }],
      two: expect.objectContaining({ name: 'OptionError' }),
    });
  });

  test('what is aborted is not run', async () => {
    expect(await run('abort')).toEqual({
      before: expect.objectContaining({ name: 'AbortError' }),
      whileQueued: { name: 'Error', message: 'enough', code: undefined },
      inTransaction: { name: 'Error', message: 'stop', code: undefined },
      rows: [1],
    });
  });

  test('the database is exported and imported as an ordinary SQLite file', async () => {
    const copied = await run('copied');
    if (isStored) {
      expect(copied).toMatchObject({ back: { returned: { path: 'test.db', pageBytes: 4096 } } });
    }
    expect(copied).toEqual({
      head: 'SQLite format 3',
      isWhole: true,
      back: isStored ? expect.anything() : expect.objectContaining({ name: 'UnsupportedError' }),
      people: isStored ? [{ name: 'Ada' }, { name: 'Grace' }] : [],
    });
  });

  test('close waits for what was called before, and ends iterations', async () => {
    const message = expect.stringContaining('is closed');
    const closed = expect.objectContaining({ name: 'OptionError', message });
    expect(await run('closing')).toEqual({
      last: [{ people: 2 }],
      after: closed,
      next: closed,
      exported: closed,
    });
  });
});

const STORED = KINDS.filter(({ kind }) => kind !== 'memory');

describe.each(STORED)('what openDatabase stores, $kind', (subject) => {
  const run = runnerOf(subject);

  // Goal: one connection is told that another is in the way, and gets its turn if it tries again.
  test('a transaction that is busy says so, and can be retried', async () => {
    expect(await run('busy', { busyTimeoutMs: 50 })).toEqual({
      refused: expect.objectContaining({ name: 'SqlError', code: 'BUSY', isBusy: true }),
      attempts: 1,
      rows: [3, 4],
    });
  });

  test('what was written is there after closing', async () => {
    expect(await run('kept')).toEqual([{ name: 'Ada' }, { name: 'Grace' }]);
  });
});

describe.each(runnable(['jspi', 'asyncify'] as const))('a statement on %s', (build) => {
  test('is interrupted while it waits for IndexedDB', async () => {
    const options = { idbName, build, cacheBytes: 65536 };
    expect(await runScenario('interrupted', options)).toEqual({
      stopped: { name: 'Error', message: 'long enough', code: undefined },
      after: [{ rows: 1000 }],
    });
  });
});

// Goal: databases on one module do not disturb each other. Method: two, at once, on Asyncify.
test('two databases on one module take turns', async () => {
  const module = await createAsyncify();
  const [a, b] = await Promise.all(
    ['a.db', 'b.db'].map((path) => openDatabase(path, { idbName, module })),
  );
  if (!a || !b) throw new Error('not open');
  await Promise.all(
    [a, b, a, b].map((db, i) => db.exec(`CREATE TABLE t${i}(a); INSERT INTO t${i} VALUES (${i})`)),
  );
  expect(await Promise.all([a.query('SELECT a FROM t2'), b.query('SELECT a FROM t3')])).toEqual([
    [{ a: 2 }],
    [{ a: 3 }],
  ]);
  await Promise.all([a.close(), b.close()]);
});

describe('openDatabase where something is missing', () => {
  test('an engine this context cannot have is refused by name', async () => {
    await expect(openDatabase('a.db', { idbName, engine: 'shared' })).rejects.toThrow(
      'dedicated worker',
    );
    await expect(
      openDatabase('a.db', { idbName, engine: 'mirror', build: 'jspi' }),
    ).rejects.toThrow('synchronous build');
    await expect(openDatabase('', { idbName })).rejects.toThrow('path');
  });

  // Goal: a database that is to be there already is not made. Method: open one that is not there.
  test('create: false refuses a database that is not there', async () => {
    const opening = openDatabase('a.db', { idbName, create: false });
    await expect(opening).rejects.toMatchObject({ sqliteCode: 14 });
    await (await openDatabase('a.db', { idbName })).close();
  });

  test('a .wasm that is not there is told with what to do', async () => {
    // In a worker, for Emscripten also rejects a promise that nobody can wait for.
    const job: Job = { name: 'engine', options: { idbName }, wasmAt: '/nowhere/' };
    const answer = await askDedicatedWorker<Answer>(WORKER, job);
    expect(answer).toEqual({
      error: expect.stringMatching(/^UnsupportedError: .*locateFile/),
      cause: expect.stringMatching(/./),
    });
  });

  // Goal: nothing is kept in memory unawares. Method: a context without IndexedDB.
  test('without IndexedDB it throws, or takes memory if told to', async () => {
    vi.stubGlobal('indexedDB', undefined);
    await expect(openDatabase('a.db', { idbName })).rejects.toThrow('indexedDB');
    await using(await openDatabase('a.db', { idbName, fallback: 'memory' }), async (db) => {
      expect(db).toMatchObject({ durability: 'none', persistence: 'none' });
      expect(db.engine.why).toContain('no IndexedDB');
      expect(() => db.vfs).toThrow(UnsupportedError);
      expect(await db.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
  });

  test('opening can be given up', async () => {
    const signal = AbortSignal.abort(new Error('changed my mind'));
    await expect(openDatabase('a.db', { idbName, signal })).rejects.toThrow('changed my mind');
    const control = new AbortController();
    const opening = openDatabase('a.db', { idbName, signal: control.signal });
    control.abort(new Error('too slow'));
    await expect(opening).rejects.toThrow('too slow');
    await (await openDatabase('a.db', { idbName })).close();
  });

  test('what is no SQLite database is told at opening', async () => {
    const db = await openDatabase('a.db', { idbName });
    await db.exec(
      "PRAGMA writable_schema = ON; CREATE TABLE t(a); UPDATE sqlite_schema SET sql = 'no'",
    );
    await db.close();
    const opening = openDatabase('a.db', { idbName });
    await expect(opening).rejects.toBeInstanceOf(SqlError);
    // It has let go of its locks.
    const vfs = await IDBBlockVFS.create('other', await createAsyncify(), { idbName });
    expect(await vfs.deleteFile('a.db')).toBe(true);
    await vfs.close();
  });

  test('persistence is told, and asked for in a window that can be asked', async () => {
    await using(await openDatabase('a.db', { idbName }), async (db) => {
      if (has('StorageManager')) {
        expect(db.persistence).toMatch(/^(persistent|best-effort)$/);
        expect(await requestPersistence()).toMatch(/^(persistent|best-effort)$/);
      } else {
        expect(db.persistence).toBe('unknown');
        const missing = { code: 'UNSUPPORTED', capability: 'navigator.storage.persist' };
        await expect(requestPersistence()).rejects.toMatchObject(missing);
      }
    });
  });
});
