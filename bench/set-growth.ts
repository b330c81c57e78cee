/** What the plots of BENCHMARKS.md show: cost against the size of a database, and of a commit. */
import { absurdSql } from './contenders/absurd-sql.ts';
import { idbBatchAtomic } from './contenders/idb-batch-atomic.ts';
import { idbBlock } from './contenders/idb-block.ts';
import { idbBlockMirror } from './contenders/idb-block-mirror.ts';
import { idbBlockShared } from './contenders/idb-block-shared.ts';
import { opfsSahpool } from './contenders/opfs-sahpool.ts';
import { rawIdb } from './contenders/raw-idb.ts';
import { type BenchmarkSet, lasting, onBuild, plain, setOf } from './set.ts';
import { commitSomePages } from './workloads/commit-pages.ts';
import { sized } from './workloads/sized.ts';

const onDemand = plain(lasting([...onBuild(idbBlock, 'jspi'), ...idbBlockShared], 'relaxed'));
const ours = [...onDemand, ...plain(lasting(idbBlockMirror, 'relaxed'))];
const peers = [
  ...plain(absurdSql),
  ...lasting(onBuild(idbBatchAtomic, 'jspi'), 'relaxed'),
  opfsSahpool,
];
const everyone = [...ours, ...peers];

export const growth: BenchmarkSet = setOf([
  [commitSomePages, [...everyone, ...lasting(rawIdb, 'relaxed')]],
  [[...sized[1], ...sized[10], ...sized[100]], everyone],
  // More than an engine that holds it all can hold, or than its peers make in the time there is.
  [sized[1000], onDemand],
]);
