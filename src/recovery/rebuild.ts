/**
 * Rebuilds a lost or damaged map, and a lost file record, from what the segments say of themselves.
 *
 *   I1  Segments and commit records are only read.
 *   I7  A block is taken from a slot only if its bytes have the checksum that the slot's trailer entry
 *       names, for this file, block and version.
 *   I9  At most SEGMENTS_PER_REQUEST segments are in memory at a time.
 *
 * What is rebuilt is the map as of the last checkpoint; the commit records above it are replayed as
 * ever. It is lossless as long as no segment is missing as well, which `verify` then checks against
 * everything else that names one.
 */
import type { Connection } from '../blockstore/connection.js';
import { segmentNumber } from '../blockstore/live.js';
import { BlockMap } from '../blockstore/map.js';
import { result } from '../blockstore/requests.js';
import { blockChecksum } from '../format/checksum.js';
import { type CommitRecord, HOLE } from '../format/commit.js';
import type { FileRecord } from '../format/files.js';
import { directoryKey, type KeyBounds, mapKey, segmentKey } from '../format/keys.js';
import { BLOCKS_PER_CHUNK } from '../format/layout.js';
import { encodeChunk, encodeDirectory, newColumns, type ReclaimRange } from '../format/maps.js';
import { segmentEntries } from '../format/segment.js';
import type { BlockNumber, FileId, Version } from '../types.js';

const SEGMENTS_PER_REQUEST = 16;

/** The checkpoint to rebuild: the commit it belongs to. */
export interface Checkpoint {
  readonly file: FileRecord;
  readonly commit: CommitRecord;
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
    r.delete('maps', [mapKey(file, -1), mapKey(file, Number.POSITIVE_INFINITY)]);
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

interface StoredSegment extends Segment {
  readonly value: ArrayBuffer;
}

async function* segmentsUpTo(
  connection: Connection,
  file: FileId,
  last: Version,
): AsyncGenerator<StoredSegment> {
  const upper = segmentKey(file, last, Number.POSITIVE_INFINITY);
  let lower: number[] = [file];
  for (;;) {
    const [keys, values] = await page(connection, [lower, upper]);
    for (const [i, key] of keys.entries()) {
      const [, version, part] = key as [number, Version, number];
      const value = values[i];
      if (value instanceof ArrayBuffer) yield { version, part, value };
      // The next key after this one: an array that begins with it and is longer.
      lower = [file, version, part, 0];
    }
    if (keys.length < SEGMENTS_PER_REQUEST) return;
  }
}

function page(connection: Connection, bounds: KeyBounds): Promise<[IDBValidKey[], unknown[]]> {
  return connection.read(['segments'], (r) =>
    Promise.all([
      result(r.getAllKeys('segments', bounds, SEGMENTS_PER_REQUEST)),
      result(r.getAll('segments', bounds, SEGMENTS_PER_REQUEST)),
    ]),
  );
}

/** I7: puts into the map what proves itself and is newer than what is there. */
function takeBlocks(map: BlockMap, at: Checkpoint, segment: StoredSegment): void {
  const { blockSize, blocksPerSegment, blockCount } = map;
  const { file, algorithm } = at.file;
  const { version, part, value } = segment;
  for (const [slot, { block, checksum }] of segmentEntries(value, blockSize).entries()) {
    if (block === HOLE || block >= blockCount || map.versionOf(block) > version) continue;
    const bytes = new Uint8Array(value, slot * blockSize, blockSize);
    const id = { file, block: block as BlockNumber, version };
    if (blockChecksum(algorithm, id, bytes) !== checksum) continue;
    const c = Math.floor(block / BLOCKS_PER_CHUNK);
    while (map.chunks.length <= c) map.chunks.push(undefined);
    const columns = map.chunks[c] ?? newColumns();
    map.chunks[c] = columns;
    const i = block % BLOCKS_PER_CHUNK;
    columns.versions[i] = version;
    columns.slots[i] = part * blocksPerSegment + slot;
    columns.checksums[i] = checksum;
  }
}

function withoutLive(map: BlockMap, seen: readonly Segment[]): ReclaimRange[] {
  const live = new Set<number>();
  map.forEachSegment((segment) => live.add(segment));
  return seen
    .filter(({ version, part }) => !live.has(segmentNumber(version, part)))
    .map(({ version, part }) => ({
      version,
      firstPart: part,
      endPart: part + 1,
      supersededBy: map.version,
    }));
}
