/**
 * Finds the file that a path stood for, also when its record is damaged or lost.
 *
 *   I7  Without its record, the checksum algorithm is the one with which a segment proves itself.
 */
import type { Connection } from '../blockstore/connection.js';
import { refusalError } from '../blockstore/evidence.js';
import { result } from '../blockstore/requests.js';
import { CorruptionError, OptionError } from '../errors.js';
import { decodeFile, type FileRecord } from '../format/files.js';
import { everythingOf } from '../format/keys.js';
import { type BlockSize, type ChecksumAlgorithm, type FileId, isBlockSize } from '../types.js';
import { lostFile } from './recover.js';
import { hasShape, type SegmentShape, type StoredSegment, segmentsUpTo } from './segment-scan.js';

const BLOCK_BYTES_MIN = 512;
const ALGORITHMS: readonly ChecksumAlgorithm[] = ['xxhash32', 'crc32c'];

export interface Source {
  readonly file: FileRecord;
  /** What is wrong with the file's record. */
  readonly errors: readonly Error[];
}

/** @throws OptionError, FormatVersionError, CorruptionError */
export async function findSource(connection: Connection, path: string): Promise<Source> {
  const stored = await connection.read(['files'], (r) => result(r.get('files', path)));
  const decoded = decodeFile(stored, path);
  if (!decoded.ok && decoded.refusal.tag === 'newer') throw refuse(decoded.refusal);
  if (decoded.ok && (await hasCommits(connection, decoded.value.file))) {
    return { file: decoded.value, errors: [] };
  }
  const id = await lostFile(connection, path);
  if (id === undefined) {
    if (decoded.ok) return { file: decoded.value, errors: [] };
    if (stored !== undefined) throw refuse(decoded.refusal);
    throw new OptionError('path', `there is no database "${path}", nor commits that bear its name`);
  }
  const shape = await shapeOf(connection, id);
  const error = decoded.ok
    ? new CorruptionError(location(), `a record of another file than ${id}, whose commits bear it,`)
    : stored === undefined
      ? new CorruptionError(location(), 'a missing record')
      : refuse(decoded.refusal);
  if (!shape) throw error;
  const { algorithm } = shape;
  return { file: { path, file: id, algorithm, born: true, createdMs: 0 }, errors: [error] };

  function location() {
    return { volume: connection.name, store: 'files', key: path } as const;
  }
  function refuse(refusal: Parameters<typeof refusalError>[0]): Error {
    return refusalError(refusal, location());
  }
}

async function hasCommits(connection: Connection, file: FileId): Promise<boolean> {
  const key = await connection.read(['commits'], (r) =>
    result(r.getKey('commits', everythingOf(file))),
  );
  return key !== undefined;
}

/** Algorithm and block size of the newest segment that proves itself with any. */
export async function shapeOf(
  connection: Connection,
  file: FileId,
): Promise<SegmentShape | undefined> {
  let shape: SegmentShape | undefined;
  for await (const segment of segmentsUpTo(connection, file, Number.POSITIVE_INFINITY)) {
    if (!shape || !hasShape(segment, shape)) shape = shapeOfSegment(segment, file) ?? shape;
  }
  return shape;
}

/** The checksum algorithm of the first segment that proves itself: a file has one. */
export async function algorithmOf(
  connection: Connection,
  file: FileId,
): Promise<ChecksumAlgorithm | undefined> {
  for await (const segment of segmentsUpTo(connection, file, Number.POSITIVE_INFINITY)) {
    const shape = shapeOfSegment(segment, file);
    if (shape) return shape.algorithm;
  }
  return undefined;
}

function shapeOfSegment(segment: StoredSegment, file: FileId): SegmentShape | undefined {
  for (let size = BLOCK_BYTES_MIN; isBlockSize(size); size *= 2) {
    for (const algorithm of ALGORITHMS) {
      const shape = { file, algorithm, blockSize: size as BlockSize };
      if (hasShape(segment, shape)) return shape;
    }
  }
  return undefined;
}
