/** Counters of a VFS, since it was created. */
import type { BlockFile } from '../blockstore/file.js';
import type { Volume } from '../blockstore/volume.js';
import type { RecoveryReport } from './events.js';

export interface VFSStats {
  /** Commits complete in IndexedDB. */
  commits: number;
  /** IndexedDB requests and transactions made. */
  requests: number;
  transactions: number;
  /** Times a lost connection was opened anew. */
  reopens: number;
  /** Reads of a block answered from memory, and those that fetched a segment. */
  cacheHits: number;
  cacheMisses: number;
  /** Segments and bytes fetched, read-ahead included. */
  segmentsRead: number;
  bytesRead: number;
  /** Blocks refused because their checksum was wrong. */
  checksumFailures: number;
  /** Bytes of segments in memory now. */
  cacheBytes: number;
  /** Bytes of segments that sqliteTxs under way hold: at most twice `spillBytes` each. */
  stagedBytes: number;
  /** Bytes of page images that rollback journals hold. */
  journalBytes: number;
  /** Acknowledged commits that are not complete yet, and their bytes. */
  deferredCommits: number;
  deferredBytes: number;
  /** Snapshots pinned now. */
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
  /** Segments with a live block, and dead ones that wait for reclaim, of open files. */
  liveSegments: number;
  supersededSegments: number;
  /**
   * Bytes of live blocks, and of all slots of the segments they lie in: what was written before the file was
   * opened counts as far as it is known.
   */
  liveBytes: number;
  segmentBytes: number;
  /** Blocks that went along with commits to empty segments that were mostly dead. */
  compactedBlocks: number;
  /** How the files that are open were recovered when they were opened, in order of opening. */
  recoveries: readonly RecoveryReport[];
}

export function statsOf(
  volume: Volume,
  more: Pick<VFSStats, 'commits' | 'stagedBytes' | 'journalBytes' | 'recoveries'>,
): VFSStats {
  const { connection, counters, cache, committer } = volume;
  const files = volume.openFiles();
  const sum = (of: (file: (typeof files)[number]) => number) =>
    files.reduce((total, file) => total + of(file), 0);
  return {
    ...more,
    ...connection.counters,
    ...counters,
    cacheBytes: cache.bytes,
    deferredCommits: committer.deferredCommits,
    deferredBytes: committer.deferredBytes,
    openSnapshots: sum((file) => file.pinnedCount),
    otherReaders: sum((file) => file.elsewhere?.others.count ?? 0),
    snapshotLag: Math.max(0, ...files.map(lagOf)),
    heldBackSegments: sum(heldBackOf),
    liveSegments: sum((file) => file.state.live.liveCount),
    supersededSegments: sum((file) => file.state.live.supersededCount),
    liveBytes: sum(({ state: { live, map } }) => live.liveBlocks * map.blockSize),
    segmentBytes: sum(({ state: { live, map } }) => live.liveSlots * map.blockSize),
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
