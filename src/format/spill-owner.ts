/** Codec of the spill owner record (docs/FORMAT.md §3): whose segments lie above the marker. */
import type { FileId, Version } from '../types.js';
import type { Nonce } from './commit.js';
import { type Decoded, damaged, newRecord, openRecord, seal } from './record.js';

const MAGIC = 'IBVS';
const BYTES = 40;

export interface SpillOwner {
  readonly file: FileId;
  readonly version: Version;
  /** That of the commit the segments are meant for. */
  readonly nonce: Nonce;
}

export function encodeSpillOwner(owner: SpillOwner): ArrayBuffer {
  const record = newRecord(MAGIC, BYTES);
  record.setU32(16, owner.file);
  record.setU64(24, owner.version);
  record.setU32(32, owner.nonce[0]);
  record.setU32(36, owner.nonce[1]);
  return seal(record);
}

export function decodeSpillOwner(value: unknown, file: FileId): Decoded<SpillOwner> {
  const opened = openRecord(value, MAGIC, BYTES);
  if (!opened.ok) return opened;
  const record = opened.value;
  if (record.u32(16) !== file) return damaged('the spill owner of another file');
  const version = record.u64(24) as Version;
  return { ok: true, value: { file, version, nonce: [record.u32(32), record.u32(36)] } };
}
