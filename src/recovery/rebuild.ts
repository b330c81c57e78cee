/**
 * Rebuilds a lost or damaged map, and a lost file record, from what the segments say of themselves.
 *
 *   I1  Segments and commit records are only read.
 *   I7  A block is taken from a slot only if its bytes have the checksum that the slot's trailer entry
 *       names, for this file, block and version.
 *
 * What is rebuilt is the map as of the last checkpoint; the commit records above it are replayed as
 * ever. It is lossless as long as no segment is missing as well, which `verify` then checks against
 * everything else that names one.
 */
import type { Connection } from '../blockstore/connection.js';
import { segmentNumber } from '../blockstore/live.js';
import { BlockMap } from '../blockstore/map.js';
import type { CommitRecord } from '../format/commit.js';
import type { FileRecord } from '../format/files.js';
import { directoryKey, mapKey } from '../format/keys.js';
import { BLOCKS_PER_CHUNK } from '../format/layout.js';
import { encodeChunk, encodeDirectory, newColumns, type ReclaimRange } from '../format/maps.js';
import { segmentEntries } from '../format/segment.js';
import type { Version } from '../types.js';
import type { IsGone } from './gone.js';
import { proves, type StoredSegment, segmentsUpTo } from './segment-scan.js';

/** The checkpoint to rebuild: the commit it belongs to. */
export interface Checkpoint {
  readonly file: FileRecord;
  readonly commit: CommitRecord;
  /** By what the intact records say up to the checkpoint. */
  readonly isGone: IsGone;
}

/** What was rebuilt, not yet written. */
export interface Rebuilt {
  readonly map: BlockMap;
  /** Segments at or below the checkpoint that hold nothing the rebuilt map lists. */
  readonly superseded: readonly ReclaimRange[];
}

/** Reads every segment up to the checkpoint and keeps the newest version of each block. */
export async function rebuild(connection: Connection, at: Checkpoint): Promise<Rebuilt> {
  const { version, blockSize, fileBytes } = at.commit;
  const map = new BlockMap({ version, blockSize, fileBytes });
  const seen: Segment[] = [];
  for await (const segment of segmentsUpTo(connection, at.file.file, version)) {
    seen.push({ version: segment.version, part: segment.part });
    takeBlocks(map, at, segment);
  }
  return { map, superseded: withoutLive(map, seen) };
}

/** Puts the rebuilt chunks and directory in the place of the damaged ones, in one idbTx. */
export async function writeRebuilt(
  connection: Connection,
  at: Checkpoint,
  rebuilt: Rebuilt,
): Promise<void> {
  const { file } = at.file;
  const { version, blockSize } = at.commit;
  const chunks = new Map<number, Version>();
  await connection.write(['maps'], 'strict', (r) => {
    r.delete('maps', [mapKey(file, 0), mapKey(file, Number.POSITIVE_INFINITY)]);
    for (const [chunk, columns] of rebuilt.map.chunks.entries()) {
      if (!columns) continue;
      chunks.set(chunk, version);
      const value = encodeChunk({ file, chunk, asOf: version, blockSize, columns });
      r.put('maps', mapKey(file, chunk), value);
    }
    const reclaim = rebuilt.superseded;
    const directory = encodeDirectory({ file, version, blockSize, chunks, reclaim });
    r.put('maps', directoryKey(file), directory);
    r.tx.commit();
  });
}

interface Segment {
  readonly version: Version;
  readonly part: number;
}

/** I7: puts into the map what proves itself. Segments come oldest first, so the newest stays. */
function takeBlocks(map: BlockMap, at: Checkpoint, segment: StoredSegment): void {
  const { blockSize, blocksPerSegment, blockCount } = map;
  const shape = { ...at.file, blockSize };
  const { version, part, value } = segment;
  for (const [slot, { block, checksum }] of segmentEntries(value, blockSize).entries()) {
    if (block >= blockCount || at.isGone(block, version)) continue;
    if (!proves(segment, shape, { slot, block, checksum })) continue;
    place(map, block, { version, slot: part * blocksPerSegment + slot, checksum });
  }
}

/** Makes this the block version that the map lists. */
export function place(
  map: BlockMap,
  block: number,
  at: { readonly version: number; readonly slot: number; readonly checksum: number },
): void {
  const c = Math.floor(block / BLOCKS_PER_CHUNK);
  const columns = map.chunks[c] ?? newColumns();
  map.chunks[c] = columns;
  const i = block % BLOCKS_PER_CHUNK;
  columns.versions[i] = at.version;
  columns.slots[i] = at.slot;
  columns.checksums[i] = at.checksum;
}

function withoutLive(map: BlockMap, seen: readonly Segment[]): ReclaimRange[] {
  const live = new Set<number>();
  map.forEachBlock((segment) => live.add(segment));
  return seen
    .filter(({ version, part }) => !live.has(segmentNumber(version, part)))
    .map(({ version, part }) => ({
      version,
      firstPart: part,
      endPart: part + 1,
      supersededBy: map.version,
    }));
}
