/** A bulk load in one sqliteTx, with SQLite's own page cache of 2 MB: most of it spills. */
import { once } from '../measure.ts';
import { allRows, expectAllRows, insertRows, scanRows } from '../rows.ts';
import type { Session, Workload } from '../types.ts';

export const load: Workload = {
  name: 'load-100k-rows',
  title: 'load of 100,000 rows',
  database: 'load',
  cold: false,
  async run(session) {
    const rows = allRows();
    const measurement = await once(() => insertRows(session, rows));
    await check(session);
    return measurement;
  },
  check,
};

async function check(session: Session): Promise<void> {
  expectAllRows(await scanRows(session));
}
