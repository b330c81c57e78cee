/**
 * Saves what can be saved of a damaged file: lossy, explicit, and only ever reading the file.
 *
 *   I1  Nothing of the damaged file is written or deleted.
 *   I7  A block is taken only with bytes that have the checksum named for its file, block and version.
 *   I9  At most one request's worth of segments is in memory, besides the map.
 *
 * Terms: the *aim* is the newest version that the remaining records tell of; what a block *should* be
 * is what they list for it, and its *best* version is the newest up to the aim that proves itself.
 *
 *   findSource ──▶ aimAt ──▶ survey (every segment, once) ──▶ Salvage ──blocks()──▶ the writer
 */
import type { Connection } from '../blockstore/connection.js';
import { segmentNumber } from '../blockstore/live.js';
import { BlockMap } from '../blockstore/map.js';
import { CorruptionError } from '../errors.js';
import { segmentKey } from '../format/keys.js';
import { BLOCKS_PER_CHUNK } from '../format/layout.js';
import { segmentEntries } from '../format/segment.js';
import type { BlockSize } from '../types.js';
import { type Aim, aimAt, type VersionRange } from './aim.js';
import { type Defect, defectOf, type PageRange, pagesOfBlocks } from './defect.js';
import { place } from './rebuild.js';
import { proves, type SegmentShape, type StoredSegment, segmentsUpTo } from './segment-scan.js';
import { findSource } from './source.js';

/** What `salvage` could save, and what not. */
export interface SalvageReport {
  /** The damaged database. */
  readonly path: string;
  /** What was saved is here, an ordinary database. */
  readonly to: string;
  /** Version aimed at: the newest that the remaining records tell of. */
  readonly version: number;
  /** Bytes of the database that was saved. */
  readonly fileBytes: number;
  /** Blocks, that is pages, written to `to`; those from an older version are among them. */
  readonly blocksSaved: number;
  /** Pages of which nothing was found; they are zeros in `to`. */
  readonly lost: readonly PageRange[];
  /** Pages whose version of then is gone, so that an older one was taken. */
  readonly older: readonly PageRange[];
  /**
   * Versions of which no record says what they wrote. What they wrote was taken where it was found;
   * what was not found could not be counted as lost or older.
   */
  readonly untold: readonly VersionRange[];
  /** Block versions of commits above the version aimed at that prove themselves and were not taken. */
  readonly newerBlocks: number;
  /** True if page 1 is lost: SQLite then does not take `to` for a database. */
  readonly headerLost: boolean;
  /** What is wrong with the records of the damaged database. */
  readonly defects: readonly Defect[];
}

/** A block that was saved. */
export interface SavedBlock {
  readonly block: number;
  readonly bytes: Uint8Array;
}

/** What can be had of a file, and where it lies. */
export class Salvage {
  readonly #connection: Connection;
  readonly #shape: SegmentShape;
  readonly #best: BlockMap;
  readonly report: Omit<SalvageReport, 'to'>;

  constructor(
    connection: Connection,
    at: { shape: SegmentShape; best: BlockMap; report: Omit<SalvageReport, 'to'> },
  ) {
    this.#connection = connection;
    this.#shape = at.shape;
    this.#best = at.best;
    this.report = at.report;
  }

  get blockSize(): BlockSize {
    return this.#shape.blockSize;
  }

