/** Who takes part in each set, and in which workloads, in the order of the tables. */
import { absurdSql } from './contenders/absurd-sql.ts';
import { idbBatchAtomic } from './contenders/idb-batch-atomic.ts';
import { idbBlock } from './contenders/idb-block.ts';
import { idbBlockMirror } from './contenders/idb-block-mirror.ts';
import { idbBlockShared } from './contenders/idb-block-shared.ts';
import { idbMirror } from './contenders/idb-mirror.ts';
import { memory } from './contenders/memory.ts';
import type { BenchmarkSet } from './set.ts';
import { awaited, onBuild } from './set.ts';
import { growth } from './set-growth.ts';
import { more } from './set-more.ts';
import { observed } from './set-observed.ts';
import { targets } from './set-targets.ts';
import type { SetName } from './sets.mjs';
import { commitDeferred } from './workloads/commit-deferred.ts';
import { commitPages } from './workloads/commit-pages.ts';
import { commitRow } from './workloads/commit-row.ts';
import { load, loadByHundred, loadMade } from './workloads/load.ts';
import { pointReadsCold, pointReadsPreparedEach, pointReadsWarm } from './workloads/point-reads.ts';
import { scanCold, scanWarm } from './workloads/scan.ts';
import { updateAll } from './workloads/update-all.ts';

export const SETS: Readonly<Record<SetName, BenchmarkSet>> = {
  targets,
  growth,
  more,
  observed,
  async: {
    contenders: [
      ...awaited(idbBlock),
      ...idbBatchAtomic,
      ...memory.filter(({ engine }) => engine === 'MemoryVFS'),
    ],
    workloads: [commitRow, load, pointReadsCold, pointReadsWarm, scanCold, ...commitPages],
  },
  sync: {
    contenders: [
      ...idbBlockMirror,
      ...idbBlockShared,
      ...absurdSql,
      ...idbMirror,
      ...onBuild(idbBatchAtomic, 'jspi'),
      ...onBuild(memory, 'sync'),
    ],
    workloads: [
      commitRow,
      commitDeferred,
      load,
      loadByHundred,
      loadMade,
      scanCold,
      pointReadsCold,
      pointReadsWarm,
      pointReadsPreparedEach,
      scanWarm,
      updateAll,
    ],
    takes: ({ durability }, { name }) =>
      name !== commitDeferred.name || durability === 'deferred' || durability === 'none',
  },
};
