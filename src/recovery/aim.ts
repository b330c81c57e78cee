/**
 * What a damaged file should be, by the records of it that are intact.
 *
 *   I7  Only intact records are believed, and a map chunk only up to the version it was saved at.
 */
import type { Connection } from '../blockstore/connection.js';
import { BlockMap } from '../blockstore/map.js';
import { CorruptionError, FormatVersionError } from '../errors.js';
import { type CommitRecord, decodeCommit, HOLE } from '../format/commit.js';
import { BLOCKS_PER_CHUNK } from '../format/layout.js';
import { type Directory, decodeChunk, decodeDirectory, type MapChunk } from '../format/maps.js';
import { decodeSpillOwner } from '../format/spill-owner.js';
import type { BlockSize, Version } from '../types.js';
import { decide } from './decide.js';
import { cutFrom, goneByCommits, type IsGone } from './gone.js';
import { place } from './rebuild.js';
import { type Evidence, numberIn, scan } from './scan.js';
import { segmentsUpTo } from './segment-scan.js';
import { type Source, shapeOf } from './source.js';

/** Versions of a file that follow one another. */
export interface VersionRange {
  /** The oldest of them. */
  readonly first: number;
  /** The newest, which may be the first. */
  readonly last: number;
}

export interface Aim {
  /** The version aimed at, with what the intact records list for each block. */
  readonly should: BlockMap;
  /** The file's size in bytes; undefined if no record tells it. */
  readonly fileBytes: number | undefined;
  /** The version up to which what `should` lists of a chunk's blocks is all there was. */
  readonly trustedUpTo: (chunk: number) => number;
  /** Versions up to the aim of which no intact record says what they wrote. */
  readonly untold: readonly VersionRange[];
  /** What is still in a segment, and does not count. */
  readonly isGone: IsGone;
  /** Segments above this version were never committed, for all that is known. */
  readonly lastCommitted: number;
  readonly errors: readonly Error[];
}

/** @throws FormatVersionError, or CorruptionError if nothing at all is left */
export async function aimAt(connection: Connection, { file }: Source): Promise<Aim> {
  const evidence = await scan(connection, file);
  const verdict = decide(evidence);
  if (verdict.tag === 'defective') {
    const newer = verdict.defects.find((error) => error instanceof FormatVersionError);
    if (newer) throw newer;
    return await aimByRemains(connection, evidence, verdict.defects);
  }
  const should = verdict.state.map;
  const lastCommitted = should.version;
  // What was fallen back to bears a greater version than its content has.
  if (verdict.fellBack) should.version = verdict.fellBack.marker.version;
  const { version, fileBytes } = should;
  const trustedUpTo = () => version;
  const isGone = () => false;
  const errors = verdict.fellBack?.defects ?? [];
  return { should, fileBytes, trustedUpTo, untold: [], isGone, lastCommitted, errors };
}

interface Remains {
  /** Oldest first. */
  readonly commits: readonly CommitRecord[];
  readonly directory: Directory | undefined;
  readonly chunks: readonly MapChunk[];
}

function remainsOf({ file, commits, directory, chunks }: Evidence): Remains {
  const listed = decodeDirectory(directory, file.file);
  return {
    commits: commits.flatMap(({ key, value }) => {
      const version = numberIn(key) as Version;
      const decoded = decodeCommit(value, { file: file.file, version });
      return decoded.ok && decoded.value.path === file.path ? decoded.value : [];
    }),
    directory: listed.ok ? listed.value : undefined,
    chunks: chunks.flatMap(({ key, value }) => {
      const decoded = decodeChunk(value, { file: file.file, chunk: numberIn(key) });
      return decoded.ok ? decoded.value : [];
    }),
  };
}

