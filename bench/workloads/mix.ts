/**
 * What a small application's server would do: short sqliteTxs of five point reads, two updates and one
 * insert, in a table of 10 MB that SQLite's page cache does not hold. Once for the time they take, once
 * for what an hour of them, one a second, leaves behind.
 */
import { commits } from '../floors.ts';
import { expectEqual, type LoopOptions, loop } from '../measure.ts';
import { allRows, fillRows, ROW_COUNT, rowOf } from '../rows.ts';
import type { Measurement, Session, Workload } from '../types.ts';
import { countWrites } from '../write-counter.ts';

const READS = 5;
const UPDATES = 2;
const LOG = 'CREATE TABLE log (id INTEGER PRIMARY KEY, row INTEGER, text TEXT)';
const TEXT_CHARS = 60;
const SHORT = { iterations: 300, warmup: 20 };
const HOUR = { iterations: 3600, warmup: 0 };

async function prepare(session: Session): Promise<void> {
  await fillRows(session);
  await session.exec(LOG);
}

/** Ids over the whole table, in no order. */
function idOf(sqliteTx: number, nth: number): number {
  return (((sqliteTx * (READS + UPDATES) + nth) * 61_803) % ROW_COUNT) + 1;
}

/** IMMEDIATE, as a sqliteTx that will write should begin; OPFSWriteAheadVFS refuses any other. */
async function mix(session: Session, options: LoopOptions): Promise<Measurement> {
  const begin = await session.prepare('BEGIN IMMEDIATE');
  const select = await session.prepare('SELECT * FROM rows WHERE id = ?');
  const update = await session.prepare('UPDATE rows SET b = b + 1 WHERE id = ?');
  const insert = await session.prepare('INSERT INTO log VALUES (?, ?, ?)');
  const commit = await session.prepare('COMMIT');
  const measurement = await loop(async (i) => {
    await begin.run();
    for (let nth = 0; nth < READS; nth++) {
      const id = idOf(i, nth);
      const [row] = await select.run([id]);
      if (row?.[0] !== id || row[1] !== rowOf(id)[1]) throw new Error(`Wrong row ${id}: ${row}`);
    }
    for (let nth = READS; nth < READS + UPDATES; nth++) await update.run([idOf(i, nth)]);
    await insert.run([i, idOf(i, 0), `sqliteTx ${i} `.padEnd(TEXT_CHARS, 'x')]);
    await commit.run();
  }, options);
  for (const one of [begin, select, update, insert, commit]) await one.finalize();
  return measurement;
}

const checkOf =
  ({ iterations, warmup }: LoopOptions) =>
  async (session: Session): Promise<void> => {
    const count = iterations + warmup;
    const [log] = await session.exec('SELECT count(*), max(id), sum(length(text)) FROM log');
    expectEqual(log, [count, count - 1, count * TEXT_CHARS], 'rows of the log');
    const [rows] = await session.exec('SELECT count(*), sum(b) FROM rows');
    const sum = allRows().reduce((total, [, , b]) => total + b, 0);
    expectEqual(rows, [ROW_COUNT, sum + count * UPDATES], 'rows after the updates');
  };

export const mixed: Workload = {
  name: 'mix',
  title: 'sqliteTx of 5 point reads, 2 updates, 1 insert',
  database: 'mix',
  cold: false,
  prepare,
  async run(session) {
    const measurement = await mix(session, SHORT);
    await checkOf(SHORT)(session);
    return measurement;
  },
  check: checkOf(SHORT),
  // The pages of two rows and of the log, and the first.
  floor: commits({ pages: 4, ...SHORT }),
};

export const churn: Workload = {
  name: 'churn',
  title: `${HOUR.iterations.toLocaleString('en')} such sqliteTxs, one a second for an hour`,
  database: 'churn',
  cold: false,
  space: true,
  memory: true,
  prepare,
  async run(session) {
    const written = countWrites();
    const changedBefore = session.counters?.()['bytesChanged'];
    const measurement = await mix(session, HOUR);
    const changed = session.counters?.()['bytesChanged'];
    await checkOf(HOUR)(session);
    const [size] = await session.exec(
      'SELECT page_count * page_size FROM pragma_page_count, pragma_page_size',
    );
    const details = {
      liveBytes: Number(size?.[0]),
      // Nothing if the engine writes in another context.
      ...(written() > 0 ? { writtenBytes: written() } : {}),
      ...(changed === undefined ? {} : { changedBytes: changed - (changedBefore ?? 0) }),
    };
    return { ...measurement, details };
  },
  check: checkOf(HOUR),
};
