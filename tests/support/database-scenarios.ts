/**
 * What an app does with `openDatabase`, as functions that run in any context and return what they saw as
 * plain values: a window and workers are then held to the same answers.
 */
import { openDatabase } from '../../src/index.js';
import {
  collect,
  failure,
  MANY,
  PEOPLE,
  type Scenario,
  type ScenarioOptions,
  using,
  values,
} from './database-probes.ts';
import { TRANSACTIONS } from './database-transactions.ts';

const SCENARIOS = {
  async engine(db) {
    const { name, build, why } = db.engine;
    return { name, build, why, durability: db.durability, path: db.path };
  },

  async values(db) {
    await db.exec('CREATE TABLE t(a)');
    const values = [
      null,
      true,
      1,
      -1,
      2 ** 40,
      2 ** 53,
      1.5,
      -0,
      Number.POSITIVE_INFINITY,
      2n ** 62n,
      -(2n ** 63n),
      'text',
      '',
      'ünïcödé 🎈',
      new Uint8Array([0, 1, 255]),
      new Uint8Array(0),
    ];
    for (const value of values) await db.exec('INSERT INTO t VALUES (?)', [value]);
    const rows = await db.query<[unknown, string]>(
      'SELECT a, typeof(a) FROM t ORDER BY rowid',
      [],
      {
        rows: 'arrays',
      },
    );
    return rows;
  },

  async integers(db) {
    return [
      await db.query('SELECT 1 AS one, 2.0 AS two, 9007199254740993 AS big'),
      await db.query('SELECT 1 AS one, 2.0 AS two, NULL AS none', [], { integers: 'bigint' }),
    ];
  },

  async params(db) {
    await db.exec(PEOPLE);
    return {
      position: await db.query('SELECT name FROM people WHERE born > ?', [1900]),
      name: await db.query('SELECT name FROM people WHERE born > :year', { year: 1900 }),
      prefix: await db.query('SELECT name FROM people WHERE born > $year', { $year: 1900 }),
      twice: await db.query('SELECT @a AS x, @a AS y', { a: 7 }),
      tooFew: await failure(() => db.query('SELECT ?, ?', [1])),
      tooMany: await failure(() => db.query('SELECT ?', [1, 2])),
      missing: await failure(() => db.query('SELECT :a', { b: 1 })),
      unknown: await failure(() => db.query('SELECT :a', { a: 1, b: 2 })),
      unnamed: await failure(() => db.query('SELECT ?', { a: 1 })),
      notAValue: await failure(() => db.query('SELECT ?', [new Date(0) as never])),
      tooBig: await failure(() => db.query('SELECT ?', [2n ** 63n])),
      zeroInText: await failure(() => db.query('SELECT ?', ['a\0b'])),
    };
  },

  async exec(db) {
    const made = await db.exec(PEOPLE);
    const updated = await db.exec('UPDATE people SET born = born + 1');
    const none = await db.exec('CREATE TABLE other(a)');
    const beyond = await db.exec('INSERT INTO people(id) VALUES (?)', [2n ** 60n]);
    return { made, updated, none, beyond };
  },

  async iterate(db) {
    let sum = 0;
    for await (const { i } of db.iterate<{ i: number }>(MANY)) sum += i;
    const some: unknown[] = [];
    for await (const row of db.iterate(MANY, undefined, { rows: 'arrays' })) {
      // Other calls go on meanwhile.
      some.push(row, await db.query('SELECT 1', [], { rows: 'arrays' }));
      if (some.length >= 4) break;
    }
    return { sum, some, none: await collect(db.iterate('SELECT 1 WHERE 0')) };
  },

  /** A loop that was left early has let go of the table: it can be dropped. */
  async leftIteration(db) {
    await db.exec(PEOPLE);
    for await (const _ of db.iterate('SELECT * FROM people')) break;
    await db.exec('DROP TABLE people');
    return await db.query('SELECT count(*) AS tables FROM sqlite_schema');
  },

  async statement(db) {
    await db.exec('CREATE TABLE t(a)');
    await using(await db.prepare('INSERT INTO t VALUES (?)'), async (insert) => {
      for (const a of [3, 1, 2]) await insert.exec([a]);
    });
    const ordered = await db.prepare<{ a: number }>('SELECT a FROM t WHERE a > :least ORDER BY a');
    const found = [await ordered.query({ least: 0 }), await ordered.query({ least: 2 })];
    const iterated = await collect(ordered.iterate({ least: 1 }));
    await ordered.finalize();
    await ordered.finalize();
    return {
      found,
      iterated,
      after: await ordered.query({ least: 2 }),
      wrong: await failure(() => db.prepare('SELEC 1')),
      two: await failure(() => db.prepare('SELECT 1; SELECT 2')),
      none: await failure(() => db.prepare('  -- nothing')),
    };
  },

  async schemaChange(db) {
    await db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    const before = await db.query('SELECT * FROM t');
    await db.exec('ALTER TABLE t ADD COLUMN b DEFAULT 2');
    return [before, await db.query('SELECT * FROM t')];
  },

  async errors(db) {
    await db.exec('CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1)');
    return {
      syntax: await failure(() => db.exec('SELEC 1')),
      unique: await failure(() => db.exec('INSERT INTO t VALUES (1)')),
      works: await db.query('SELECT a FROM t'),
      two: await failure(() => db.query('SELECT 1; SELECT 2')),
    };
  },

  /** A statement that writes and is left alone keeps no other write from being committed. */
  async returning(db, options) {
    await db.exec('CREATE TABLE t(a); CREATE TABLE u(a)');
    const insert = `INSERT INTO t ${MANY} RETURNING a`;
    const iteration = db.iterate(insert);
    await iteration.next();
    await db.exec('INSERT INTO u VALUES (1)');
    const other = options.engine === 'memory' ? db : await openDatabase(db.path, options);
    const [seen] = await other.query('SELECT count(*) AS u, (SELECT count(*) FROM t) AS t FROM u');
    if (other !== db) await other.close();
    await iteration.return();
    return seen;
  },

  async pragmas(db) {
    const answers: unknown[] = [];
    for (const size of [100, 200, 100, 200]) {
      await db.query(`PRAGMA cache_size = ${size}`);
      answers.push(...(await db.query('/* now */ PRAGMA cache_size')));
    }
    return answers;
  },

  async unbound(db) {
    await db.exec('CREATE TABLE t(a)');
    const failed = await failure(() => db.exec('INSERT INTO t VALUES (?)'));
    return { failed, rows: await values(db) };
  },

  /** A query that would take minutes, reading from IndexedDB again and again. */
  async interrupted(db) {
    await db.exec(`PRAGMA cache_size = 10; CREATE TABLE t(a);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
      INSERT INTO t SELECT randomblob(3000) FROM n`);
    const control = new AbortController();
    setTimeout(() => control.abort(new Error('long enough')), 50);
    const sql = 'SELECT sum(length(x.a) + length(y.a)) FROM t x, t y, t z';
    const stopped = await failure(() => db.query(sql, [], { signal: control.signal }));
    return { stopped, after: await db.query('SELECT count(*) AS rows FROM t') };
  },

  async abort(db) {
    await db.exec('CREATE TABLE t(a)');
    const before = await failure(() => db.exec('SELECT 1', [], { signal: AbortSignal.abort() }));
    const waiting = new AbortController();
    const holding = db.transaction(async (tx) => {
      const queued = failure(() => db.query('SELECT 1', [], { signal: waiting.signal }));
      waiting.abort(new Error('enough'));
      const given = await queued;
      await tx.exec('INSERT INTO t VALUES (1)');
      return given;
    });
    const whileQueued = await holding;
    const control = new AbortController();
    const inTransaction = await failure(() =>
      db.transaction(
        async (tx) => {
          await tx.exec('INSERT INTO t VALUES (2)');
          control.abort(new Error('stop'));
          await tx.exec('INSERT INTO t VALUES (3)');
        },
        { signal: control.signal },
      ),
    );
    const rows = (await db.query('SELECT a FROM t', [], { rows: 'arrays' })).flat();
    return { before, whileQueued, inTransaction, rows };
  },

  /** What is exported, and then something else, is imported again. */
  async copied(db) {
    await db.exec(PEOPLE);
    const file = await new Response(db.export()).blob();
    const head = await file.slice(0, 15).text();
    await db.exec('DELETE FROM people');
    const back = await failure(() => db.import(file));
    return {
      head,
      isWhole: file.size > 0 && file.size % 4096 === 0,
      back,
      people: await db.query('SELECT name FROM people'),
    };
  },

  async closing(db) {
    await db.exec(PEOPLE);
    const last = db.query('SELECT count(*) AS people FROM people');
    const iteration = db.iterate(MANY);
    await iteration.next();
    await db.close();
    await db.close();
    return {
      last: await last,
      after: await failure(() => db.query('SELECT 1')),
      next: await failure(async () => {
        while (!(await iteration.next()).done);
      }),
      exported: await failure(async () => db.export().getReader().read()),
    };
  },

  async kept(db, options) {
    await db.exec(PEOPLE);
    await db.durable();
    await db.close();
    return await using(await openDatabase(db.path, options), (again) =>
      again.query('SELECT name FROM people'),
    );
  },
  ...TRANSACTIONS,
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as readonly ScenarioName[];

export async function runScenario(name: ScenarioName, options: ScenarioOptions): Promise<unknown> {
  const db = await openDatabase('test.db', options);
  try {
    return await SCENARIOS[name](db, options);
  } finally {
    await db.close();
  }
}
