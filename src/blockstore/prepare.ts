/**
 * Turns a draft into everything its commit writes.
 *
 *   I2  Segments, chunks, directory and commit record of one commit are written together, the
 *       record last.
 *   I5  Preparing changes nothing that readers see.
 */
import { assert } from '../errors.js';
import { blockChecksum } from '../format/checksum.js';
import { type CommitRecord, encodeCommit, HOLE } from '../format/commit.js';
import { LISTED_ENTRIES_MAX } from '../format/layout.js';
import { encodeChunk, encodeDirectory } from '../format/maps.js';
import { setSegmentEntry } from '../format/segment.js';
import type { BlockNumber, Version } from '../types.js';
import type { Draft, OutgoingSegment } from './draft.js';
import type { BlockFile } from './file.js';
import type { MapChange } from './map.js';
import type { CheckpointPlan, NextState } from './state.js';

export interface PreparedCheckpoint {
  readonly plan: CheckpointPlan;
  readonly next: NextState;
  readonly chunks: readonly { readonly chunk: number; readonly value: ArrayBuffer }[];
  readonly directory: ArrayBuffer;
}

export interface PreparedCommit {
  readonly file: BlockFile;
  readonly draft: Draft;
  readonly change: MapChange;
  readonly segments: readonly OutgoingSegment[];
  readonly record: CommitRecord;
  readonly encoded: ArrayBuffer;
  readonly checkpoint: PreparedCheckpoint | undefined;
  /** Bytes that must stay in memory until the commit is complete. */
  readonly bytes: number;
}

/** Computes the checksums of the blocks in one outgoing segment, and writes its trailer. */
export function checksumSegment(file: BlockFile, draft: Draft, segment: OutgoingSegment): void {
  const bytes = new Uint8Array(segment.buffer);
  const { first, count } = draft.slotsOf(segment.part);
  const { blockSize: size, version } = draft;
  for (let slot = 0; slot < count; slot++) {
    const block = draft.blocks[first + slot] as BlockNumber;
    if (block !== HOLE) {
      const id = { file: file.file, block, version };
      const content = bytes.subarray(slot * size, (slot + 1) * size);
      draft.checksums[first + slot] = blockChecksum(file.algorithm, id, content);
    }
    const checksum = draft.checksums[first + slot] as number;
    setSegmentEntry(segment.buffer, { size, slots: count, slot }, { block, checksum });
  }
}

export function prepareCommit(file: BlockFile, draft: Draft, timeMs: number): PreparedCommit {
  assert(
    draft.base.version === file.state.map.version,
    'a draft is committed on the newest version',
  );
  file.compactor.carry(draft);
  const segments = draft.takeRest();
  for (const segment of segments) checksumSegment(file, draft, segment);
  const change: MapChange = {
    version: draft.version,
    blockSize: draft.blockSize,
    fileBytes: draft.fileBytes,
    keptBlocks: draft.keptBlocks,
    firstPart: draft.firstPart,
    entries: {
      blocks: Uint32Array.from(draft.blocks),
      checksums: Uint32Array.from(draft.checksums),
    },
  };
  const checkpoint = file.state.needsCheckpoint(change)
    ? prepareCheckpoint(file, change, draft.endPart)
    : undefined;
  const entryCount = draft.blocks.length;
  const record: CommitRecord = {
    file: file.file,
    blockSize: draft.blockSize,
    version: draft.version,
    base: draft.base.version,
    fileBytes: draft.fileBytes,
    directoryVersion: checkpoint ? draft.version : file.state.directoryVersion,
    nonce: draft.nonce,
    timeMs,
    firstPart: draft.firstPart,
    endPart: draft.endPart,
    keptBlocks: draft.keptBlocks,
    entries: entryCount > LISTED_ENTRIES_MAX ? undefined : change.entries,
    entryCount,
    path: file.path,
  };
  const bytes = segments.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  return {
    file,
    draft,
    change,
    segments,
    record,
    encoded: encodeCommit(record),
    checkpoint,
    bytes,
  };
}

function prepareCheckpoint(
  file: BlockFile,
  change: MapChange,
  endPart: number,
): PreparedCheckpoint {
  const next = file.state.plan(change);
  const elsewhere = file.elsewhere?.pinnedMin ?? Number.POSITIVE_INFINITY;
  const pinnedMin = Math.min(file.pinnedMin, elsewhere);
  const plan = file.state.planCheckpoint(next, change, { endPart, pinnedMin });
  const at = { file: file.file, blockSize: change.blockSize };
  const chunks = plan.save.map((chunk) => {
    const columns = next.map.chunks[chunk];
    assert(columns !== undefined, 'a chunk to save is in the map');
    return {
      chunk,
      value: encodeChunk({ ...at, chunk, asOf: change.version as Version, columns }),
    };
  });
  const directory = encodeDirectory({
    ...at,
    version: change.version,
    chunks: plan.directory,
    reclaim: plan.keep,
  });
  return { plan, next, chunks, directory };
}
