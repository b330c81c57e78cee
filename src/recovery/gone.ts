/**
 * What is in a segment, proves itself, and is not the file's: intact records tell.
 *
 * A block that a commit cut off stays where it was. And a sqliteTx that spilled a block and then put
 * the old one back, or cut it off, has committed a segment with a block version that never was.
 */
import type { CommitRecord } from '../format/commit.js';
import { BLOCKS_PER_CHUNK } from '../format/layout.js';
import type { MapChunk } from '../format/maps.js';
import type { BlockSize } from '../types.js';

/** Whether that version of a block is known not to be there, or not any more. */
export type IsGone = (block: number, version: number) => boolean;

/** By commit records, of which each tells what it wrote, unless it is unlisted, and what it cut off. */
export function goneByCommits(commits: readonly CommitRecord[], size: BlockSize): IsGone {
  const cuts = commits
    .filter(({ blockSize }) => blockSize === size)
    .map((commit) => ({ version: commit.version, from: cutFrom(commit) }));
  const written = new Map<number, ReadonlySet<number>>();
  for (const { version, entries } of commits) {
    if (entries) written.set(version, new Set(entries.blocks));
  }
  return (block, at) =>
    cuts.some(({ version, from }) => at < version && block >= from) ||
    written.get(at)?.has(block) === false;
}

/** The first of the blocks that no longer count after the commit, but for what it wrote itself. */
export function cutFrom({ keptBlocks, fileBytes, blockSize }: CommitRecord): number {
  return Math.min(keptBlocks, Math.ceil(fileBytes / blockSize));
}

/** By map chunks, of which each lists all there was of its blocks when it was saved. */
export function goneByChunks(chunks: readonly MapChunk[], size: BlockSize): IsGone {
  const knowing = chunks.filter(({ blockSize }) => blockSize === size);
  return (block, at) =>
    knowing.some(
      ({ chunk, asOf, columns }) =>
        chunk === Math.floor(block / BLOCKS_PER_CHUNK) &&
        at <= asOf &&
        columns.versions[block % BLOCKS_PER_CHUNK] !== at,
    );
}
