/**
 * Block and record checksums: XXH32 and CRC-32C, in plain JavaScript.
 *
 * A block's checksum covers its identity (file id, block, version) before its bytes, so that an
 * intact block in the wrong place is found out (docs/FORMAT.md §4).
 */
import type { BlockNumber, Checksum, ChecksumAlgorithm, FileId, Version } from '../types.js';

const PRIME1 = 0x9e3779b1;
const PRIME2 = 0x85ebca77;
const PRIME3 = 0xc2b2ae3d;
const PRIME4 = 0x27d4eb2f;
const PRIME5 = 0x165667b1;
const TWO_32 = 0x100000000;

/** Everything that says which block version some bytes claim to be. */
export interface BlockIdentity {
  readonly file: FileId;
  readonly block: BlockNumber;
  readonly version: Version;
}

function rotl(x: number, r: number): number {
  return (x << r) | (x >>> (32 - r));
}

function round(acc: number, word: number): number {
  return Math.imul(rotl((acc + Math.imul(word, PRIME2)) | 0, 13), PRIME1);
}

function avalanche(h: number): number {
  let x = h ^ (h >>> 15);
  x = Math.imul(x, PRIME2);
  x ^= x >>> 13;
  x = Math.imul(x, PRIME3);
  return (x ^ (x >>> 16)) >>> 0;
}

/** XXH32 of `bytes`. Reads words when the view is 4-aligned, bytes otherwise. */
export function xxh32(bytes: Uint8Array, seed: number): number {
  const length = bytes.length;
  const wordCount = length >>> 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const words =
    LITTLE_ENDIAN && (bytes.byteOffset & 3) === 0
      ? new Int32Array(bytes.buffer, bytes.byteOffset, wordCount)
      : readWords(view, wordCount);
  let h: number;
  let i = 0;
  if (length >= 16) {
    let v1 = (seed + PRIME1 + PRIME2) | 0;
    let v2 = (seed + PRIME2) | 0;
    let v3 = seed | 0;
    let v4 = (seed - PRIME1) | 0;
    const end = wordCount & ~3;
    // round() written out: in a fresh worker this runs long before it is compiled, and calls cost most.
    for (; i < end; i += 4) {
      v1 = (v1 + Math.imul(words[i] as number, PRIME2)) | 0;
      v2 = (v2 + Math.imul(words[i + 1] as number, PRIME2)) | 0;
      v3 = (v3 + Math.imul(words[i + 2] as number, PRIME2)) | 0;
      v4 = (v4 + Math.imul(words[i + 3] as number, PRIME2)) | 0;
      v1 = Math.imul((v1 << 13) | (v1 >>> 19), PRIME1);
      v2 = Math.imul((v2 << 13) | (v2 >>> 19), PRIME1);
      v3 = Math.imul((v3 << 13) | (v3 >>> 19), PRIME1);
      v4 = Math.imul((v4 << 13) | (v4 >>> 19), PRIME1);
    }
    h = (rotl(v1, 1) + rotl(v2, 7) + rotl(v3, 12) + rotl(v4, 18)) | 0;
  } else {
    h = (seed + PRIME5) | 0;
  }
  h = (h + length) | 0;
  for (; i < wordCount; i++) {
    h = Math.imul(rotl((h + Math.imul(words[i] as number, PRIME3)) | 0, 17), PRIME4);
  }
  for (let b = wordCount << 2; b < length; b++) {
    h = Math.imul(rotl((h + Math.imul(bytes[b] as number, PRIME5)) | 0, 11), PRIME1);
  }
  return avalanche(h);
}

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

function readWords(view: DataView, wordCount: number): Int32Array {
  const words = new Int32Array(wordCount);
  for (let i = 0; i < wordCount; i++) words[i] = view.getInt32(i << 2, true);
  return words;
}

/** XXH32 with seed 0 of the 16 identity bytes: one stripe, written out to spare the buffer. */
function identitySeed(id: BlockIdentity): number {
  const v1 = round((PRIME1 + PRIME2) | 0, id.file | 0);
  const v2 = round(PRIME2 | 0, id.block | 0);
  const v3 = round(0, (id.version % TWO_32) | 0);
  const v4 = round(-PRIME1 | 0, Math.floor(id.version / TWO_32) | 0);
  return avalanche((rotl(v1, 1) + rotl(v2, 7) + rotl(v3, 12) + rotl(v4, 18) + 16) | 0);
}

type CrcTables = readonly Int32Array[];
/** Slice-by-8 tables of the Castagnoli polynomial, reflected; most volumes never need them. */
let crcTables: CrcTables | undefined;

function makeCrcTables(): CrcTables {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  const [first] = tables as [Int32Array];
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    first[n] = c;
  }
  for (let t = 1; t < 8; t++) {
    const before = tables[t - 1] as Int32Array;
    const table = tables[t] as Int32Array;
    for (let n = 0; n < 256; n++) {
      const c = before[n] as number;
      table[n] = (c >>> 8) ^ (first[c & 255] as number);
    }
  }
  return tables;
}

function crcByte(table: Int32Array, crc: number, byte: number): number {
  return (crc >>> 8) ^ (table[(crc ^ byte) & 255] as number);
}

function crcWord(crc: number, word: number): number {
  const bytes = [word, word >>> 8, word >>> 16, word >>> 24];
  return crcBytes(crc, Uint8Array.from(bytes));
}

/** Continues a raw (not inverted) CRC-32C over `bytes`. */
function crcBytes(start: number, bytes: Uint8Array): number {
  crcTables ??= makeCrcTables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = crcTables as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  let crc = start;
  let i = 0;
  for (const end = bytes.length & ~7; i < end; i += 8) {
    const lo =
      crc ^
      ((bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24));
    crc =
      (t7[lo & 255] as number) ^
      (t6[(lo >>> 8) & 255] as number) ^
      (t5[(lo >>> 16) & 255] as number) ^
      (t4[lo >>> 24] as number) ^
      (t3[bytes[i + 4] as number] as number) ^
      (t2[bytes[i + 5] as number] as number) ^
      (t1[bytes[i + 6] as number] as number) ^
      (t0[bytes[i + 7] as number] as number);
  }
  for (; i < bytes.length; i++) crc = crcByte(t0, crc, bytes[i] as number);
  return crc;
}

/** CRC-32C of `bytes`. */
export function crc32c(bytes: Uint8Array): number {
  return ~crcBytes(-1, bytes) >>> 0;
}

/** Checksum of one block version, identity first. */
export function blockChecksum(
  algorithm: ChecksumAlgorithm,
  id: BlockIdentity,
  bytes: Uint8Array,
): Checksum {
  if (algorithm === 'xxhash32') return xxh32(bytes, identitySeed(id)) as Checksum;
  let crc = crcWord(-1, id.file);
  crc = crcWord(crc, id.block);
  crc = crcWord(crc, id.version % TWO_32);
  crc = crcWord(crc, Math.floor(id.version / TWO_32));
  return (~crcBytes(crc, bytes) >>> 0) as Checksum;
}
