/** A scan of the whole 10 MB table with nothing in memory. */
import { once } from '../measure.ts';
import { fillRows, scanRows } from '../rows.ts';
import type { Workload } from '../types.ts';

export const scanCold: Workload = {
  name: 'scan-cold',
  title: 'scan of 10 MB, cold',
  database: 'rows',
  cold: true,
  prepare: fillRows,
  run: (session) => once(() => scanRows(session)),
};
