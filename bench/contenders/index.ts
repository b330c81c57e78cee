/** Everyone who takes part, in the order of the tables. */
import type { Contender } from '../types.ts';
import { idbBatchAtomic } from './idb-batch-atomic.ts';
import { idbBlock } from './idb-block.ts';
import { memory } from './memory.ts';

export const CONTENDERS: readonly Contender[] = [...idbBlock, ...idbBatchAtomic, ...memory];
