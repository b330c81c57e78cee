/** Codecs of the map chunk and the directory (docs/FORMAT.md §3). */
import { type BlockSize, type FileId, isBlockSize, type Version } from '../types.js';
import { BLOCKS_PER_CHUNK } from './layout.js';
import { type Decoded, damaged, newRecord, openRecord, type RecordView, seal } from './record.js';

const CHUNK_MAGIC = 'IBVM';
const DIRECTORY_MAGIC = 'IBVD';
const FIXED_BYTES = 40;
const CHUNK_ENTRY_BYTES = 16;
const DIRECTORY_ENTRY_BYTES = 16;
const RANGE_BYTES = 24;

/** Block map of 1,024 neighbouring blocks, in columns. Version 0 means never written. */
export interface ChunkColumns {
  readonly versions: Float64Array;
  readonly slots: Uint32Array;
  readonly checksums: Uint32Array;
}

export interface MapChunk {
  readonly file: FileId;
  readonly chunk: number;
  readonly asOf: Version;
  readonly blockSize: BlockSize;
  readonly columns: ChunkColumns;
}

/** Segments `firstPart` … `endPart − 1` of a commit, dead since `supersededBy`. */
export interface ReclaimRange {
  readonly version: Version;
  readonly firstPart: number;
  readonly endPart: number;
  readonly supersededBy: Version;
}

export interface Directory {
  readonly file: FileId;
  readonly version: Version;
  readonly blockSize: BlockSize;
  /** Chunk number → the version the chunk was saved at. */
  readonly chunks: ReadonlyMap<number, Version>;
  readonly reclaim: readonly ReclaimRange[];
}

export function newColumns(): ChunkColumns {
  return {
    versions: new Float64Array(BLOCKS_PER_CHUNK),
    slots: new Uint32Array(BLOCKS_PER_CHUNK),
    checksums: new Uint32Array(BLOCKS_PER_CHUNK),
  };
}

function span(versions: Float64Array): number {
  let end = versions.length;
  while (versions[end - 1] === 0) end--;
  return end;
}

export function encodeChunk(chunk: MapChunk): ArrayBuffer {
  const { versions, slots, checksums } = chunk.columns;
  const n = span(versions);
  const record = newRecord(CHUNK_MAGIC, FIXED_BYTES + n * CHUNK_ENTRY_BYTES);
  record.setU32(16, chunk.file);
  record.setU32(20, chunk.chunk);
  record.setU64(24, chunk.asOf);
  record.setU32(32, chunk.blockSize);
  record.setU32(36, n);
  for (let i = 0; i < n; i++) {
    record.setF64(FIXED_BYTES + 8 * i, versions[i] as number);
    record.setU32(FIXED_BYTES + 8 * n + 4 * i, slots[i] as number);
    record.setU32(FIXED_BYTES + 12 * n + 4 * i, checksums[i] as number);
  }
  return seal(record);
}

export function decodeChunk(
  value: unknown,
  place: { readonly file: FileId; readonly chunk?: number },
): Decoded<MapChunk> {
  const opened = openRecord(value, CHUNK_MAGIC, FIXED_BYTES);
  if (!opened.ok) return opened;
  const record = opened.value;
  const n = record.u32(36);
  const chunk = record.u32(20);
  if (n > BLOCKS_PER_CHUNK || record.bytes.length !== FIXED_BYTES + n * CHUNK_ENTRY_BYTES) {
    return damaged('a map chunk whose lengths disagree');
  }
  if (record.u32(16) !== place.file || chunk !== (place.chunk ?? chunk)) {
    return damaged('the map chunk of another place');
  }
  const size = record.u32(32);
  if (!isBlockSize(size)) return damaged('a map chunk with an impossible block size');
  const columns = newColumns();
  for (let i = 0; i < n; i++) {
    columns.versions[i] = record.f64(FIXED_BYTES + 8 * i);
    columns.slots[i] = record.u32(FIXED_BYTES + 8 * n + 4 * i);
    columns.checksums[i] = record.u32(FIXED_BYTES + 12 * n + 4 * i);
  }
  const asOf = record.u64(24) as Version;
  return {
    ok: true,
    value: { file: place.file, chunk, asOf, blockSize: size as BlockSize, columns },
  };
}

export function encodeDirectory(directory: Directory): ArrayBuffer {
  const { chunks, reclaim } = directory;
  const rangesAt = FIXED_BYTES + chunks.size * DIRECTORY_ENTRY_BYTES;
  const record = newRecord(DIRECTORY_MAGIC, rangesAt + reclaim.length * RANGE_BYTES);
  record.setU32(16, directory.file);
  record.setU32(20, chunks.size);
  record.setU64(24, directory.version);
  record.setU32(32, directory.blockSize);
  record.setU32(36, reclaim.length);
  let at = FIXED_BYTES;
  for (const [chunk, asOf] of chunks) {
    record.setU32(at, chunk);
    record.setU64(at + 8, asOf);
    at += DIRECTORY_ENTRY_BYTES;
  }
  for (const range of reclaim) {
    record.setU64(at, range.version);
    record.setU32(at + 8, range.firstPart);
    record.setU32(at + 12, range.endPart);
    record.setU64(at + 16, range.supersededBy);
    at += RANGE_BYTES;
  }
  return seal(record);
}

export function decodeDirectory(value: unknown, file: FileId): Decoded<Directory> {
  const opened = openRecord(value, DIRECTORY_MAGIC, FIXED_BYTES);
  if (!opened.ok) return opened;
  const record = opened.value;
  const chunkCount = record.u32(20);
  const rangeCount = record.u32(36);
  const rangesAt = FIXED_BYTES + chunkCount * DIRECTORY_ENTRY_BYTES;
  if (rangesAt + rangeCount * RANGE_BYTES !== record.bytes.length) {
    return damaged('a directory whose lengths disagree');
  }
  const size = record.u32(32);
  if (record.u32(16) !== file) return damaged('the directory of another file');
  if (!isBlockSize(size)) return damaged('a directory with an impossible block size');
  const chunks = new Map<number, Version>();
  for (let i = 0; i < chunkCount; i++) {
    const at = FIXED_BYTES + i * DIRECTORY_ENTRY_BYTES;
    chunks.set(record.u32(at), record.u64(at + 8) as Version);
  }
  const reclaim = Array.from({ length: rangeCount }, (_, i) =>
    readRange(record, rangesAt + i * RANGE_BYTES),
  );
  const version = record.u64(24) as Version;
  return { ok: true, value: { file, version, blockSize: size as BlockSize, chunks, reclaim } };
}

function readRange(record: RecordView, at: number): ReclaimRange {
  return {
    version: record.u64(at) as Version,
    firstPart: record.u32(at + 8),
    endPart: record.u32(at + 12),
    supersededBy: record.u64(at + 16) as Version,
  };
}
