/** Codecs of the volume record and the file record (docs/FORMAT.md §3). */
import type { ChecksumAlgorithm, FileId } from '../types.js';
import { type Decoded, damaged, newRecord, openRecord, seal } from './record.js';

const VOLUME_MAGIC = 'IBVV';
const VOLUME_BYTES = 32;
const FILE_MAGIC = 'IBVF';
const FILE_BYTES_MIN = 36;

export interface VolumeRecord {
  readonly nextFileId: number;
  readonly createdMs: number;
}

export interface FileRecord {
  readonly path: string;
  readonly file: FileId;
  readonly algorithm: ChecksumAlgorithm;
  /** False until the first commit, which sets it in its own idbTx. */
  readonly born: boolean;
  readonly createdMs: number;
}

const ALGORITHM_NUMBERS: Readonly<Record<ChecksumAlgorithm, number>> = { xxhash32: 1, crc32c: 2 };
const ALGORITHMS: readonly (ChecksumAlgorithm | undefined)[] = [undefined, 'xxhash32', 'crc32c'];

export function encodeVolume(volume: VolumeRecord): ArrayBuffer {
  const record = newRecord(VOLUME_MAGIC, VOLUME_BYTES);
  record.setU32(16, volume.nextFileId);
  record.setF64(24, volume.createdMs);
  return seal(record);
}

export function decodeVolume(value: unknown): Decoded<VolumeRecord> {
  const opened = openRecord(value, VOLUME_MAGIC, VOLUME_BYTES);
  if (!opened.ok) return opened;
  const nextFileId = opened.value.u32(16);
  if (nextFileId === 0) return damaged('a volume record without a next file id');
  return { ok: true, value: { nextFileId, createdMs: opened.value.f64(24) } };
}

export function encodeFile(file: FileRecord): ArrayBuffer {
  const path = new TextEncoder().encode(file.path);
  const record = newRecord(FILE_MAGIC, FILE_BYTES_MIN + path.length);
  record.setU32(16, file.file);
  record.setU8(20, ALGORITHM_NUMBERS[file.algorithm]);
  record.setU8(21, file.born ? 1 : 0);
  record.setF64(24, file.createdMs);
  record.setU32(32, path.length);
  record.bytes.set(path, FILE_BYTES_MIN);
  return seal(record);
}

/** `path` is the record's key: a record stored under another one is refused. */
export function decodeFile(value: unknown, path: string): Decoded<FileRecord> {
  const opened = openRecord(value, FILE_MAGIC, FILE_BYTES_MIN);
  if (!opened.ok) return opened;
  const record = opened.value;
  const file = record.u32(16);
  const algorithm = ALGORITHMS[record.u8(20)];
  const state = record.u8(21);
  if (file === 0 || algorithm === undefined || state > 1) {
    return damaged('a file record with an impossible field');
  }
  if (record.u32(32) !== record.bytes.length - FILE_BYTES_MIN) {
    return damaged('a file record of the wrong length');
  }
  if (new TextDecoder().decode(record.bytes.subarray(FILE_BYTES_MIN)) !== path) {
    return damaged('the record of another file');
  }
  const createdMs = record.f64(24);
  return {
    ok: true,
    value: { path, file: file as FileId, algorithm, born: state === 1, createdMs },
  };
}
