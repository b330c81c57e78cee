/**
 * The writes of one sqliteTx to one file, packed into segments as they arrive.
 *
 *   I2  Nothing of a draft can be read by others: its segments lie above the marker.
 *   I9  Unsent segments stay below `spillBytes`; at most as much again is on its way.
 *
 * Blocks are appended to the newest segment buffer in the order they come, so a commit hands its
 * buffers to IndexedDB as they are and an xWrite costs one copy. A block written again while its
 * segment is unsent is overwritten in place; later, it gets a new slot and the old one is a hole.
 *
 * A draft whose block size changed in mid-sqliteTx (VACUUM, and its rollback) starts over on top of
 * what it was: `under` supplies the bytes that were not written again.
 */
import { assert } from '../errors.js';
import { HOLE, KEEP_ALL, type Nonce } from '../format/commit.js';
import { blocksPerSegment } from '../format/layout.js';
import { segmentBytes } from '../format/segment.js';
import type { BlockSize, Version } from '../types.js';
import type { BlockMap } from './map.js';

/** Slots that the first buffer has at first: most sqliteTxs write no more, and a full one costs more. */
const FIRST_SLOTS = 4;

/**
 * Buffers that drafts are done with, one of each length: a new one costs more than a small commit's other
 * work. None of them was handed out: the last segment is cut to its length, which copies it.
 */
const spares: Map<number, Uint8Array<ArrayBuffer>> = new Map();

/** A full or final segment on its way to the store. */
export interface OutgoingSegment {
  readonly part: number;
  readonly buffer: ArrayBuffer;
}

/** Where a block of the file stands, from a draft's point of view. */
export type Whereabouts =
  | { readonly tag: 'staged'; readonly bytes: Uint8Array }
  /** Spilled, and no longer in the draft's memory. */
  | {
      readonly tag: 'sent';
      readonly part: number;
      readonly slot: number;
      readonly checksum: number;
    }
  /** Not written by this draft: `under` or the base has it. */
  | { readonly tag: 'base' }
  | { readonly tag: 'zeros' };

const BASE: Whereabouts = { tag: 'base' };
const ZEROS: Whereabouts = { tag: 'zeros' };

export interface DraftOptions {
  readonly blockSize: BlockSize;
  readonly nonce: Nonce;
  /** The draft this one starts over on, when the block size changes. */
  readonly under?: Draft | undefined;
}

export class Draft {
  readonly base: BlockMap;
  readonly version: Version;
  /** Tells this sqliteTx's commit, and what it spills, from any other's. */
  readonly nonce: Nonce;
  readonly blockSize: BlockSize;
  readonly blocksPerSegment: number;
  /** What this draft replaced when the block size changed. */
  readonly under: Draft | undefined;
  /** Parts below it are of `under`, dead once this is committed. */
  readonly firstPart: number;
  fileBytes: number;
  /** Bytes of `under` from here on no longer count. */
  underBytes: number;
  /** Blocks of the base from this number on no longer count. */
  keptBlocks: number;
  /** One per slot from `firstPart` on: the block in it, or HOLE. */
  readonly blocks: number[] = [];
  readonly checksums: number[] = [];
  /** Segment buffers by part − firstPart; undefined once the store has them. */
  readonly #buffers: (Uint8Array<ArrayBuffer> | undefined)[] = [];
  readonly #slotOf: Map<number, number> = new Map();
  #sentParts = 0;
  #spilled = false;

  constructor(base: BlockMap, options: DraftOptions) {
    const { blockSize, nonce, under } = options;
    this.base = base;
    this.nonce = nonce;
    this.version = (base.version + 1) as Version;
    this.blockSize = blockSize;
    this.blocksPerSegment = blocksPerSegment(blockSize);
    this.under = under;
    this.firstPart = under ? under.endPart : 0;
    this.fileBytes = under ? under.fileBytes : base.fileBytes;
    this.underBytes = under?.fileBytes ?? 0;
    this.keptBlocks = under || base.blockSize !== blockSize ? 0 : KEEP_ALL;
  }

