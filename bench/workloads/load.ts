/**
 * A bulk load in one sqliteTx, with SQLite's own page cache of 2 MB: most of it spills.
 *
 * A statement per row is as much a figure of the API as of the storage: wa-sqlite's is asynchronous on
 * every build, sql.js's is not. A hundred rows to a statement leave the storage more of it; rows that one
 * INSERT … SELECT makes leave it all.
 */
import { writeRows } from '../floors.ts';
import { once } from '../measure.ts';
import { allRows, expectAllRows, insertMadeRows, insertRows, scanRows } from '../rows.ts';
import type { Session, Workload } from '../types.ts';

interface Loading {
  readonly name: string;
  readonly title: string;
  readonly rowsEach: number;
  readonly sqliteTxs?: number;
}

function loading({ rowsEach, sqliteTxs = 1, ...names }: Loading) {
  const workload: Workload = {
    ...names,
    database: names.name,
    cold: false,
    async run(session) {
      const rows = allRows();
      const measurement = await once(() => insertRows(session, rows, rowsEach, sqliteTxs));
      await check(session);
      return measurement;
    },
    check,
    ...(sqliteTxs === 1 ? { floor: writeRows } : {}),
  };
  return workload;
}

export const loadMade: Workload = {
  name: 'load-100k-rows-made',
  title: 'load of 100,000 rows, INSERT … SELECT',
  database: 'load-100k-rows-made',
  cold: false,
  async run(session) {
    const measurement = await once(() => insertMadeRows(session));
    await check(session);
    return measurement;
  },
  check,
};

async function check(session: Session): Promise<void> {
  expectAllRows(await scanRows(session));
}

export const load = loading({
  name: 'load-100k-rows',
  title: 'load of 100,000 rows',
  rowsEach: 1,
});

export const loadByHundred = loading({
  name: 'load-100k-rows-by-100',
  title: 'load of 100,000 rows, 100 to a statement',
  rowsEach: 100,
});

export const loadInHundred = loading({
  name: 'load-100k-rows-in-100',
  title: 'load of 100,000 rows in 100 sqliteTxs',
  rowsEach: 1,
  sqliteTxs: 100,
});
