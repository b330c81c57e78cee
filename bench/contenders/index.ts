/** Everyone who takes part, in the order of the tables. */
import type { Contender } from '../types.ts';
import { absurdSql } from './absurd-sql.ts';
import { idbBatchAtomic } from './idb-batch-atomic.ts';
import { idbBlock } from './idb-block.ts';
import { idbBlockMirror } from './idb-block-mirror.ts';
import { idbMirror } from './idb-mirror.ts';
import { memory } from './memory.ts';

export const CONTENDERS: readonly Contender[] = [
  ...idbBlock,
  ...idbBlockMirror,
  ...idbBatchAtomic,
  ...idbMirror,
  ...absurdSql,
  ...memory,
];
