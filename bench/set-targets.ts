/**
 * The lines of BENCHMARKS.md that say how far ahead this package is to be: each workload with the
 * contenders that its line compares, and no more, so that a whole run takes minutes.
 */
import { absurdSql } from './contenders/absurd-sql.ts';
import { absurderSql } from './contenders/absurder-sql.ts';
import { available } from './contenders/builds.ts';
import { idbBatchAtomic } from './contenders/idb-batch-atomic.ts';
import { idbBlock } from './contenders/idb-block.ts';
import { idbBlockMirror } from './contenders/idb-block-mirror.ts';
import { idbBlockShared } from './contenders/idb-block-shared.ts';
import { memory } from './contenders/memory.ts';
import { opfsSahpool } from './contenders/opfs-sahpool.ts';
import { opfsWriteAhead } from './contenders/opfs-wa-sqlite.ts';
import { rawIdb } from './contenders/raw-idb.ts';
import { type BenchmarkSet, lasting, onBuild, plain, setOf } from './set.ts';
import type { Contender } from './types.ts';
import { classic } from './workloads/classic.ts';
import { commitDeferred } from './workloads/commit-deferred.ts';
import { commitRow } from './workloads/commit-row.ts';
import { load } from './workloads/load.ts';
import { mixed } from './workloads/mix.ts';
import { openAfterCommits, openEmpty } from './workloads/open.ts';
import { pageShape } from './workloads/page-shape.ts';
import {
  pointReadsReopened,
  pointReadsRestarted,
  pointReadsWarm,
} from './workloads/point-reads.ts';
import { scanCold, scanRestarted } from './workloads/scan.ts';
import { sized } from './workloads/sized.ts';
import { updateAll } from './workloads/update-all.ts';

/** Asyncify stands in for JSPI where there is none. */
function asynchronous(contenders: readonly Contender[]): Contender[] {
  const instead = { available: () => !available('jspi') };
  const standIns = onBuild(contenders, 'asyncify').map((one) => ({ ...one, ...instead }));
  return [...onBuild(contenders, 'jspi'), ...standIns];
}

const onDemand = plain([...asynchronous(idbBlock), ...idbBlockShared]);
const ours = [...onDemand, ...plain(idbBlockMirror)];
const absurd4 = plain(absurdSql);
const batch = asynchronous(idbBatchAtomic);
const inMemory = [
  ...memory.filter(({ build, engine }) => build === 'sync' && engine === 'MemoryVFS'),
  ...asynchronous(memory),
];

const oursRelaxed = lasting(ours, 'relaxed');
const relaxedPeers = [...absurd4, ...lasting(batch, 'relaxed')];
const readers = [...oursRelaxed, ...absurd4, ...lasting(batch, 'relaxed'), opfsSahpool];
const scanners = [
  ...oursRelaxed,
  ...absurdSql,
  ...lasting(batch, 'relaxed'),
  ...lasting(rawIdb, 'relaxed'),
];

export const targets: BenchmarkSet = setOf([
  [
    commitRow,
    [
      ...lasting(ours, 'strict', 'relaxed'),
      ...absurd4,
      ...batch,
      ...absurderSql.filter(({ durability }) => durability === 'relaxed'),
      opfsSahpool,
      ...opfsWriteAhead,
      ...rawIdb,
    ],
  ],
  [commitDeferred, [...lasting(ours, 'deferred'), ...absurd4, ...inMemory]],
  [
    mixed,
    [
      ...oursRelaxed,
      ...relaxedPeers,
      opfsSahpool,
      ...lasting(opfsWriteAhead, 'strict'),
      ...lasting(rawIdb, 'relaxed'),
    ],
  ],
  [load, [...oursRelaxed, ...relaxedPeers, ...inMemory]],
  [scanCold, scanners],
  [pointReadsReopened, readers],
  [pointReadsWarm, [...readers, ...inMemory]],
  [[scanRestarted, pointReadsRestarted], scanners.filter(({ raw }) => !raw)],
  [updateAll, [...oursRelaxed, ...relaxedPeers, ...lasting(rawIdb, 'relaxed')]],
  [classic, [...oursRelaxed, ...relaxedPeers, opfsSahpool, ...inMemory]],
  [pageShape, [...oursRelaxed, ...relaxedPeers, ...absurdSql.slice(1), ...absurderSql]],
  [openEmpty, inMemory],
  [sized[100].filter(({ name }) => name.startsWith('open')), [...lasting(onDemand, 'relaxed')]],
  [openAfterCommits, lasting(onDemand, 'relaxed')],
]);
