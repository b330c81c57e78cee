/**
 * A small domain of evidence, all combinations of it, and a tiny oracle of what each must come to.
 *
 * The history is always the same: four commits, of which commit v writes block v − 1; the second is a
 * checkpoint with one map chunk. What the store has of it varies: a file record that is born or not, each
 * commit record, the directory, the chunk, a second chunk, something above the marker.
 */
import { type CommitRecord, encodeCommit, KEEP_ALL } from '../../src/format/commit.js';
import { mapKey } from '../../src/format/keys.js';
import { encodeChunk, encodeDirectory, newColumns } from '../../src/format/maps.js';
import { encodeSpillOwner } from '../../src/format/spill-owner.js';
import type { Evidence, StoredRecord } from '../../src/recovery/scan.js';
import { blockSize, type FileId, fileId, type Version, version } from '../../src/types.js';

const COMMITS = [1, 2, 3, 4] as const;
const CHECKPOINT = 2;
const FILE: FileId = fileId(5);
const SIZE = blockSize(512);
const PATH = 'some.db';
const SEGMENT_ABOVE = [FILE, 9, 0];
const SPILL_OWNER = encodeSpillOwner({ file: FILE, version: version(9), nonce: [9, 9] });

const COMMIT_STATES = ['whole', 'absent', 'damaged', 'of another path'] as const;
const DIRECTORY_STATES = ['absent', 1, 2, 4, 'damaged'] as const;
const CHUNK_STATES = ['absent', 1, 2, 'damaged'] as const;
/** What lies above the marker: a spill says whose it is, a lost commit's segments nobody's. */
const ABOVE_STATES = ['nothing', 'owned', 'unowned'] as const;
const BOOLEANS = [false, true] as const;

/** What is stored of the history. */
export interface Situation {
  readonly born: boolean;
  readonly commits: readonly (typeof COMMIT_STATES)[number][];
  /** Absent, damaged, or the version it is of. */
  readonly directory: (typeof DIRECTORY_STATES)[number];
  readonly chunk: (typeof CHUNK_STATES)[number];
  readonly secondChunk: boolean;
  readonly above: (typeof ABOVE_STATES)[number];
}

/** `version`: the commits that are in the content. */
export type Expected =
  | { readonly tag: 'intact'; readonly version: number }
  /** Only the newest records are damaged: refused, or the version below, and it is said. */
  | { readonly tag: 'defective'; readonly orVersion: number | undefined };

/** All combinations. */
export function* situations(): Generator<Situation> {
  for (const commits of tuples(COMMITS.length)) {
    for (const directory of DIRECTORY_STATES) {
      for (const chunk of CHUNK_STATES) {
        for (const secondChunk of BOOLEANS) {
          for (const born of BOOLEANS) {
            for (const above of ABOVE_STATES) {
              yield { born, commits, directory, chunk, secondChunk, above };
            }
          }
        }
      }
    }
  }
}

function* tuples(length: number): Generator<(typeof COMMIT_STATES)[number][]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const state of COMMIT_STATES) for (const rest of tuples(length - 1)) yield [state, ...rest];
}

/** What must come of it, told from the situation alone. */
export function expectedOf(situation: Situation): Expected {
  const clean = cleanVersion(situation);
  if (clean !== undefined && (situation.above !== 'unowned' || clean === 0)) {
    return { tag: 'intact', version: clean };
  }
  const commits = [...situation.commits];
  while (commits.length > 0 && commits.at(-1) !== 'whole') commits.pop();
  const below = commits.length > 0 ? cleanVersion({ ...situation, commits }) : undefined;
  return { tag: 'defective', orVersion: below };
}

/** The version if every record there is agrees with every other. */
function cleanVersion(situation: Situation): number | undefined {
  const { commits, directory, chunk, secondChunk, born } = situation;
  const present = COMMITS.filter((v) => (commits[v - 1] ?? 'absent') !== 'absent');
  if (present.some((v) => commits[v - 1] !== 'whole')) return undefined;
  const marker = present.at(-1);
  if (marker === undefined) return born ? undefined : 0;
  if (marker < CHECKPOINT) {
    const noMaps = directory === 'absent' && chunk === 'absent' && !secondChunk;
    return noMaps ? marker : undefined;
  }
  const mapsFit = directory === CHECKPOINT && chunk === CHECKPOINT && !secondChunk;
  // Those below the checkpoint may be gone, itself and those above may not.
  const gapless = COMMITS.every((v) => v < CHECKPOINT || v > marker || present.includes(v));
  return mapsFit && gapless ? marker : undefined;
}

