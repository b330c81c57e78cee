/** A scan of the whole 10 MB table, five times what SQLite's own page cache holds. */
import * as floors from '../floors.ts';
import { loop, once } from '../measure.ts';
import { expectAllRows, fillRows, scanRows } from '../rows.ts';
import type { Row, Workload } from '../types.ts';
import { readers } from './point-reads.ts';

const WARM_SCANS = 10;

/** With nothing in memory. */
export const scanCold: Workload = {
  name: 'scan-cold',
  title: 'scan of 10 MB, cold',
  database: 'rows',
  cold: true,
  takes: readers,
  prepare: fillRows,
  async run(session) {
    let found: Row = [];
    const measurement = await once(async () => {
      found = await scanRows(session);
    });
    expectAllRows(found);
    return measurement;
  },
  floor: floors.scanRows,
};

export const scanRestarted: Workload = {
  ...scanCold,
  name: 'scan-restarted',
  title: 'scan of 10 MB after a browser restart',
  restart: true,
};

export const scanWarm: Workload = {
  name: 'scan-warm',
  title: 'scan of 10 MB, warm',
  database: 'rows',
  cold: false,
  takes: readers,
  prepare: fillRows,
  async run(session) {
    let found: Row = [];
    const measurement = await loop(
      async () => {
        found = await scanRows(session);
      },
      { iterations: WARM_SCANS, warmup: 1, warmupMs: 300 },
    );
    expectAllRows(found);
    return measurement;
  },
};
