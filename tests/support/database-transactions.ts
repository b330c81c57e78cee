/** What an app does with transactions of an `openDatabase` database. */
import { openDatabase } from '../../src/index.js';
import { failure, MANY, PEOPLE, type Scenario, values } from './database-probes.ts';

export const TRANSACTIONS = {
  async transaction(db) {
    await db.exec('CREATE TABLE t(a)');
    const answer = await db.transaction(async (tx) => {
      await tx.exec('INSERT INTO t VALUES (1)');
      return 'committed';
    });
    const thrown = await failure(() =>
      db.transaction(async (tx) => {
        await tx.exec('INSERT INTO t VALUES (2)');
        throw new RangeError('mine');
      }),
    );
    let kept: { exec(sql: string): Promise<unknown> } | undefined;
    await db.transaction(async (tx) => {
      kept = tx;
      await tx.exec('INSERT INTO t VALUES (3)');
      await failure(() =>
        tx.transaction(async () => {
          await tx.exec('INSERT INTO t VALUES (4)');
          throw new Error('undone alone');
        }),
      );
      await tx.transaction(() => tx.exec('INSERT INTO t VALUES (5)'));
    });
    return {
      answer,
      thrown,
      rows: (await db.query('SELECT a FROM t', [], { rows: 'arrays' })).flat(),
      afterwards: await failure(async () => kept?.exec('INSERT INTO t VALUES (6)')),
      mode: await failure(() => db.transaction(async () => 1, { mode: 'eager' as never })),
      retryCountMax: await failure(() => db.transaction(async () => 1, { retryCountMax: -1 })),
    };
  },

  /** What is called while a transaction is under way is run after it. */
  async order(db) {
    await db.exec('CREATE TABLE t(a)');
    const under = db.transaction(async (tx) => {
      await tx.exec('INSERT INTO t VALUES (1)');
      await new Promise((resolve) => setTimeout(resolve, 20));
      await tx.exec('INSERT INTO t VALUES (2)');
    });
    const count = db.query('SELECT count(*) AS rows FROM t');
    await under;
    return await count;
  },

  /** An iteration that a transaction leaves open ends with it. */
  async openIteration(db) {
    await db.exec(PEOPLE);
    let left: AsyncIterator<unknown> | undefined;
    await db.transaction(async (tx) => {
      left = tx.iterate(MANY);
      await left.next();
    });
    await db.exec('DROP TABLE people');
    const rest = failure(async () => {
      while (!(await left?.next())?.done);
    });
    return await rest;
  },

  async busy(db, options) {
    await db.exec('CREATE TABLE t(a)');
    const other = await openDatabase(db.path, options);
    let attempts = 0;
    const write = (retryCountMax: number) =>
      other.transaction((tx) => tx.exec('INSERT INTO t VALUES (2)'), { retryCountMax });
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let hold: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      hold = resolve;
    });
    const holding = db.transaction(
      async (tx) => {
        await tx.exec('INSERT INTO t VALUES (3)');
        hold();
        await released;
      },
      { retryCountMax: 50 },
    );
    await held;
    const refused = await failure(() => write(0));
    const retried = other.transaction(
      async (tx) => {
        attempts++;
        await tx.exec('INSERT INTO t VALUES (4)');
      },
      { retryCountMax: 50 },
    );
    setTimeout(() => release(), (options.busyTimeoutMs ?? 0) * 3);
    await Promise.all([holding, retried]);
    await other.close();
    const rows = (await db.query('SELECT a FROM t ORDER BY a', [], { rows: 'arrays' })).flat();
    return { refused, attempts, rows };
  },

  /** SQLite rolls back by itself: what comes then must not be committed alone. */
  async rolledBack(db) {
    await db.exec('CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1)');
    const caught = await failure(() =>
      db.transaction(async (tx) => {
        await tx.exec('INSERT INTO t VALUES (2)');
        await failure(() => tx.exec('INSERT OR ROLLBACK INTO t VALUES (1)'));
        await tx.exec('INSERT INTO t VALUES (3)');
      }),
    );
    const queued = await failure(() =>
      db.transaction((tx) =>
        Promise.all([
          tx.exec('INSERT OR ROLLBACK INTO t VALUES (1)'),
          failure(() => tx.exec('INSERT INTO t VALUES (4)')),
        ]),
      ),
    );
    return { caught, queued, rows: await values(db) };
  },

  /** What is called without waiting, when the function has returned. */
  async late(db) {
    await db.exec('CREATE TABLE t(a)');
    let late: Promise<unknown> | undefined;
    await db.transaction(async (tx) => {
      await tx.exec('INSERT INTO t VALUES (1)');
      setTimeout(() => {
        late = failure(() => tx.exec('INSERT INTO t VALUES (2)'));
      });
    });
    while (!late) await new Promise((resolve) => setTimeout(resolve));
    return { late: await late, rows: await values(db) };
  },

  async parts(db) {
    await db.exec('CREATE TABLE t(a)');
    let second: unknown;
    await db.transaction(async (tx) => {
      const first = tx.transaction(async (part) => {
        await part.exec('INSERT INTO t VALUES (1)');
        await failure(() =>
          part.transaction(async (inner) => {
            await inner.exec('INSERT INTO t VALUES (2)');
            throw new Error('undone alone');
          }),
        );
      });
      second = await failure(() => tx.transaction(async () => undefined));
      await first;
    });
    return { second, rows: await values(db) };
  },
} satisfies Record<string, Scenario>;
