/**
 * Reads a file's segments in the order they were written, whatever its map says.
 *
 *   I1  Segments are only read.
 *   I9  At most SEGMENTS_PER_REQUEST segments are in memory at a time.
 */
import type { Connection } from '../blockstore/connection.js';
import { result } from '../blockstore/requests.js';
import { blockChecksum } from '../format/checksum.js';
import { HOLE } from '../format/commit.js';
import { type KeyBounds, segmentKey } from '../format/keys.js';
import { segmentEntries } from '../format/segment.js';
import type { BlockNumber, BlockSize, ChecksumAlgorithm, FileId, Version } from '../types.js';

const SEGMENTS_PER_REQUEST = 16;

export interface StoredSegment {
  readonly version: Version;
  readonly part: number;
  readonly value: ArrayBuffer;
}

/** Every segment up to and with version `last`; values that are none are left out. */
export async function* segmentsUpTo(
  connection: Connection,
  file: FileId,
  last: number,
): AsyncGenerator<StoredSegment> {
  const upper = segmentKey(file, last as Version, Number.POSITIVE_INFINITY);
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

/** How a file's segments are read. */
export interface SegmentShape {
  readonly file: FileId;
  readonly algorithm: ChecksumAlgorithm;
  readonly blockSize: BlockSize;
}

/** A slot whose bytes have the checksum that is named for this file, block and version (I7). */
export function proves(
  { value, version }: StoredSegment,
  shape: SegmentShape,
  at: { readonly slot: number; readonly block: number; readonly checksum: number },
): boolean {
  const { file, algorithm, blockSize } = shape;
  const start = at.slot * blockSize;
  if (at.block === HOLE || start + blockSize > value.byteLength) return false;
  const id = { file, block: at.block as BlockNumber, version };
  return blockChecksum(algorithm, id, new Uint8Array(value, start, blockSize)) === at.checksum;
}

/** Whether anything in the segment proves itself when it is read like that. */
export function hasShape(segment: StoredSegment, shape: SegmentShape): boolean {
  return segmentEntries(segment.value, shape.blockSize).some((entry, slot) =>
    proves(segment, shape, { ...entry, slot }),
  );
}