async function aimByRemains(
  connection: Connection,
  evidence: Evidence,
  errors: readonly Error[],
): Promise<Aim> {
  const remains = remainsOf(evidence);
  const { commits, directory, chunks } = remains;
  const marker = commits.at(-1);
  const told = [marker?.version ?? 0, directory?.version ?? 0, ...chunks.map(({ asOf }) => asOf)];
  const version = Math.max(...told) || (await lastUnspilled(connection, evidence));
  const blockSize = await blockSizeAt(connection, evidence, { ...remains, version });
  const fileBytes = marker?.version === version ? marker.fileBytes : undefined;
  const should = new BlockMap({
    version: version as Version,
    blockSize,
    fileBytes: fileBytes ?? 0,
  });
  const trusted = new Map<number, number>();
  const listing = directory?.blockSize === blockSize ? directory : undefined;
  // A chunk that the directory does not list had no blocks.
  const trustedUpTo = (chunk: number) =>
    trusted.get(chunk) ?? (listing && !listing.chunks.has(chunk) ? listing.version : 0);
  for (const { chunk, columns, asOf, blockSize: size } of chunks) {
    if (size !== blockSize) continue;
    should.chunks[chunk] = columns;
    const current = listing?.chunks.get(chunk) === asOf;
    trusted.set(chunk, current ? Math.max(asOf, listing.version) : asOf);
  }
  for (const commit of commits) {
    if (commit.blockSize !== blockSize) continue;
    cutOff(should, commit);
    list(should, commit, trustedUpTo);
  }
  const chunkCount = Math.max(
    should.chunks.length,
    Math.ceil(should.blockCount / BLOCKS_PER_CHUNK),
  );
  const least = Array.from({ length: chunkCount }, (_, chunk) => trustedUpTo(chunk));
  if (fileBytes === undefined) {
    // Nobody knows where the file ended: only the directory can tell which chunks there were.
    least.push(listing?.version ?? 0, ...[...(listing?.chunks.keys() ?? [])].map(trustedUpTo));
  }
  const untold = untoldAfter(Math.min(version, ...least), commits, version);
  const isGone = goneByCommits(commits, blockSize);
  return { should, fileBytes, trustedUpTo, untold, isGone, lastCommitted: version, errors };
}

/** The versions above `after`, up to the aim, of which no intact record lists the blocks. */
function untoldAfter(after: number, commits: readonly CommitRecord[], aim: number): VersionRange[] {
  const untold: VersionRange[] = [];
  let first = after + 1;
  for (const { version, entries } of commits) {
    if (!entries || version < first) continue;
    if (version > first) untold.push({ first, last: version - 1 });
    first = version + 1;
  }
  if (first <= aim) untold.push({ first, last: aim });
  return untold;
}

/** What the commit wrote is what its blocks should be, unless the map knows better. */
function list(
  should: BlockMap,
  { version, firstPart, entries }: CommitRecord,
  trustedUpTo: Aim['trustedUpTo'],
): void {
  if (!entries) return;
  for (const [i, block] of entries.blocks.entries()) {
    const upTo = trustedUpTo(Math.floor(block / BLOCKS_PER_CHUNK));
    if (block === HOLE || version <= upTo) continue;
    const slot = firstPart * should.blocksPerSegment + i;
    place(should, block, { version, slot, checksum: entries.checksums[i] ?? 0 });
  }
}

function cutOff(should: BlockMap, commit: CommitRecord): void {
  const { version } = commit;
  for (let block = cutFrom(commit); block < should.chunks.length * BLOCKS_PER_CHUNK; block++) {
    const columns = should.chunks[Math.floor(block / BLOCKS_PER_CHUNK)];
    if (columns && should.versionOf(block) < version)
      columns.versions[block % BLOCKS_PER_CHUNK] = 0;
  }
}

async function blockSizeAt(
  connection: Connection,
  { volume, file }: Evidence,
  at: Remains & { readonly version: number },
): Promise<BlockSize> {
  const told = [
    at.commits.at(-1),
    at.directory,
    ...at.chunks.map((c) => ({ ...c, version: c.asOf })),
  ];
  const newest = told.find((record) => record?.version === at.version);
  const size = newest?.blockSize ?? (await shapeOf(connection, file.file))?.blockSize;
  if (size !== undefined) return size;
  const location = { volume, store: 'segments' } as const;
  throw new CorruptionError({ ...location, key: [file.file] }, 'nothing left that proves itself');
}

/** The newest version that has segments, without that of a sqliteTx that never committed. */
async function lastUnspilled(connection: Connection, evidence: Evidence): Promise<number> {
  const { file } = evidence.file;
  const owner = decodeSpillOwner(evidence.spillOwner, file);
  const end = owner.ok ? owner.value.version - 1 : Number.POSITIVE_INFINITY;
  let last = 0;
  for await (const { version } of segmentsUpTo(connection, file, end)) last = version;
  return last;
}
