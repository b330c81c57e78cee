import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { xxh32 } from '../../../src/format/checksum.js';
import { type CommitRecord, decodeCommit, encodeCommit } from '../../../src/format/commit.js';
import { decodeFile, decodeVolume, encodeFile, encodeVolume } from '../../../src/format/files.js';
import { blocksPerSegment } from '../../../src/format/layout.js';
import {
  decodeChunk,
  decodeDirectory,
  encodeChunk,
  encodeDirectory,
  newColumns,
} from '../../../src/format/maps.js';
import type { Decoded } from '../../../src/format/record.js';
import { decodeSpillOwner, encodeSpillOwner } from '../../../src/format/spill-owner.js';
import { blockSize, fileId, version } from '../../../src/types.js';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u53 = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const anyFileId = fc.integer({ min: 1, max: 0xffffffff }).map(fileId);
const anyVersion = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(version);
const anyBlockSize = fc.integer({ min: 9, max: 16 }).map((shift) => blockSize(2 ** shift));
const path = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });
const time = fc.double({ min: 0, max: 1e14, noNaN: true });
const nonce = fc.tuple(u32, u32);

const volumeRecord = fc.record({
  nextFileId: fc.integer({ min: 1, max: 0xffffffff }),
  createdMs: time,
});
const fileRecord = fc.record({
  path,
  file: anyFileId,
  algorithm: fc.constantFrom('xxhash32' as const, 'crc32c' as const),
  born: fc.boolean(),
  createdMs: time,
});
const entries = fc.array(fc.tuple(u32, u32), { maxLength: 60 }).map((pairs) => ({
  blocks: Uint32Array.from(pairs, ([block]) => block),
  checksums: Uint32Array.from(pairs, ([, checksum]) => checksum),
}));
const commitRecord: fc.Arbitrary<CommitRecord> = fc
  .record({
    file: anyFileId,
    blockSize: anyBlockSize,
    version: anyVersion,
    fileBytes: u53,
    nonce,
    timeMs: time,
    firstPart: u32,
    endPart: u32,
    keptBlocks: u32,
    listed: fc.option(entries, { nil: undefined }),
    unlistedCount: u32,
    isCheckpoint: fc.boolean(),
    path,
  })
  .map(({ listed, unlistedCount, isCheckpoint, ...rest }) => ({
    ...rest,
    base: version(rest.version - 1),
    directoryVersion: isCheckpoint ? rest.version : version(0),
    entries: listed,
    entryCount: listed ? listed.blocks.length : unlistedCount,
  }));
const columns = fc.array(fc.tuple(u53, u32, u32), { maxLength: 40 }).map((rows) => {
  const made = newColumns();
  rows.forEach(([v, slot, checksum], i) => {
    made.versions[i] = v;
    // Nothing is stored for a block that was never written.
    made.slots[i] = v === 0 ? 0 : slot;
    made.checksums[i] = v === 0 ? 0 : checksum;
  });
  return made;
});
const mapChunk = fc.record({
  file: anyFileId,
  chunk: fc.nat(4_194_303),
  asOf: anyVersion,
  blockSize: anyBlockSize,
  columns,
});
const range = fc.record({
  version: anyVersion,
  firstPart: u32,
  endPart: u32,
  supersededBy: anyVersion,
});
const directory = fc.record({
  file: anyFileId,
  version: anyVersion,
  blockSize: anyBlockSize,
  chunks: fc.array(fc.tuple(u32, anyVersion), { maxLength: 20 }).map((pairs) => new Map(pairs)),
  reclaim: fc.array(range, { maxLength: 20 }),
});
const spillOwner = fc.record({ file: anyFileId, version: anyVersion, nonce });

interface Codec<T> {
  readonly records: fc.Arbitrary<T>;
  encode(record: T): ArrayBuffer;
  decode(value: unknown, like: T): Decoded<T>;
}

