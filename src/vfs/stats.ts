/** What `stats()` tells of a VFS. Each number is explained in docs/OBSERVABILITY.md. */
import type { BlockFile } from '../blockstore/file.js';
import type { Volume } from '../blockstore/volume.js';
import type { DatabaseFile } from './database-file.js';
import type { ErrorCounts } from './error-counts.js';
import type { RecoveryReport } from './events.js';
import type { Latency, Metrics } from './metrics.js';

/** Counted since `create`, unless it says *now*. Nothing is lost when files are closed, unless it says *of open files*. */
export interface VFSStats {
  /** Commits complete in IndexedDB; one that writes to several files counts for each. */
  commits: number;
  /** Bytes of the blocks that they wrote: pages × page size, those moved by compaction included. */
  committedBytes: number;
  /**
   * Of the last 1,024 commits, from the commit point to `complete`, in milliseconds; deferred commits
   * include the time they waited to be sent. Undefined before the first.
   */
  commitLatencyMs: Latency | undefined;
  /** Commits that were complete, for each of the last ten seconds. */
  commitsPerSecond: number;
  /** Bytes of their blocks, for each of the last ten seconds. */
  committedBytesPerSecond: number;
  /** idbTxs with commits that failed, or whose outcome could not be looked up. */
  failedSyncs: number;
  /** Times that acknowledged commits of deferred durability were lost. */
  losses: number;
  /** IndexedDB requests made. */
  requests: number;
  /** idbTxs made. */
  transactions: number;
  /** Bytes of all values handed to IndexedDB: segments, commit records, maps; also in vain. */
  bytesWritten: number;
  /** Times a lost connection was opened anew. */
  reopens: number;
  /** Reads of a block answered from memory. */
  cacheHits: number;
  /** Reads of a block that fetched a segment. */
  cacheMisses: number;
  /** Segments fetched, read-ahead included; commit records and maps are not. */
  segmentsRead: number;
  /** Bytes of these segments. */
  bytesRead: number;
  /** Segments fetched before anybody asked for them. */
  readAheadSegments: number;
  /**
   * Those of them of which a block was read since. With the shared engine: sent to a client, which
   * may have read it or not.
   */
  readAheadUsedSegments: number;
  /** Blocks refused because their checksum was wrong. */
  checksumFailures: number;
  /**
   * Errors by the `code` of the error: what VFS methods answered with a failure for, SQLITE_BUSY included,
   * and defects found when a file was opened. Each is an `error` event.
   */
  errors: Readonly<Record<string, number>>;
  /** Those of the last 60 seconds. */
  errorsPerMinute: number;
  /** Bytes of segments in memory, now. */
  cacheBytes: number;
  /** Bytes of segments that sqliteTxs under way hold, now: at most twice `spillBytes` each. */
  stagedBytes: number;
  /** Bytes of page images that rollback journals hold, now. */
  journalBytes: number;
  /** Acknowledged commits that are not complete, now. */
  deferredCommits: number;
  /** Bytes of their segments. */
  deferredBytes: number;
  /**
   * Blocks that SQLite has written and that are not safe, now: of sqliteTxs under way, spilled or
   * not, and of acknowledged commits that are not complete.
   */
  dirtyBlocks: number;
  /** Bytes of these blocks. */
  dirtyBytes: number;
  /** Snapshots pinned, now. */
  openSnapshots: number;
  /**
   * Contexts that keep snapshots of open files, beside this one. As this context last asked, which it
   * does as a writer, once for each checkpoint; so with the two below.
   */
  otherReaders: number;
  /** Versions from the oldest snapshot, here or elsewhere, to the newest: of the file with the most. */
  snapshotLag: number;
  /** Dead segments that would be reclaimed by now if nobody had an old snapshot. */
  heldBackSegments: number;
  /**
   * Times that a write could not begin at once: for the writer lock, which another context had or
   * which the browser had to be asked for, or for another thread of the storage worker. Waits in
   * vain, and SQLite's busy handler, which asks again, count each time.
   */
  lockWaits: number;
  /** How long these waits lasted, in milliseconds. */
  lockWaitMs: number;
  /** Segments with a live block, of open files, now. */
  liveSegments: number;
  /** Dead segments that wait for reclaim, of open files, now. */
  supersededSegments: number;
  /** Bytes of live blocks, of open files, now. */
  liveBytes: number;
  /**
   * Bytes of all slots of the segments that these lie in: what was written before the file was
   * opened counts as far as it is known.
   */
  segmentBytes: number;
  /** Bytes of the dead segments that wait for reclaim; unknown, and 0, of what died before the file was opened. */
  supersededBytes: number;
  /**
   * Bytes that segments take for each live byte: (`segmentBytes` + `supersededBytes`) ÷ `liveBytes`. What
   * IndexedDB takes beside them is not known. Undefined without live bytes.
   */
  spaceAmplification: number | undefined;
  /**
   * Segments whose deletion is complete. What a crash or a rollback has left above the newest version
   * is deleted uncounted.
   */
  reclaimedSegments: number;
  /** Bytes of these segments, as far as they are known (see `supersededBytes`). */
  reclaimedBytes: number;
  /** Blocks that went along with commits to empty segments that were mostly dead; of open files. */
  compactedBlocks: number;
  /** Times a file was opened and its state recovered. */
  recoveryCount: number;
  /** Times that an older version than the newest was opened. */
  fallBackCount: number;
  /** Times the state of an open file was read anew as a whole: other contexts' commits, a failure, a loss. */
  reloads: number;
  /** How the files that are open were recovered when they were opened, in order of opening. */
  recoveries: readonly RecoveryReport[];
}

