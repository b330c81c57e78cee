export type { OnDamage } from './blockstore/recovered.js';
export type { Flush } from './blockstore/write-behind.js';
export { Database } from './database/database.js';
export type { BundledBuild, EngineChoice, EngineName } from './database/engine-choice.js';
export type { LocateFile } from './database/load-build.js';
export { type OpenOptions, openDatabase } from './database/open-database.js';
export {
  estimateStorage,
  type Persistence,
  requestPersistence,
  type StorageEstimate,
} from './database/persistence.js';
export type { RowOptions } from './database/rows.js';
export type { ExecResult, QueryOptions, Row, RunOptions, SqlSession } from './database/session.js';
export { SqlError } from './database/sql-error.js';
export type { BindValue, Params, SqlValue } from './database/sqlite-api.js';
export type { Statement } from './database/statement.js';
export type { Transaction, TransactionOptions } from './database/transaction.js';
export {
  BlockStoreError,
  BusyError,
  ChangesError,
  CommitUnknownError,
  ConnectionLostError,
  CorruptionError,
  FormatVersionError,
  InvariantError,
  MemoryLimitError,
  NotADatabaseError,
  NotAVolumeError,
  OptionError,
  QuotaError,
  type RecordLocation,
  StorageError,
  StorageWorkerError,
  UnsupportedError,
} from './errors.js';
export type { VersionRange } from './recovery/aim.js';
export type { Defect, PageRange } from './recovery/defect.js';
export type { SalvageReport } from './recovery/salvage.js';
export type { VerifyReport } from './recovery/verify.js';
export { type ApplyToFileOptions, applyChangesToFile } from './transfer/apply-to-file.js';
export type { BackupMark, TransferProgress } from './transfer/mark.js';
export type { ByteSource } from './transfer/source.js';
export type { ChecksumAlgorithm, Durability } from './types.js';
export type { BlockVFS } from './vfs/block-vfs.js';
export type {
  CommitEvent,
  EngineInfo,
  RecoveryReport,
  VFSEventMap,
  VFSEventType,
  VFSListener,
} from './vfs/events.js';
export type { FileLayout } from './vfs/file-layout.js';
export { IDBBlockMirrorVFS } from './vfs/idb-block-mirror-vfs.js';
export { IDBBlockVFS } from './vfs/idb-block-vfs.js';
export type { Latency } from './vfs/metrics.js';
export type { Build } from './vfs/module.js';
export type { MirrorVFSOptions, VFSOptions } from './vfs/options.js';
export type { QuotaWarning } from './vfs/quota.js';
export { IDBBlockSharedVFS } from './vfs/shared/idb-block-shared-vfs.js';
export type { SharedVFSOptions } from './vfs/shared/options.js';
export { type ServeOptions, serveStorage } from './vfs/shared/serve.js';
export { storagePort } from './vfs/shared/storage-port.js';
export type { VFSStats } from './vfs/stats.js';
export type { SyncEnd, SyncStart } from './vfs/syncs.js';
export type { ApplyOptions, ApplyReport } from './vfs/transfer/apply.js';
export type { ExportOptions } from './vfs/transfer/export.js';
export type { ImportOptions, ImportReport } from './vfs/transfer/import.js';
export type { WriterChange, WriterPolicy, WriterState } from './vfs/writer-role.js';
