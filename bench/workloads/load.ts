/** A bulk load in one sqliteTx, with SQLite's own page cache of 2 MB: most of it spills. */
import { once } from '../measure.ts';
import { fillRows, scanRows } from '../rows.ts';
import type { Workload } from '../types.ts';

export const load: Workload = {
  name: 'load-100k-rows',
  title: 'load of 100,000 rows',
  database: 'load',
  cold: false,
  async run(session) {
    const measurement = await once(() => fillRows(session));
    await scanRows(session);
    return measurement;
  },
  check: scanRows,
};
