/** Point reads by key, each a sqliteTx of its own, in a table of 10 MB. */
import { readPages } from '../floors.ts';
import { batches, expectEqual, loop } from '../measure.ts';
import { fillRows, rowOf, scatteredIds } from '../rows.ts';
import type { Contender, Measurement, Row, Session, Workload } from '../types.ts';

const SELECT = 'SELECT * FROM rows WHERE id = ?';
const COLD_READS = 200;
const MANY_READS = 2000;
const WARM_IDS = 1000;
const WARM = { iterations: 2000, warmup: WARM_IDS, warmupMs: 500, batch: 50 };

type Read = (id: number) => Promise<Row[]>;
type Clock = (operation: (iteration: number) => Promise<void>) => Promise<Measurement>;

/** Reads the rows with these ids, and checks them when the clock has stopped. @throws if one is wrong. */
async function reading(read: Read, ids: readonly number[], clock: Clock): Promise<Measurement> {
  const idOf = (i: number) => ids[i % ids.length] as number;
  const found: Row[][] = [];
  const measurement = await clock(async (i) => {
    found.push(await read(idOf(i)));
  });
  found.forEach((rows, i) => {
    expectEqual(rows, [rowOf(idOf(i))], 'row');
  });
  return measurement;
}

/** As applications with a statement cache do. */
async function preparedOnce(session: Session, ids: readonly number[], clock: Clock) {
  const select = await session.prepare(SELECT);
  const measurement = await reading((id) => select.run([id]), ids, clock);
  await select.finalize();
  return measurement;
}

/** As applications without one do. */
async function preparedEach(session: Session, ids: readonly number[], clock: Clock) {
  const read = async (id: number) => {
    const select = await session.prepare(SELECT);
    const rows = await select.run([id]);
    await select.finalize();
    return rows;
  };
  return await reading(read, ids, clock);
}

/** When commits are acknowledged is nothing to a read. */
export const readers = ({ durability }: Pick<Contender, 'durability'>): boolean =>
  durability !== 'deferred';

export const pointReadsCold: Workload = {
  name: 'point-read-cold',
  title: 'point read, cold',
  database: 'rows',
  cold: true,
  takes: readers,
  prepare: fillRows,
  run: (session) =>
    preparedOnce(session, scatteredIds(COLD_READS), (operation) =>
      loop(operation, { iterations: COLD_READS, warmup: 0 }),
    ),
  floor: readPages(COLD_READS),
};

/** With nothing in memory, and enough of them for what each fetches to be of use to the next. */
export const pointReadsReopened: Workload = {
  name: 'point-read-reopened',
  title: 'point read, the first 2,000 after reopening',
  database: 'rows',
  cold: true,
  takes: readers,
  prepare: fillRows,
  run: (session) =>
    preparedOnce(session, scatteredIds(MANY_READS), (operation) =>
      loop(operation, { iterations: MANY_READS, warmup: 0 }),
    ),
};

export const pointReadsRestarted: Workload = {
  ...pointReadsReopened,
  name: 'point-read-restarted',
  title: 'point read, the first 2,000 after a browser restart',
  restart: true,
};

// Each row at least once before the clock starts.
const warmClock: Clock = (operation) => batches(operation, WARM);

export const pointReadsWarm: Workload = {
  name: 'point-read-warm',
  title: 'point read, warm',
  database: 'rows',
  cold: false,
  takes: readers,
  prepare: fillRows,
  run: (session) => preparedOnce(session, scatteredIds(WARM_IDS), warmClock),
};

export const pointReadsPreparedEach: Workload = {
  name: 'point-read-prepared-each',
  title: 'point read, warm, each prepared anew',
  database: 'rows',
  cold: false,
  takes: readers,
  prepare: fillRows,
  run: (session) => preparedEach(session, scatteredIds(WARM_IDS), warmClock),
};