  /** One more than the last part with a slot. */
  get endPart(): number {
    return this.firstPart + Math.ceil(this.blocks.length / this.blocksPerSegment);
  }

  /** True if committing it would change nothing. */
  get isEmpty(): boolean {
    return (
      this.#slotOf.size === 0 &&
      !this.under &&
      this.fileBytes === this.base.fileBytes &&
      this.keptBlocks >= this.base.blockCount
    );
  }

  /** True once parts of it may be in the store, ahead of the commit. */
  get hasSpilled(): boolean {
    return this.#spilled || (this.under?.hasSpilled ?? false);
  }

  /** Bytes of segments in memory, sent or not. */
  get heldBytes(): number {
    let bytes = this.under?.heldBytes ?? 0;
    for (const buffer of this.#buffers) bytes += buffer?.byteLength ?? 0;
    return bytes;
  }

  /** Blocks written, sent or not; one that was written again after it was sent counts twice. */
  get writtenBlocks(): number {
    return this.blocks.length + (this.under?.writtenBlocks ?? 0);
  }

  /** Bytes of blocks written, sent or not. */
  get writtenBytes(): number {
    return this.blocks.length * this.blockSize + (this.under?.writtenBytes ?? 0);
  }

  /** Bytes of full segments that were not sent yet. */
  get unsentBytes(): number {
    const full = Math.floor(this.blocks.length / this.blocksPerSegment);
    return (full - this.#sentParts) * this.blocksPerSegment * this.blockSize;
  }

  whereabouts(block: number): Whereabouts {
    const index = this.#slotOf.get(block);
    if (index === undefined) {
      if (this.under) return block * this.blockSize < this.underBytes ? BASE : ZEROS;
      return block < this.keptBlocks && this.base.versionOf(block) > 0 ? BASE : ZEROS;
    }
    const part = Math.floor(index / this.blocksPerSegment);
    const slot = index - part * this.blocksPerSegment;
    const buffer = this.#buffers[part];
    if (!buffer) {
      const checksum = this.checksums[index] as number;
      return { tag: 'sent', part: this.firstPart + part, slot, checksum };
    }
    const start = slot * this.blockSize;
    return { tag: 'staged', bytes: buffer.subarray(start, start + this.blockSize) };
  }

  /** The writable bytes of a block, until the next is staged: its place in an unsent segment, or a new slot's. */
  stage(block: number): Uint8Array {
    const before = this.#slotOf.get(block);
    if (before !== undefined && before >= this.#sentParts * this.blocksPerSegment) {
      return this.#bytesAt(before);
    }
    if (before !== undefined) this.blocks[before] = HOLE;
    const index = this.blocks.length;
    this.#makeRoom(index);
    this.blocks.push(block);
    this.checksums.push(0);
    this.#slotOf.set(block, index);
    this.fileBytes = Math.max(this.fileBytes, (block + 1) * this.blockSize);
    return this.#bytesAt(index);
  }

  #makeRoom(index: number): void {
    const { blockSize, blocksPerSegment } = this;
    const isGrowing = index === FIRST_SLOTS && index < blocksPerSegment;
    if (!isGrowing && index % blocksPerSegment !== 0) return;
    const slots = index === 0 ? Math.min(FIRST_SLOTS, blocksPerSegment) : blocksPerSegment;
    const buffer = emptyBuffer(segmentBytes(blockSize, slots));
    if (!isGrowing) {
      this.#buffers.push(buffer);
      return;
    }
    const [first] = this.#buffers;
    assert(first !== undefined, 'the first segment is not sent before it is full');
    buffer.set(first.subarray(0, FIRST_SLOTS * blockSize));
    this.#buffers[0] = buffer;
    spares.set(first.byteLength, first);
  }

  /** Undoes what was written to a block, if the base still supplies it. */
  restore(block: number): boolean {
    const index = this.#slotOf.get(block);
    if (this.under || block >= this.keptBlocks) return false;
    if (index === undefined) return true;
    this.blocks[index] = HOLE;
    this.#slotOf.delete(block);
    return true;
  }

  truncate(fileBytes: number): void {
    if (fileBytes < this.fileBytes) {
      const kept = Math.ceil(fileBytes / this.blockSize);
      for (const [block, index] of this.#slotOf) {
        if (block < kept) continue;
        this.blocks[index] = HOLE;
        this.#slotOf.delete(block);
      }
      this.keptBlocks = Math.min(this.keptBlocks, kept);
      this.underBytes = Math.min(this.underBytes, fileBytes);
    }
    this.fileBytes = fileBytes;
  }

  /** Takes the full segments, to be spilled. Their buffers stay until `released`. */
  takeFull(): OutgoingSegment[] {
    this.#spilled = true;
    return this.#take();
  }

  #take(): OutgoingSegment[] {
    const full = Math.floor(this.blocks.length / this.blocksPerSegment);
    const taken: OutgoingSegment[] = [];
    for (let part = this.#sentParts; part < full; part++) {
      const buffer = this.#buffers[part];
      assert(buffer !== undefined, 'an unsent segment has its buffer');
      taken.push({ part: this.firstPart + part, buffer: buffer.buffer });
    }
    this.#sentParts = full;
    return taken;
  }