const cache = new Map<string, ArrayBuffer>();

/** The evidence as `scan` would bring it. */
export function evidenceOf(situation: Situation): Evidence {
  const { born, commits, directory, chunk, secondChunk, above } = situation;
  const stored: StoredRecord[] = [];
  for (const v of COMMITS) {
    const state = commits[v - 1];
    if (state === undefined || state === 'absent') continue;
    stored.push({ key: [FILE, v], value: commitValue(v, state) });
  }
  const chunks: StoredRecord[] = [];
  if (chunk !== 'absent') chunks.push({ key: mapKey(FILE, 0), value: chunkValue(0, chunk) });
  if (secondChunk) chunks.push({ key: mapKey(FILE, 1), value: chunkValue(1, CHECKPOINT) });
  return {
    volume: 'volume',
    file: { path: PATH, file: FILE, algorithm: 'xxhash32', born, createdMs: 0 },
    commits: stored,
    directory: directory === 'absent' ? undefined : directoryValue(directory),
    chunks,
    above: above === 'nothing' ? undefined : SEGMENT_ABOVE,
    spillOwner: above === 'owned' ? SPILL_OWNER : undefined,
    topUnowned: above === 'unowned' ? SEGMENT_ABOVE : undefined,
  };
}

/** The checksum that commit v gives its block. */
export function checksumOf(v: number): number {
  return 1000 + v;
}

function once(name: string, encode: () => ArrayBuffer): ArrayBuffer {
  const known = cache.get(name) ?? encode();
  cache.set(name, known);
  return known;
}

function damaged(value: ArrayBuffer): ArrayBuffer {
  const bytes = new Uint8Array(value.slice(0));
  bytes[20] = (bytes[20] as number) ^ 1;
  return bytes.buffer;
}

function commitValue(v: number, state: Situation['commits'][number]): ArrayBuffer {
  return once(`commit ${v} ${state}`, () => {
    const record: CommitRecord = {
      file: FILE,
      blockSize: SIZE,
      version: version(v),
      base: version(v - 1),
      fileBytes: v * SIZE,
      directoryVersion: version(v >= CHECKPOINT ? CHECKPOINT : 0),
      nonce: [1, v],
      timeMs: 0,
      firstPart: 0,
      endPart: 1,
      keptBlocks: KEEP_ALL,
      entries: { blocks: Uint32Array.of(v - 1), checksums: Uint32Array.of(checksumOf(v)) },
      entryCount: 1,
      path: state === 'of another path' ? 'other.db' : PATH,
    };
    const encoded = encodeCommit(record);
    return state === 'damaged' ? damaged(encoded) : encoded;
  });
}

function directoryValue(state: Exclude<Situation['directory'], 'absent'>): ArrayBuffer {
  return once(`directory ${state}`, () => {
    const v = version(state === 'damaged' ? CHECKPOINT : state);
    const value = encodeDirectory({
      file: FILE,
      version: v,
      blockSize: SIZE,
      chunks: new Map([[0, v]]),
      reclaim: [],
    });
    return state === 'damaged' ? damaged(value) : value;
  });
}

function chunkValue(chunk: number, state: Exclude<Situation['chunk'], 'absent'>): ArrayBuffer {
  return once(`chunk ${chunk} ${state}`, () => {
    const asOf: Version = version(state === 'damaged' ? CHECKPOINT : state);
    const columns = newColumns();
    for (let v = 1; v <= asOf; v++) {
      columns.versions[v - 1] = v;
      columns.checksums[v - 1] = checksumOf(v);
    }
    const value = encodeChunk({ file: FILE, chunk, asOf, blockSize: SIZE, columns });
    return state === 'damaged' ? damaged(value) : value;
  });
}