function codec<T>(
  records: fc.Arbitrary<T>,
  encode: Codec<T>['encode'],
  decode: Codec<T>['decode'],
): Codec<unknown> {
  return { records, encode, decode } as Codec<unknown>;
}

const CODECS: readonly [string, Codec<unknown>][] = [
  ['volume', codec(volumeRecord, encodeVolume, decodeVolume)],
  ['file', codec(fileRecord, encodeFile, (value, like) => decodeFile(value, like.path))],
  ['commit', codec(commitRecord, encodeCommit, (value, like) => decodeCommit(value, like))],
  ['map chunk', codec(mapChunk, encodeChunk, (value, like) => decodeChunk(value, like))],
  [
    'directory',
    codec(directory, encodeDirectory, (value, like) => decodeDirectory(value, like.file)),
  ],
  [
    'spill owner',
    codec(spillOwner, encodeSpillOwner, (value, like) => decodeSpillOwner(value, like.file)),
  ],
];

describe.each(CODECS)('%s record', (_name, { records, encode, decode }) => {
  // Goal: nothing is lost on the way to the store and back. Method: encode and decode any record.
  test('comes back as it was stored', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(decode(encode(record), record)).toEqual({ ok: true, value: record });
      }),
    );
  });

  // Goal: P4, no changed byte goes unnoticed. Method: flip one bit anywhere.
  test('is refused when any bit is flipped', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.nat(7), (record, at, bit) => {
        const bytes = new Uint8Array(encode(record));
        const position = at % bytes.length;
        bytes[position] = (bytes[position] as number) ^ (1 << bit);
        expect(decode(bytes.buffer, record).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  // Goal: P4, a torn record goes unnoticed neither. Method: cut or extend it.
  test('is refused when it is cut or has bytes appended', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: -200, max: 50 }), (record, change) => {
        const bytes = encode(record);
        fc.pre(change !== 0);
        const other = new Uint8Array(Math.max(0, bytes.byteLength + change));
        other.set(new Uint8Array(bytes).subarray(0, other.length));
        expect(decode(other.buffer, record).ok).toBe(false);
      }),
    );
  });

  test.each([undefined, null, 7, 'text', {}, [], new Uint8Array(64)])(
    'is refused when it is %o',
    (value) => {
      const [record] = fc.sample(records, { numRuns: 1, seed: 1 });
      expect(decode(value, record)).toMatchObject({ ok: false, refusal: { tag: 'damaged' } });
    },
  );

  // Goal: P12, a newer format is told from damage. Method: raise the format, checksum put right.
  test('is refused as newer when its format is greater', () => {
    const [record] = fc.sample(records, { numRuns: 1, seed: 2 });
    const buffer = encode(record);
    const view = new DataView(buffer);
    view.setUint16(4, 2, true);
    view.setUint32(8, 0, true);
    view.setUint32(8, xxh32(new Uint8Array(buffer), 0), true);
    expect(decode(buffer, record)).toEqual({ ok: false, refusal: { tag: 'newer', format: 2 } });
  });
});

// Goal: an intact record under another record's key is refused. Method: ask for its neighbour.
test('records are refused under a key that is not theirs', () => {
  fc.assert(
    fc.property(commitRecord, mapChunk, fileRecord, (commit, chunk, file) => {
      const other = { file: commit.file, version: version(commit.version - 1) };
      expect(decodeCommit(encodeCommit(commit), other).ok).toBe(false);
      const neighbour = { file: chunk.file, chunk: chunk.chunk + 1 };
      expect(decodeChunk(encodeChunk(chunk), neighbour).ok).toBe(false);
      expect(decodeFile(encodeFile(file), `${file.path}x`).ok).toBe(false);
    }),
  );
});

test.each([
  [512, 120],
  [4096, 15],
  [32768, 1],
  [65536, 1],
])('blocks of %i bytes go %i to a segment', (size, count) => {
  expect(blocksPerSegment(blockSize(size))).toBe(count);
});
