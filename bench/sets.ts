/** Who takes part in each set, and in which workloads, in the order of the tables. */
import { absurdSql } from './contenders/absurd-sql.ts';
import { absurderSql } from './contenders/absurder-sql.ts';
import { idbBatchAtomic } from './contenders/idb-batch-atomic.ts';
import { idbBlock } from './contenders/idb-block.ts';
import { idbBlockMirror } from './contenders/idb-block-mirror.ts';
import { idbBlockShared } from './contenders/idb-block-shared.ts';
import { idbMirror } from './contenders/idb-mirror.ts';
import { memory } from './contenders/memory.ts';
import { opfsSahpool, sqliteWasmMemory } from './contenders/opfs-sahpool.ts';
import { opfsCoopSync, opfsWriteAhead } from './contenders/opfs-wa-sqlite.ts';
import { rawIdb } from './contenders/raw-idb.ts';
import type { SetName } from './sets.mjs';
import type { Contender, Workload } from './types.ts';
import { commitDeferred } from './workloads/commit-deferred.ts';
import { commitPages } from './workloads/commit-pages.ts';
import { commitRow } from './workloads/commit-row.ts';
import { load, loadByHundred, loadMade } from './workloads/load.ts';
import { pointReadsCold, pointReadsPreparedEach, pointReadsWarm } from './workloads/point-reads.ts';
import { scanCold, scanWarm } from './workloads/scan.ts';
import { updateAll } from './workloads/update-all.ts';

export interface BenchmarkSet {
  readonly contenders: readonly Contender[];
  readonly workloads: readonly Workload[];
}

const onBuild = (contenders: readonly Contender[], build: string): Contender[] =>
  contenders.filter((contender) => contender.build === build);

export const SETS: Readonly<Record<SetName, BenchmarkSet>> = {
  targets: {
    contenders: [
      ...idbBlock,
      ...idbBlockMirror,
      ...idbBlockShared,
      ...absurdSql,
      ...onBuild(idbBatchAtomic, 'jspi'),
      ...absurderSql,
      opfsSahpool,
      opfsCoopSync,
      ...opfsWriteAhead,
      ...rawIdb,
      ...memory,
      sqliteWasmMemory,
    ],
    workloads: [commitRow, commitDeferred, load, scanCold, pointReadsCold, updateAll],
  },
  async: {
    contenders: [
      ...idbBlock.filter(({ durability }) => durability !== 'deferred'),
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
  },
};
