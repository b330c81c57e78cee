/** Databases of other libraries, as streams for `importFile` (docs/MIGRATION.md). */
export { BlockStoreError, PeerStoreError } from '../errors.js';
export { readAbsurdSql } from './absurd-sql.js';
export { readAbsurderSql } from './absurder-sql.js';
export { readBatchAtomic } from './batch-atomic.js';
export { readMirror } from './mirror.js';
export { type ReadOpfsOptions, readOpfsFile, readOpfsPool } from './opfs.js';
export type { MigrateOptions } from './peer-store.js';
