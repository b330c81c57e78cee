export type { OnDamage } from './blockstore/recovered.js';
export type { Flush } from './blockstore/write-behind.js';
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
export type {
  CommitEvent,
  EngineInfo,
  RecoveryReport,
  VFSEventMap,
  VFSEventType,
  VFSListener,
} from './vfs/events.js';
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
