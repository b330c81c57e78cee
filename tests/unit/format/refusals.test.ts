/**
 * P4: a record that its checksum proves, and that says what cannot be, is refused as damage.
 *
 * Method: one field of a good record is changed, and the checksum put right, as a defect of the writer or
 * a record under another key would do. The reason given tells that it was this check that found it.
 */
import { describe, expect, test } from 'vitest';
import { xxh32 } from '../../../src/format/checksum.js';
import { type CommitRecord, decodeCommit, encodeCommit } from '../../../src/format/commit.js';
import { decodeFile, decodeVolume, encodeFile, encodeVolume } from '../../../src/format/files.js';
import { BLOCKS_PER_CHUNK, LISTED_ENTRIES_MAX } from '../../../src/format/layout.js';
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

const file = fileId(3);
const HEADER_BYTES = 16;

/** A copy with one change, its checksum right again. */
function forged(buffer: ArrayBuffer, change: (view: DataView) => void): ArrayBuffer {
  const copy = buffer.slice(0);
  const view = new DataView(copy);
  change(view);
  view.setUint32(8, 0, true);
  view.setUint32(8, xxh32(new Uint8Array(copy), 0), true);
  return copy;
}

const u32 = (at: number, value: number) => (view: DataView) => view.setUint32(at, value, true);
const u8 = (at: number, value: number) => (view: DataView) => view.setUint8(at, value);

/** The first `byteLength` bytes, which say that they are all. */
function shortened(buffer: ArrayBuffer, byteLength: number): ArrayBuffer {
  return forged(buffer.slice(0, byteLength), u32(12, byteLength));
}

function lengthened(buffer: ArrayBuffer, byteLength: number): ArrayBuffer {
  const longer = new Uint8Array(byteLength);
  longer.set(new Uint8Array(buffer));
  return forged(longer.buffer, u32(12, byteLength));
}

function commitOf(entryCount: number): CommitRecord {
  return {
    file,
    blockSize: blockSize(4096),
    version: version(7),
    base: version(6),
    fileBytes: 4096,
    directoryVersion: version(7),
    nonce: [1, 2],
    timeMs: 5,
    firstPart: 0,
    endPart: 1,
    keptBlocks: 0,
    entries: { blocks: new Uint32Array(entryCount), checksums: new Uint32Array(entryCount) },
    entryCount,
    path: 'a.db',
  };
}

const volume = encodeVolume({ nextFileId: 4, createdMs: 1 });
const fileRecord = encodeFile({
  path: 'a.db',
  file,
  algorithm: 'crc32c',
  born: true,
  createdMs: 1,
});
const commit = encodeCommit(commitOf(2));
const columns = newColumns();
columns.versions.fill(7);
const chunk = encodeChunk({
  file,
  chunk: 5,
  asOf: version(7),
  blockSize: blockSize(512),
  columns,
});
const directory = encodeDirectory({
  file,
  version: version(7),
  blockSize: blockSize(512),
  chunks: new Map([[5, version(7)]]),
  reclaim: [{ version: version(1), firstPart: 0, endPart: 1, supersededBy: version(2) }],
});
const owner = encodeSpillOwner({ file, version: version(7), nonce: [1, 2] });

const asVolume = (value: unknown): Decoded<unknown> => decodeVolume(value);
const asFile = (value: unknown): Decoded<unknown> => decodeFile(value, 'a.db');
const asCommit = (value: unknown): Decoded<unknown> => decodeCommit(value, { file });
const asChunk = (value: unknown): Decoded<unknown> => decodeChunk(value, { file });
const asDirectory = (value: unknown): Decoded<unknown> => decodeDirectory(value, file);
const asOwner = (value: unknown): Decoded<unknown> => decodeSpillOwner(value, file);

type Case = readonly [
  what: string,
  decode: (value: unknown) => Decoded<unknown>,
  value: ArrayBuffer,
  reason: RegExp,
];

const IMPOSSIBLE = /impossible/;
const LENGTHS = /lengths disagree/;
const ANOTHER = /another/;