  /** Every block that was saved, in no order; each is checked once more. */
  async *blocks(): AsyncGenerator<SavedBlock> {
    const { blockSize } = this.#shape;
    const wanted = blocksBySegment(this.#best, this.#best.blockCount);
    const { file } = this.#shape;
    for await (const segment of segmentsUpTo(this.#connection, file, this.#best.version)) {
      for (const block of wanted.get(numberOf(segment)) ?? []) {
        if (!isAt(segment, this.#shape, this.#best, block)) throw this.#changed(segment);
        const slot = this.#best.slotOf(block) % this.#best.blocksPerSegment;
        yield { block, bytes: new Uint8Array(segment.value, slot * blockSize, blockSize) };
      }
      wanted.delete(numberOf(segment));
    }
    if (wanted.size > 0) throw this.#changed(undefined);
  }

  #changed(segment: StoredSegment | undefined): CorruptionError {
    const { file } = this.#shape;
    const key = segment ? segmentKey(file, segment.version, segment.part) : [file];
    const location = { volume: this.#connection.name, store: 'segments', key } as const;
    return new CorruptionError(location, 'a segment that changed while it was being salvaged');
  }
}

/**
 * Looks at everything there is of a file.
 * @throws OptionError if there is no such file; FormatVersionError if it is of a newer release;
 *   CorruptionError if nothing is left that proves itself.
 */
export async function salvage(connection: Connection, path: string): Promise<Salvage> {
  const source = await findSource(connection, path);
  const aim = await aimAt(connection, source);
  const { file, algorithm } = source.file;
  const shape: SegmentShape = { file, algorithm, blockSize: aim.should.blockSize };
  const survey = new Survey(aim, shape);
  for await (const segment of segmentsUpTo(connection, file, aim.lastCommitted)) {
    survey.take(segment);
  }
  const { best } = survey;
  if (aim.fileBytes === undefined) best.fileBytes = endOf(best) * best.blockSize;
  const { lost, older, saved } = survey.compare();
  const errors = [...source.errors, ...aim.errors];
  return new Salvage(connection, {
    shape,
    best,
    report: {
      path,
      version: best.version,
      fileBytes: best.fileBytes,
      blocksSaved: saved,
      lost: pagesOfBlocks(lost),
      older: pagesOfBlocks(older),
      untold: aim.untold,
      newerBlocks: survey.newerBlocks,
      headerLost: lost[0] === 0,
      defects: errors.map((error) => defectOf(error, connection.name)),
    },
  });
}

/** Goes through the segments and keeps the best version of each block. */
class Survey {
  readonly best: BlockMap;
  newerBlocks = 0;
  readonly #aim: Aim;
  readonly #shape: SegmentShape;
  readonly #listed: ReadonlyMap<number, readonly number[]>;

  constructor(aim: Aim, shape: SegmentShape) {
    const { version, blockSize, fileBytes } = aim.should;
    this.#aim = aim;
    this.#shape = shape;
    this.best = new BlockMap({ version, blockSize, fileBytes });
    this.#listed = blocksBySegment(aim.should, endOf(aim.should));
  }

  take(segment: StoredSegment): void {
    const { should } = this.#aim;
    const { version, part } = segment;
    const first = part * should.blocksPerSegment;
    const entries = segmentEntries(segment.value, this.#shape.blockSize);
    for (const [slot, { block, checksum }] of entries.entries()) {
      if (!this.#mayBe(block, version)) continue;
      if (!proves(segment, this.#shape, { slot, block, checksum })) continue;
      if (version > this.best.version) this.newerBlocks++;
      else place(this.best, block, { version, slot: first + slot, checksum });
    }
    // A trailer may be damaged where the block it names is not: the map names it as well.
    for (const block of this.#listed.get(numberOf(segment)) ?? []) {
      if (this.best.versionOf(block) === version) continue;
      if (!isAt(segment, this.#shape, should, block)) continue;
      const slot = should.slotOf(block);
      place(this.best, block, { version, slot, checksum: should.checksumOf(block) });
    }
  }

  /** A version that an intact record would list and does not is of a block that was cut off since. */
  #mayBe(block: number, version: number): boolean {
    const { should, trustedUpTo, isGone } = this.#aim;
    if (isGone(block, version)) return false;
    const upTo = trustedUpTo(Math.floor(block / BLOCKS_PER_CHUNK));
    return version > upTo || version <= should.versionOf(block);
  }

  compare(): { lost: number[]; older: number[]; saved: number } {
    const { should, trustedUpTo, untold } = this.#aim;
    const told = untold.at(-1)?.last ?? 0;
    const isKnown = (chunk: number) => trustedUpTo(chunk) >= told;
    const lost: number[] = [];
    const older: number[] = [];
    let saved = 0;
    for (let block = 0; block < this.best.blockCount; block++) {
      const found = this.best.versionOf(block);
      const expected = should.versionOf(block);
      if (found > 0) saved++;
      else if (expected > 0 || !isKnown(Math.floor(block / BLOCKS_PER_CHUNK))) lost.push(block);
      if (found > 0 && found < expected) older.push(block);
    }
    return { lost, older, saved };
  }
}

function numberOf({ version, part }: StoredSegment): number {
  return segmentNumber(version, part);
}

/** Whether a block lies in the segment where the map says. */
function isAt(segment: StoredSegment, shape: SegmentShape, map: BlockMap, block: number): boolean {
  const slot = map.slotOf(block) % map.blocksPerSegment;
  return proves(segment, shape, { slot, block, checksum: map.checksumOf(block) });
}

/** Segment number → the blocks below `end` that the map lists there. */
function blocksBySegment(map: BlockMap, end: number): Map<number, number[]> {
  const segments = new Map<number, number[]>();
  for (let block = 0; block < end; block++) {
    const version = map.versionOf(block);
    if (version === 0) continue;
    const number = segmentNumber(version, Math.floor(map.slotOf(block) / map.blocksPerSegment));
    const blocks = segments.get(number);
    if (blocks) blocks.push(block);
    else segments.set(number, [block]);
  }
  return segments;
}

/** One more than the last block the map lists, or less than a chunk above it if that was cut off. */
function endOf(map: BlockMap): number {
  const chunk = map.chunks.length - 1;
  const versions = map.chunks[chunk]?.versions;
  if (!versions) return 0;
  return chunk * BLOCKS_PER_CHUNK + versions.findLastIndex((version) => version > 0) + 1;
}
