/**
 * The block map of one file at one version, in memory.
 *
 *   I5  A map changes only by `apply`, which the commit calls after `complete`; a pinned one is
 *       never changed, its successor shares all chunks that the commit did not touch.
 */
import { type CommitEntries, HOLE } from '../format/commit.js';
import { BLOCKS_PER_CHUNK, blocksPerSegment } from '../format/layout.js';
import { type ChunkColumns, newColumns } from '../format/maps.js';
import type { BlockSize, Version } from '../types.js';
import { segmentNumber } from './live.js';

const CHUNK_SHIFT = 10;
const CHUNK_MASK = BLOCKS_PER_CHUNK - 1;

/** What one commit does to the map. */
export interface MapChange {
  readonly version: Version;
  readonly blockSize: BlockSize;
  readonly fileBytes: number;
  readonly keptBlocks: number;
  readonly firstPart: number;
  readonly entries: CommitEntries;
}

/** What applying a commit displaced, and which chunks it touched. */
export interface MapEffect {
  /** Segment number of each block version that is no longer the newest. */
  readonly displaced: readonly number[];
  /** Segment number of each block version that now is. */
  readonly placed: readonly number[];
  readonly touchedChunks: ReadonlySet<number>;
}

export class BlockMap {
  version: Version;
  blockSize: BlockSize;
  blocksPerSegment: number;
  fileBytes: number;
  readonly chunks: (ChunkColumns | undefined)[];
  /** Readers that hold this map as their snapshot. */
  pins = 0;
  /**
   * How often the file had lost acknowledged commits when this was read from the store. Versions are
   * comparable only within one lineage: those that were lost are given again.
   */
  lineage: number;

  constructor(at: {
    version: Version;
    blockSize: BlockSize;
    fileBytes: number;
    lineage?: number;
  }) {
    this.lineage = at.lineage ?? 0;
    this.version = at.version;
    this.blockSize = at.blockSize;
    this.blocksPerSegment = blocksPerSegment(at.blockSize);
    this.fileBytes = at.fileBytes;
    this.chunks = [];
  }

  /** Blocks up to the file's end, the last one perhaps short. */
  get blockCount(): number {
    return Math.ceil(this.fileBytes / this.blockSize);
  }

  /** A map that shares every chunk with this one. */
  successor(): BlockMap {
    const next = new BlockMap(this);
    for (const chunk of this.chunks) next.chunks.push(chunk);
    return next;
  }

  /** Version of the block, 0 if it was never written. */
  versionOf(block: number): number {
    return this.chunks[block >>> CHUNK_SHIFT]?.versions[block & CHUNK_MASK] ?? 0;
  }

  /** Slot index of a block that was written. */
  slotOf(block: number): number {
    return this.chunks[block >>> CHUNK_SHIFT]?.slots[block & CHUNK_MASK] ?? 0;
  }

  checksumOf(block: number): number {
    return this.chunks[block >>> CHUNK_SHIFT]?.checksums[block & CHUNK_MASK] ?? 0;
  }

  /**
   * Makes this the map of the commit's version.
   * `shared` chunks belong to another map too and are copied before they change.
   */
  apply(change: MapChange, shared: boolean): MapEffect {
    const effect = new Effect(this.chunks, shared);
    this.#drop(effect, change.keptBlocks);
    this.version = change.version;
    this.blockSize = change.blockSize;
    this.blocksPerSegment = blocksPerSegment(change.blockSize);
    this.#place(effect, change);
    const shrinks = change.fileBytes < this.fileBytes;
    this.fileBytes = change.fileBytes;
    if (shrinks) this.#drop(effect, this.blockCount);
    return effect;
  }

  #place(effect: Effect, change: MapChange): void {
    const { blocks, checksums } = change.entries;
    const per = this.blocksPerSegment;
    const firstSlot = change.firstPart * per;
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i] as number;
      if (block === HOLE) continue;
      const slot = firstSlot + i;
      const chunk = effect.writable(block >>> CHUNK_SHIFT);
      const at = block & CHUNK_MASK;
      effect.displace(chunk, at, per);
      chunk.versions[at] = change.version;
      chunk.slots[at] = slot;
      chunk.checksums[at] = checksums[i] as number;
      effect.placed.push(segmentNumber(change.version, Math.floor(slot / per)));
    }
  }

  /** Drops every block numbered `from` and above. */
  #drop(effect: Effect, from: number): void {
    const per = this.blocksPerSegment;
    for (let c = from >>> CHUNK_SHIFT; c < this.chunks.length; c++) {
      if (!this.chunks[c]) continue;
      const first = c === from >>> CHUNK_SHIFT ? from & CHUNK_MASK : 0;
      const chunk = effect.writable(c);
      for (let at = first; at < BLOCKS_PER_CHUNK; at++) effect.displace(chunk, at, per);
      chunk.versions.fill(0, first);
      if (first === 0) this.chunks[c] = undefined;
    }
    while (this.chunks.length > 0 && !this.chunks.at(-1)) this.chunks.pop();
  }

  /** Calls `visit` with the segment number of every block in the map, and its slot there. */
  forEachBlock(visit: (segment: number, slot: number) => void): void {
    const per = this.blocksPerSegment;
    for (const chunk of this.chunks) {
      if (!chunk) continue;
      for (let at = 0; at < BLOCKS_PER_CHUNK; at++) {
        const version = chunk.versions[at] as number;
        if (version === 0) continue;
        const index = chunk.slots[at] as number;
        const part = Math.floor(index / per);
        visit(segmentNumber(version, part), index - part * per);
      }
    }
  }
}

class Effect implements MapEffect {
  readonly displaced: number[] = [];
  readonly placed: number[] = [];
  readonly touchedChunks = new Set<number>();
  readonly #chunks: (ChunkColumns | undefined)[];
  readonly #shared: boolean;

  constructor(chunks: (ChunkColumns | undefined)[], shared: boolean) {
    this.#chunks = chunks;
    this.#shared = shared;
  }

  writable(c: number): ChunkColumns {
    const chunk = this.#chunks[c];
    if (chunk && (!this.#shared || this.touchedChunks.has(c))) {
      this.touchedChunks.add(c);
      return chunk;
    }
    this.touchedChunks.add(c);
    const own = chunk ? copyColumns(chunk) : newColumns();
    this.#chunks[c] = own;
    return own;
  }

  displace(chunk: ChunkColumns, at: number, per: number): void {
    const version = chunk.versions[at] as number;
    if (version === 0) return;
    const part = Math.floor((chunk.slots[at] as number) / per);
    this.displaced.push(segmentNumber(version, part));
  }
}

function copyColumns(from: ChunkColumns): ChunkColumns {
  return {
    versions: from.versions.slice(),
    slots: from.slots.slice(),
    checksums: from.checksums.slice(),
  };
}