const CASES: readonly Case[] = [
  ['a volume without a next id', asVolume, forged(volume, u32(16, 0)), /without a next file id/],
  ['a file without an id', asFile, forged(fileRecord, u32(16, 0)), IMPOSSIBLE],
  ['a file with checksum 0', asFile, forged(fileRecord, u8(20, 0)), IMPOSSIBLE],
  ['a file with checksum 3', asFile, forged(fileRecord, u8(20, 3)), IMPOSSIBLE],
  ['a file in state 2', asFile, forged(fileRecord, u8(21, 2)), IMPOSSIBLE],
  ['a file with a longer path', asFile, forged(fileRecord, u32(32, 5)), /wrong length/],
  ['a file with another path', asFile, forged(fileRecord, u8(36, 0x62)), ANOTHER],
  ['a commit of another file', asCommit, forged(commit, u32(16, 4)), ANOTHER],
  ['a commit with a longer path', asCommit, forged(commit, u32(84, 5)), LENGTHS],
  ['a commit with more entries', asCommit, forged(commit, u32(80, 3)), LENGTHS],
  [
    'a commit of too many entries',
    asCommit,
    encodeCommit(commitOf(LISTED_ENTRIES_MAX + 1)),
    LENGTHS,
  ],
  ['a commit of odd blocks', asCommit, forged(commit, u32(20, 4095)), IMPOSSIBLE],
  ['a commit on another base', asCommit, forged(commit, u32(32, 5)), IMPOSSIBLE],
  ['a commit before its checkpoint', asCommit, forged(commit, u32(48, 8)), IMPOSSIBLE],
  ['a chunk of another file', asChunk, forged(chunk, u32(16, 4)), ANOTHER],
  ['a chunk of fewer blocks', asChunk, forged(chunk, u32(36, BLOCKS_PER_CHUNK - 1)), LENGTHS],
  [
    'a chunk of too many blocks',
    asChunk,
    forged(lengthened(chunk, 40 + 16 * (BLOCKS_PER_CHUNK + 1)), u32(36, BLOCKS_PER_CHUNK + 1)),
    LENGTHS,
  ],
  ['a chunk of odd blocks', asChunk, forged(chunk, u32(32, 511)), IMPOSSIBLE],
  ['a directory of more chunks', asDirectory, forged(directory, u32(20, 2)), LENGTHS],
  ['a directory of more ranges', asDirectory, forged(directory, u32(36, 2)), LENGTHS],
  ['a directory of another file', asDirectory, forged(directory, u32(16, 4)), ANOTHER],
  ['a directory of odd blocks', asDirectory, forged(directory, u32(32, 0)), IMPOSSIBLE],
  ['the owner of another file', asOwner, forged(owner, u32(16, 4)), ANOTHER],
];

const DECODERS = [
  ['volume', asVolume, volume, 32],
  ['file', asFile, fileRecord, 36],
  ['commit', asCommit, commit, 96],
  ['map chunk', asChunk, chunk, 40],
  ['directory', asDirectory, directory, 40],
  ['spill owner', asOwner, owner, 40],
] as const;

test.each(CASES)('%s is damage', (_what, decode, value, reason) => {
  const decoded = decode(value);
  expect(decoded).toMatchObject({ ok: false, refusal: { tag: 'damaged' } });
  if (!decoded.ok && decoded.refusal.tag === 'damaged') {
    expect(decoded.refusal.what).toMatch(reason);
    expect(decoded.refusal).not.toHaveProperty('checksums');
  }
});

describe.each(DECODERS)('the %s record', (_name, decode, buffer, fixedBytes) => {
  test('is taken as it is', () => {
    expect(decode(buffer)).toMatchObject({ ok: true });
  });

  test.each([0, 1, 2, 3])('is refused when letter %i of its magic is another', (at) => {
    expect(decode(forged(buffer, u8(at, 0x78)))).toMatchObject({
      refusal: { tag: 'damaged', what: expect.stringMatching(/magic/) },
    });
  });

  test('is refused when it ends before its fixed part does', () => {
    for (const byteLength of [HEADER_BYTES, fixedBytes - 1]) {
      expect(decode(shortened(buffer, byteLength))).toMatchObject({
        refusal: { tag: 'damaged', what: expect.stringMatching(/wrong length/) },
      });
    }
  });

  test('is refused when it says another length than it has', () => {
    expect(decode(forged(buffer, u32(12, buffer.byteLength + 8)))).toMatchObject({
      refusal: { tag: 'damaged', what: expect.stringMatching(/wrong length/) },
    });
  });

  test('is newer, not damaged, also when a newer format has shorter records', () => {
    const newer = forged(buffer.slice(0, HEADER_BYTES), (view) => view.setUint16(4, 2, true));
    expect(decode(newer)).toEqual({ ok: false, refusal: { tag: 'newer', format: 2 } });
    expect(decode(newer.slice(0, HEADER_BYTES - 1))).toMatchObject({ refusal: { tag: 'damaged' } });
  });

  test('names both checksums when they differ', () => {
    const bytes = new Uint8Array(buffer.slice(0));
    const stored = new DataView(buffer).getUint32(8, true);
    bytes[buffer.byteLength - 1] = (bytes[buffer.byteLength - 1] as number) ^ 1;
    const zeroed = bytes.slice();
    zeroed.fill(0, 8, 12);
    expect(decode(bytes.buffer)).toMatchObject({
      ok: false,
      refusal: { tag: 'damaged', checksums: { expected: stored, actual: xxh32(zeroed, 0) } },
    });
    // Looking at a record leaves it as it was.
    expect(new DataView(bytes.buffer).getUint32(8, true)).toBe(stored);
  });
});

test.each([LISTED_ENTRIES_MAX - 1, LISTED_ENTRIES_MAX])('a commit may list %i entries', (count) => {
  expect(asCommit(encodeCommit(commitOf(count)))).toMatchObject({ ok: true });
});
