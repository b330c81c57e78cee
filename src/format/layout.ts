/** How many blocks a segment holds, and where a slot index lies. */
import type { BlockSize } from '../types.js';

/** Segments stay below 64 KiB: from there Chromium stores values as Blobs, dearer to write. */
export const SEGMENT_BYTES_MAX = 61440;
export const BLOCKS_PER_CHUNK = 1024;
/** A commit of more blocks is unlisted: its entries are in the map chunks only. */
export const LISTED_ENTRIES_MAX = 2048;
export const CHECKPOINT_COMMITS = 64;
export const CHECKPOINT_RECORD_BYTES = 262144;
/** Or as many segments that wait for reclaim, if they are a quarter of the live ones too. */
export const CHECKPOINT_SUPERSEDED = 64;
/** Commit records kept below a checkpoint, so that other contexts catch up cheaply. */
export const RETAINED_COMMITS = 64;
export const RECLAIM_RANGES_MAX = 4096;
export const PATH_BYTES_MAX = 512;

export function blocksPerSegment(size: BlockSize): number {
  return Math.max(1, Math.floor(SEGMENT_BYTES_MAX / size));
}