/** What sqliteTxs under way hold. */
export interface Held {
  /** Bytes of segments in memory. */
  readonly stagedBytes: number;
  /** Bytes of page images in journals. */
  readonly journalBytes: number;
  /** What SQLite has written, in memory or sent ahead. */
  readonly writtenBlocks: number;
  readonly writtenBytes: number;
}

/** What connections hold beside their journals. */
export function heldBy(databases: Iterable<DatabaseFile>): Omit<Held, 'journalBytes'> {
  const held = { stagedBytes: 0, writtenBlocks: 0, writtenBytes: 0 };
  for (const { draft } of databases) {
    held.stagedBytes += draft?.heldBytes ?? 0;
    held.writtenBlocks += draft?.writtenBlocks ?? 0;
    held.writtenBytes += draft?.writtenBytes ?? 0;
  }
  return held;
}

export interface StatsParts {
  readonly held: Held | undefined;
  readonly metrics: Metrics;
  readonly errors: ErrorCounts;
  readonly recoveries: readonly RecoveryReport[];
  /** As of the clock that the metrics are kept by. */
  readonly nowMs: number;
}

export function statsOf(volume: Volume, parts: StatsParts): VFSStats {
  const { connection, counters, committer } = volume;
  const { held, metrics, errors, recoveries, nowMs } = parts;
  const { dirty } = committer;
  return {
    ...metrics.shown(nowMs),
    ...connection.counters,
    ...counters,
    failedSyncs: committer.failedSyncs,
    losses: committer.losses,
    errors: errors.byCode,
    errorsPerMinute: errors.lastMinute(nowMs),
    cacheBytes: volume.cachedBytes,
    stagedBytes: held?.stagedBytes ?? 0,
    journalBytes: held?.journalBytes ?? 0,
    deferredCommits: committer.deferredCommits,
    deferredBytes: committer.deferredBytes,
    dirtyBlocks: dirty.blocks + (held?.writtenBlocks ?? 0),
    dirtyBytes: dirty.bytes + (held?.writtenBytes ?? 0),
    ...ofFiles(volume.openFiles()),
    recoveries,
  };
}

function ofFiles(files: readonly BlockFile[]) {
  const sum = (of: (file: BlockFile) => number) =>
    files.reduce((total, file) => total + of(file), 0);
  const liveBytes = sum(({ state: { live, map } }) => live.liveBlocks * map.blockSize);
  const segmentBytes = sum(({ state: { live, map } }) => live.liveSlots * map.blockSize);
  const supersededBytes = sum((file) => file.state.live.supersededBytes);
  return {
    openSnapshots: sum((file) => file.pinnedCount),
    otherReaders: sum((file) => file.elsewhere?.others.count ?? 0),
    snapshotLag: Math.max(0, ...files.map(lagOf)),
    heldBackSegments: sum(heldBackOf),
    liveSegments: sum((file) => file.state.live.liveCount),
    supersededSegments: sum((file) => file.state.live.supersededCount),
    liveBytes,
    segmentBytes,
    supersededBytes,
    spaceAmplification: liveBytes > 0 ? (segmentBytes + supersededBytes) / liveBytes : undefined,
    compactedBlocks: sum((file) => file.compactor.carried),
  };
}

function oldestSnapshotOf(file: BlockFile): number {
  return Math.min(file.pinnedMin, file.elsewhere?.others.oldest ?? Number.POSITIVE_INFINITY);
}

function lagOf(file: BlockFile): number {
  const { version } = file.state.map;
  return version - Math.min(version, oldestSnapshotOf(file));
}

function heldBackOf(file: BlockFile): number {
  return file.state.live.heldBack(file.state.directoryVersion, oldestSnapshotOf(file));
}