  /** Takes all that is left, holes filled from the end, the last segment cut to its length. */
  takeRest(): OutgoingSegment[] {
    this.#closeHoles();
    const taken = this.#take();
    const rest = this.blocks.length % this.blocksPerSegment;
    const last = this.#buffers[this.#sentParts];
    if (last) {
      const buffer = cut(last, rest * this.blockSize, segmentBytes(this.blockSize, rest));
      taken.push({ part: this.firstPart + this.#sentParts, buffer });
      // The copy has every block at the same place.
      this.#buffers[this.#sentParts] = new Uint8Array(buffer);
      this.#sentParts++;
      spares.set(last.byteLength, last);
    }
    return taken;
  }

  /** The store has the segment: its buffer need not be kept. */
  released(part: number): void {
    this.#buffers[part - this.firstPart] = undefined;
  }

  /** Slots of one part: the blocks in them, from `firstSlot` in `blocks`. */
  slotsOf(part: number): { readonly first: number; readonly count: number } {
    const first = (part - this.firstPart) * this.blocksPerSegment;
    return { first, count: Math.min(this.blocksPerSegment, this.blocks.length - first) };
  }

  #bytesAt(index: number): Uint8Array {
    const part = Math.floor(index / this.blocksPerSegment);
    const buffer = this.#buffers[part];
    assert(buffer !== undefined, 'a staged block has its buffer');
    const start = (index - part * this.blocksPerSegment) * this.blockSize;
    return buffer.subarray(start, start + this.blockSize);
  }

  /** Moves the last unsent blocks into unsent holes, so that no commit stores holes it can avoid. */
  #closeHoles(): void {
    let hole = this.#sentParts * this.blocksPerSegment;
    for (;;) {
      while (this.blocks.length > hole && this.blocks.at(-1) === HOLE) this.#pop();
      while (hole < this.blocks.length && this.blocks[hole] !== HOLE) hole++;
      if (hole >= this.blocks.length) return;
      const last = this.blocks.length - 1;
      const block = this.blocks[last] as number;
      this.#bytesAt(hole).set(this.#bytesAt(last));
      this.blocks[hole] = block;
      this.#slotOf.set(block, hole);
      this.#pop();
    }
  }

  #pop(): void {
    this.blocks.pop();
    this.checksums.pop();
    if (this.blocks.length % this.blocksPerSegment === 0) this.#buffers.pop();
  }
}

/** Of zeros. */
function emptyBuffer(byteLength: number): Uint8Array<ArrayBuffer> {
  const spare = spares.get(byteLength);
  if (!spare) return new Uint8Array(byteLength);
  spares.delete(byteLength);
  return spare.fill(0);
}

/** The first `used` bytes in an exact buffer of `length`, so that nothing more is stored. */
function cut(bytes: Uint8Array<ArrayBuffer>, used: number, length: number): ArrayBuffer {
  const exact = new Uint8Array(length);
  exact.set(bytes.subarray(0, used));
  return exact.buffer;
}
