/** One thing that is wrong with a file, and which of SQLite's pages it hits. */
import { type BlockStoreError, CorruptionError, fromDomException } from '../errors.js';
import { BLOCKS_PER_CHUNK } from '../format/layout.js';

/** Neighbouring pages of SQLite, numbered from 1. */
export interface PageRange {
  /** The number of the first. */
  readonly first: number;
  /** The number of the last, which may be the first. */
  readonly last: number;
}

/** One thing that is wrong. Store, key and version are in the error. */
export interface Defect {
  /** The pages it hits; undefined if that is the database as a whole, or none. */
  readonly pages: PageRange | undefined;
  /** What is wrong. */
  readonly error: BlockStoreError;
}

/** A defect of a record; a map chunk's hits the pages it lists. */
export function defectOf(cause: unknown, volume: string): Defect {
  const error = fromDomException(cause, volume, 'verifying');
  return { error, pages: error instanceof CorruptionError ? pagesOf(error) : undefined };
}

function pagesOf({ location: { store, key } }: CorruptionError): PageRange | undefined {
  const chunk = store === 'maps' && Array.isArray(key) ? Number(key[1]) : -1;
  if (chunk < 0) return undefined;
  return { first: chunk * BLOCKS_PER_CHUNK + 1, last: (chunk + 1) * BLOCKS_PER_CHUNK };
}

/** Blocks in ascending order, as ranges of pages. */
export function pagesOfBlocks(blocks: Iterable<number>): PageRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const block of blocks) {
    const range = ranges.at(-1);
    if (range?.last === block) range.last++;
    else ranges.push({ first: block + 1, last: block + 1 });
  }
  return ranges;
}
