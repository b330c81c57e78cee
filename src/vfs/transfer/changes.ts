/**
 * What has changed in a database since a version, as a stream (docs/BACKUP.md).
 *
 *   I9  Pages of FRAME_BYTES_MAX at a time, their frames, and what SnapshotReader holds.
 *
 * The block map knows the version of every block. Page 1 is always sent: a copy's may have been renumbered.
 */
import type { BlockMap } from '../../blockstore/map.js';
import { assert, ChangesError, OptionError } from '../../errors.js';
import { xxh32 } from '../../format/checksum.js';
import {
  type ChangesHeader,
  encodeChangesHeader,
  encodeFrame,
  FRAME_BYTES_MAX,
  type Frame,
  type FrameKind,
  frameBlocksMax,
  keptDigest,
} from '../../transfer/changes-format.js';
import { type BackupMark, fileName } from '../../transfer/mark.js';
import type { FileSnapshot } from '../open-files.js';
import { SnapshotReader } from './snapshot-reader.js';

/** Frames without pages that are sent together. */
const FRAMES_MAX = 1024;

/** Blocks in a row that are told of alike. */
interface Run {
  readonly kind: FrameKind;
  readonly first: number;
  count: number;
  /** Of all of them, if they are kept; else 0. */
  readonly version: number;
}

/** Yields nothing first, when the snapshot is pinned. */
export async function* changeChunks(
  opening: Promise<FileSnapshot>,
  since: number | BackupMark,
): AsyncGenerator<Uint8Array | undefined, void> {
  const snapshot = await opening;
  try {
    const header = headerOf(snapshot, since);
    yield undefined;
    const encoded = encodeChangesHeader(header);
    yield encoded;
    const seed = new DataView(encoded.buffer).getUint32(encoded.length - 4, true);
    const reader = new SnapshotReader(snapshot.file, snapshot.map);
    let number = 0;
    for (const runs of batchesOf(snapshot.map, header.since)) {
      yield await encodeRuns(runs, { map: snapshot.map, reader, number, seed });
      number += runs.length;
    }
    const first = snapshot.map.blockCount;
    const end = { kind: 'end', first, count: number, digest: 0, version: 0 } as const;
    yield encodeFrame(end, { number, seed });
  } finally {
    snapshot.release();
  }
}

/** @throws ChangesError if the version is not one of this file */
function headerOf({ file, map }: FileSnapshot, since: number | BackupMark): ChangesHeader {
  const { path, record } = file;
  const mark = typeof since === 'number' ? undefined : since;
  const version = mark ? mark.version : Number(since);
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new OptionError('since', 'a version, from 0 on, or what an export has called onEnd with');
  }
  if (!record || version > map.version) {
    const why = `its newest version is ${map.version}, and ${version} is asked for`;
    throw new ChangesError(path, 'version', why);
  }
  if (mark && mark.file !== fileName(record)) {
    throw new ChangesError(path, 'version', 'the copy is one of another database');
  }
  return {
    pageBytes: map.blockSize,
    algorithm: file.algorithm,
    since: version,
    version: map.version,
    fileBytes: map.fileBytes,
    file: record.file,
    createdMs: record.createdMs,
    base: mark && { bytes: mark.bytes, digest: mark.digest },
  };
}

/** Runs of all blocks in order, as many at a time as are sent together. */
function* batchesOf(map: BlockMap, since: number): Generator<Run[], void> {
  let runs: Run[] = [];
  let pages = 0;
  const pagesMax = FRAME_BYTES_MAX / map.blockSize;
  for (const run of runsOf(map, since)) {
    const more = run.kind === 'pages' ? run.count : 0;
    if (runs.length === FRAMES_MAX || (runs.length > 0 && pages + more > pagesMax)) {
      yield runs;
      runs = [];
      pages = 0;
    }
    runs.push(run);
    pages += more;
  }
  if (runs.length > 0) yield runs;
}

function* runsOf(map: BlockMap, since: number): Generator<Run, void> {
  let run: Run | undefined;
  for (let block = 0; block < map.blockCount; block++) {
    const version = map.versionOf(block);
    const kind = version === 0 ? 'zeros' : version > since || block === 0 ? 'pages' : 'keep';
    const of = kind === 'keep' ? version : 0;
    const isLike = run?.kind === kind && run.version === of;
    if (run && isLike && run.count < frameBlocksMax(kind, map.blockSize)) run.count++;
    else {
      if (run) yield run;
      run = { kind, first: block, count: 1, version: of };
    }
  }
  if (run) yield run;
}

interface Encoding {
  readonly map: BlockMap;
  readonly reader: SnapshotReader;
  /** Of the first frame. */
  readonly number: number;
  readonly seed: number;
}

/** The runs' frames, back to back. */
async function encodeRuns(
  runs: readonly Run[],
  { map, reader, number, seed }: Encoding,
): Promise<Uint8Array> {
  const sent = runs.filter(({ kind }) => kind === 'pages');
  const pages = await reader.read(sent.flatMap((run) => blocksOf(run)));
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [i, run] of runs.entries()) {
    const bytes = run.kind === 'pages' ? run.count * map.blockSize : 0;
    const content = pages.subarray(at, at + bytes);
    at += bytes;
    const frame: Frame = { ...run, digest: digestOf(run, map, content) };
    parts.push(encodeFrame(frame, { number: number + i, seed }), content);
  }
  assert(at === pages.length, 'each page that was read is in a frame');
  return joined(parts);
}

function digestOf(run: Run, map: BlockMap, content: Uint8Array): number {
  if (run.kind === 'pages') return xxh32(content, 0);
  if (run.kind === 'zeros') return 0;
  return keptDigest(Uint32Array.from(blocksOf(run), (block) => map.checksumOf(block)));
}

function blocksOf({ first, count }: Run): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
