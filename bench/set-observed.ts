/** What it costs to be watched, and that it costs nothing not to be. */
import { idbBlock, idbBlockObserved } from './contenders/idb-block.ts';
import { idbBlockMirror, idbBlockMirrorObserved } from './contenders/idb-block-mirror.ts';
import { idbBlockShared, idbBlockSharedObserved } from './contenders/idb-block-shared.ts';
import { type BenchmarkSet, lasting, plain } from './set.ts';
import { commitRow } from './workloads/commit-row.ts';
import { pointReadsWarm } from './workloads/point-reads.ts';

const unobserved = lasting(
  plain([...idbBlock, ...idbBlockMirror, ...idbBlockShared]).filter(({ optional }) => !optional),
  'relaxed',
);

export const observed: BenchmarkSet = {
  contenders: [
    ...unobserved,
    ...idbBlockObserved,
    ...idbBlockMirrorObserved,
    ...idbBlockSharedObserved,
  ],
  workloads: [commitRow, pointReadsWarm],
};
