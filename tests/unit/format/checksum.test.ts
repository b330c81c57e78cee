import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockChecksum, crc32c, xxh32 } from '../../../src/format/checksum.js';
import { blockNumber, type ChecksumAlgorithm, fileId, version } from '../../../src/types.js';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

// Goal: our checksums are the published ones, so a second implementation agrees with stored data.
// Method: test vectors of the algorithms' own specifications.
test.each([
  ['', 0, 0x02cc5d05],
  ['', 0x9e3779b1, 0x36b78ae7],
  ['a', 0, 0x550d7456],
  ['abc', 0, 0x32d153ff],
  ['Nobody inspects the spammish repetition', 0, 0xe2293b2f],
])('XXH32 of %j with seed %i is the published value', (input, seed, expected) => {
  expect(xxh32(text(input), seed)).toBe(expected);
});

test.each([
  [new Uint8Array(0), 0],
  [text('123456789'), 0xe3069283],
  [new Uint8Array(32), 0x8a9136aa],
  [new Uint8Array(32).fill(0xff), 0x62a8ab43],
  [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
])('CRC-32C of a known input is the published value', (input, expected) => {
  expect(crc32c(input)).toBe(expected);
});

// Goal: where the bytes lie in memory does not matter. Method: the same bytes at every alignment.
test('XXH32 does not depend on the alignment of the view', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (bytes, shift) => {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect(xxh32(moved.subarray(shift), 7)).toBe(xxh32(bytes, 7));
    }),
  );
});

function identityBytes(id: { file: number; block: number; version: number }): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, id.file, true);
  view.setUint32(4, id.block, true);
  view.setBigUint64(8, BigInt(id.version), true);
  return bytes;
}

const identity = fc.record({
  file: fc.integer({ min: 1, max: 0xffffffff }).map(fileId),
  block: fc.integer({ min: 0, max: 0xfffffffe }).map(blockNumber),
  version: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }).map(version),
});

// Goal: FORMAT.md §4 is what the code does. Method: the definition there, written out plainly.
test('a block checksum is that of identity and bytes, as FORMAT.md defines it', () => {
  fc.assert(
    fc.property(identity, fc.uint8Array({ maxLength: 600 }), (id, bytes) => {
      const prefix = identityBytes(id);
      expect(blockChecksum('xxhash32', id, bytes)).toBe(xxh32(bytes, xxh32(prefix, 0)));
      const joined = new Uint8Array([...prefix, ...bytes]);
      expect(blockChecksum('crc32c', id, bytes)).toBe(crc32c(joined));
    }),
  );
});

// Goal: an intact block in the wrong place is found out. Method: change one part of the identity.
test.each<ChecksumAlgorithm>(['xxhash32', 'crc32c'])(
  '%s tells file, block and version apart',
  (algorithm) => {
    fc.assert(
      fc.property(identity, identity, fc.uint8Array({ maxLength: 64 }), (a, b, bytes) => {
        fc.pre(a.file !== b.file || a.block !== b.block || a.version !== b.version);
        expect(blockChecksum(algorithm, a, bytes)).not.toBe(blockChecksum(algorithm, b, bytes));
      }),
    );
  },
);
