/** Everything that is measured, in the order of the tables. */
import type { Workload } from '../types.ts';
import { commitDeferred } from './commit-deferred.ts';
import { commitPages } from './commit-pages.ts';
import { commitRow } from './commit-row.ts';
import { load } from './load.ts';
import { pointReadsCold, pointReadsWarm } from './point-reads.ts';
import { scanCold, scanWarm } from './scan.ts';
import { updateAll } from './update-all.ts';

export const WORKLOADS: readonly Workload[] = [
  commitRow,
  commitDeferred,
  load,
  pointReadsCold,
  scanCold,
  ...pointReadsWarm,
  scanWarm,
  updateAll,
  ...commitPages,
];
