/** Codec of the commit record (docs/FORMAT.md §3). */
import { type BlockSize, type FileId, isBlockSize, type Version } from '../types.js';
import { LISTED_ENTRIES_MAX } from './layout.js';
import { type Decoded, damaged, newRecord, openRecord, seal } from './record.js';

const MAGIC = 'IBVC';
const FIXED_BYTES = 96;
const ENTRY_BYTES = 8;
const FLAG_UNLISTED = 1;

const UTF8 = new TextEncoder();

/** Stands for a slot whose block was written again, restored or truncated before the commit. */
export const HOLE = 0xffffffff;
/** `keptBlocks` of a commit that truncated nothing. */
export const KEEP_ALL = 0xffffffff;

export interface CommitRecord {
  readonly file: FileId;
  readonly blockSize: BlockSize;
  readonly version: Version;
  readonly base: Version;
  readonly fileBytes: number;
  /** Version of the last checkpoint up to and with this commit; 0 if there was none. */
  readonly directoryVersion: Version;
  /** Tells this commit from any other that claims its version. */
  readonly nonce: Nonce;
  readonly timeMs: number;
  readonly firstPart: number;
  readonly endPart: number;
  /** Blocks of the base map from this number on no longer count; 0 when the block size changed. */
  readonly keptBlocks: number;
  /** In slot index order from `firstPart`; undefined when unlisted. */
  readonly entries: CommitEntries | undefined;
  readonly entryCount: number;
  readonly path: string;
}

export type Nonce = readonly [number, number];

export interface CommitEntries {
  /** Block numbers, or {@link HOLE}. */
  readonly blocks: Uint32Array;
  readonly checksums: Uint32Array;
}

export function sameNonce(a: Nonce, b: Nonce): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

export function encodeCommit(commit: CommitRecord): ArrayBuffer {
  const path = UTF8.encode(commit.path);
  const { entries } = commit;
  const entryBytes = entries ? entries.blocks.length * ENTRY_BYTES : 0;
  const record = newRecord(MAGIC, FIXED_BYTES + entryBytes + path.length);
  record.setU16(6, entries ? 0 : FLAG_UNLISTED);
  record.setU32(16, commit.file);
  record.setU32(20, commit.blockSize);
  record.setU64(24, commit.version);
  record.setU64(32, commit.base);
  record.setU64(40, commit.fileBytes);
  record.setU64(48, commit.directoryVersion);
  record.setU32(56, commit.nonce[0]);
  record.setU32(60, commit.nonce[1]);
  record.setF64(64, commit.timeMs);
  record.setU32(72, commit.firstPart);
  record.setU32(76, commit.endPart);
  record.setU32(80, commit.entryCount);
  record.setU32(84, path.length);
  record.setU32(88, commit.keptBlocks);
  if (entries) {
    for (let i = 0; i < entries.blocks.length; i++) {
      record.setU32(FIXED_BYTES + i * ENTRY_BYTES, entries.blocks[i] as number);
      record.setU32(FIXED_BYTES + i * ENTRY_BYTES + 4, entries.checksums[i] as number);
    }
  }
  record.bytes.set(path, FIXED_BYTES + entryBytes);
  return seal(record);
}

/** What a stored commit record must agree with. */
export interface CommitPlace {
  readonly file: FileId;
  /** The version in its key; omit where only the value is known. */
  readonly version?: Version;
}

export function decodeCommit(value: unknown, place: CommitPlace): Decoded<CommitRecord> {
  const opened = openRecord(value, MAGIC, FIXED_BYTES);
  if (!opened.ok) return opened;
  const record = opened.value;
  const listed = (record.u16(6) & FLAG_UNLISTED) === 0;
  const entryCount = record.u32(80);
  const listedCount = listed ? entryCount : 0;
  const pathAt = FIXED_BYTES + listedCount * ENTRY_BYTES;
  if (pathAt + record.u32(84) !== record.bytes.length || listedCount > LISTED_ENTRIES_MAX) {
    return damaged('a commit record whose lengths disagree');
  }
  const version = record.u64(24);
  const base = record.u64(32);
  const blockSize = record.u32(20);
  if (record.u32(16) !== place.file || version !== (place.version ?? version)) {
    return damaged('the commit record of another commit');
  }
  if (!isBlockSize(blockSize) || base !== version - 1 || record.u64(48) > version) {
    return damaged('a commit record with an impossible field');
  }
  return {
    ok: true,
    value: {
      file: place.file,
      blockSize: blockSize as BlockSize,
      version: version as Version,
      base: base as Version,
      fileBytes: record.u64(40),
      directoryVersion: record.u64(48) as Version,
      nonce: [record.u32(56), record.u32(60)],
      timeMs: record.f64(64),
      firstPart: record.u32(72),
      endPart: record.u32(76),
      keptBlocks: record.u32(88),
      entries: listed ? readEntries(record, entryCount) : undefined,
      entryCount,
      path: new TextDecoder().decode(record.bytes.subarray(pathAt)),
    },
  };
}

function readEntries(record: { u32(at: number): number }, count: number): CommitEntries {
  const blocks = new Uint32Array(count);
  const checksums = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    blocks[i] = record.u32(FIXED_BYTES + i * ENTRY_BYTES);
    checksums[i] = record.u32(FIXED_BYTES + i * ENTRY_BYTES + 4);
  }
  return { blocks, checksums };
}
