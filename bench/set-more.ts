/** Everything else that applications do, with every contender that can. */
import { absurdSql } from './contenders/absurd-sql.ts';
import { idbBatchAtomic } from './contenders/idb-batch-atomic.ts';
import { idbBlock } from './contenders/idb-block.ts';
import { idbBlockMirror } from './contenders/idb-block-mirror.ts';
import { idbBlockShared } from './contenders/idb-block-shared.ts';
import { idbMirror } from './contenders/idb-mirror.ts';
import { memory } from './contenders/memory.ts';
import { opfsSahpool, sqliteWasmMemory } from './contenders/opfs-sahpool.ts';
import { opfsCoopSync, opfsWriteAhead } from './contenders/opfs-wa-sqlite.ts';
import { type BenchmarkSet, lasting, onBuild, plain } from './set.ts';
import { deleteVacuum } from './workloads/delete-vacuum.ts';
import { fullTextBuild, fullTextSearch } from './workloads/full-text.ts';
import { indexBuild, indexRanges } from './workloads/index-reads.ts';
import { loadInHundred } from './workloads/load.ts';
import { churn } from './workloads/mix.ts';
import { turns } from './workloads/turns.ts';

/** absurder-sql loads the databases of all of an origin to open one: it would pay for its other figures. */
export const more: BenchmarkSet = {
  contenders: [
    ...lasting(
      plain([...idbBlock, ...idbBlockMirror, ...idbBlockShared]).filter(
        ({ optional }) => !optional,
      ),
      'relaxed',
    ),
    ...absurdSql,
    ...onBuild(idbBatchAtomic, 'jspi'),
    ...idbMirror,
    opfsSahpool,
    opfsCoopSync,
    ...opfsWriteAhead,
    ...memory,
    sqliteWasmMemory,
  ],
  workloads: [
    loadInHundred,
    indexBuild,
    indexRanges,
    deleteVacuum,
    fullTextBuild,
    fullTextSearch,
    turns,
    churn,
  ],
};
