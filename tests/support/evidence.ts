/**
 * The evidence of a file of five commits, of which the third is a checkpoint with two chunks, as the
 * codecs write it.
 */
import { type CommitRecord, encodeCommit, KEEP_ALL } from '../../src/format/commit.js';
import { mapKey } from '../../src/format/keys.js';
import { BLOCKS_PER_CHUNK } from '../../src/format/layout.js';
import { encodeChunk, encodeDirectory, newColumns } from '../../src/format/maps.js';
import type { Evidence, StoredRecord } from '../../src/recovery/scan.js';
import { blockSize, fileId, version } from '../../src/types.js';

export const FILE = fileId(3);
export const PATH = 'a.db';
export const SIZE = blockSize(512);
/** In the third chunk; the second has no block. */
export const FAR = 2 * BLOCKS_PER_CHUNK + 1;
export const FILE_BLOCKS = FAR + 1;
const CHECKPOINT = 3;
/** Blocks of each commit. */
const WRITES: readonly (readonly number[])[] = [[0], [1], [2, FAR], [0], [1]];

function commitRecord(at: number, more: Partial<CommitRecord> = {}): CommitRecord {
  const blocks = Uint32Array.from(WRITES[at - 1] ?? []);
  return {
    file: FILE,
    blockSize: SIZE,
    version: version(at),
    base: version(at - 1),
    fileBytes: (at < CHECKPOINT ? 2 : FILE_BLOCKS) * SIZE,
    directoryVersion: version(at < CHECKPOINT ? 0 : CHECKPOINT),
    nonce: [at, at],
    timeMs: 1,
    firstPart: 0,
    endPart: 1,
    keptBlocks: KEEP_ALL,
    entries: { blocks, checksums: blocks.map((block) => block + 100 * at) },
    entryCount: blocks.length,
    path: PATH,
    ...more,
  };
}

export function commitOf(at: number, more: Partial<CommitRecord> = {}): StoredRecord {
  return { key: [FILE, at], value: encodeCommit(commitRecord(at, more)) };
}

export function chunkOf(chunk: number, asOf = CHECKPOINT, size = SIZE): StoredRecord {
  const columns = newColumns();
  const set = (block: number, at: number, slot: number) => {
    if (block >>> 10 !== chunk) return;
    columns.versions[block & 1023] = at;
    columns.slots[block & 1023] = slot;
    columns.checksums[block & 1023] = block + 100 * at;
  };
  set(0, 1, 0);
  set(1, 2, 0);
  set(2, 3, 0);
  set(FAR, 3, 1);
  const value = encodeChunk({ file: FILE, chunk, asOf: version(asOf), blockSize: size, columns });
  return { key: mapKey(FILE, chunk), value };
}

export const RECLAIM = { version: version(1), firstPart: 1, endPart: 3, supersededBy: version(2) };

export function directoryOf(at = CHECKPOINT, chunks: readonly number[] = [0, 2]): ArrayBuffer {
  return encodeDirectory({
    file: FILE,
    version: version(at),
    blockSize: SIZE,
    chunks: new Map(chunks.map((chunk) => [chunk, version(CHECKPOINT)])),
    reclaim: [RECLAIM],
  });
}

const ALL = [1, 2, 3, 4, 5];
export const WHOLE: Evidence = {
  volume: 'v',
  file: { path: PATH, file: FILE, algorithm: 'xxhash32', born: true, createdMs: 1 },
  commits: ALL.map((at) => commitOf(at)),
  directory: directoryOf(),
  chunks: [chunkOf(0), chunkOf(2)],
  above: undefined,
  spillOwner: undefined,
  topUnowned: undefined,
};
/** No checkpoint yet. */
export const YOUNG: Evidence = {
  ...WHOLE,
  commits: [commitOf(1), commitOf(2)],
  directory: undefined,
  chunks: [],
};

export function bytesOf({ commits }: Evidence, ...versions: readonly number[]): number {
  const chosen = commits.filter(({ key }) => versions.includes((key as number[])[1] as number));
  return chosen.reduce((sum, { value }) => sum + (value as ArrayBuffer).byteLength, 0);
}

/** The commit records but for these. */
export const without = (...gone: readonly number[]) =>
  WHOLE.commits.filter(({ key }) => !gone.includes((key as number[])[1] as number));
/** All commit records, one of them damaged. */
export const damaged = (at: number): StoredRecord[] =>
  WHOLE.commits.map((record) =>
    (record.key as number[])[1] === at ? { key: record.key, value: new ArrayBuffer(8) } : record,
  );
