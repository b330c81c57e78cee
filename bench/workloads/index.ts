/** Everything that is measured, in the order of the tables. */
import type { Workload } from '../types.ts';
import { commitPages } from './commit-pages.ts';
import { commitRow } from './commit-row.ts';
import { load } from './load.ts';
import { pointReadsCold, pointReadsWarm } from './point-reads.ts';
import { scanCold } from './scan.ts';

export const WORKLOADS: readonly Workload[] = [
  commitRow,
  load,
  pointReadsCold,
  pointReadsWarm,
  scanCold,
  ...commitPages,
];
