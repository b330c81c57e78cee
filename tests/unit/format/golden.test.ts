import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeCommit, HOLE, KEEP_ALL } from '../../../src/format/commit.js';
import { encodeFile, encodeVolume } from '../../../src/format/files.js';
import { encodeChunk, encodeDirectory, newColumns } from '../../../src/format/maps.js';
import { encodeSpillOwner } from '../../../src/format/spill-owner.js';
import { blockSize, fileId, version } from '../../../src/types.js';

const file = fileId(3);
const size = blockSize(4096);

function chunkColumns() {
  const columns = newColumns();
  columns.versions.set([5, 0, 2 ** 40]);
  columns.slots.set([1, 0, 77]);
  columns.checksums.set([0xdeadbeef, 0, 0xfeedface]);
  return columns;
}

const RECORDS: Readonly<Record<string, ArrayBuffer>> = {
  volume: encodeVolume({ nextFileId: 4, createdMs: 1_700_000_000_000 }),
  file: encodeFile({
    path: 'dir/ä.db',
    file,
    algorithm: 'crc32c',
    born: true,
    createdMs: 1_700_000_000_001,
  }),
  commit: encodeCommit({
    file,
    blockSize: size,
    version: version(2 ** 33 + 1),
    base: version(2 ** 33),
    fileBytes: 5 * 2 ** 32,
    directoryVersion: version(64),
    nonce: [0x01020304, 0xa0b0c0d0],
    timeMs: 1_700_000_000_002.5,
    firstPart: 1,
    endPart: 2,
    keptBlocks: KEEP_ALL,
    entries: { blocks: Uint32Array.of(0, HOLE, 9), checksums: Uint32Array.of(1, 0, 0xffffffff) },
    entryCount: 3,
    path: 'dir/ä.db',
  }),
  chunk: encodeChunk({
    file,
    chunk: 2,
    asOf: version(64),
    blockSize: size,
    columns: chunkColumns(),
  }),
  directory: encodeDirectory({
    file,
    version: version(64),
    blockSize: size,
    chunks: new Map([
      [0, version(64)],
      [2, version(7)],
    ]),
    reclaim: [{ version: version(3), firstPart: 0, endPart: 4, supersededBy: version(60) }],
  }),
  spillOwner: encodeSpillOwner({ file, version: version(65), nonce: [7, 8] }),
};

// Goal: P12, format 1 never changes. Method: bytes kept from its first release, in hexadecimal.
const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/format-v1/records.json', import.meta.url), 'utf8'),
) as Record<string, string>;

test.each(Object.keys(RECORDS))(
  'the %s record is encoded as in the fixture of format 1',
  (name) => {
    expect(hex(RECORDS[name] as ArrayBuffer)).toBe(golden[name]);
  },
);

function hex(buffer: ArrayBuffer): string {
  return Buffer.from(buffer).toString('hex');
}
