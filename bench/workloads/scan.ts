/** A scan of the whole 10 MB table with nothing in memory. */
import { once } from '../measure.ts';
import { expectAllRows, fillRows, scanRows } from '../rows.ts';
import type { Row, Workload } from '../types.ts';

export const scanCold: Workload = {
  name: 'scan-cold',
  title: 'scan of 10 MB, cold',
  database: 'rows',
  cold: true,
  prepare: fillRows,
  async run(session) {
    let found: Row = [];
    const measurement = await once(async () => {
      found = await scanRows(session);
    });
    expectAllRows(found);
    return measurement;
  },
};
