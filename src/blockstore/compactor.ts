/**
 * Compacts one file: the live blocks of sparse segments go along with commits, so that those segments die.
 *
 *   I5  It only adds to the draft of a commit that is being prepared. A block that is carried keeps its
 *       bytes, so that to SQLite nothing has changed.
 *   I9  A commit carries about as much as it writes itself, at most CARRY_MAX blocks and CARRY_BYTES_MAX;
 *       it looks at VICTIMS_MAX × LOOKS segments, and waits for nothing.
 *
 * A segment says itself which blocks it has. One that is not in memory is fetched in the background, for a
 * later commit to carry.
 */
import { segmentEntries } from '../format/segment.js';
import type { Draft } from './draft.js';
import type { BlockFile } from './file.js';
import { type LiveSegments, placeOfSegment } from './live.js';
import type { BlockMap } from './map.js';

/** Slots for each live block from which on a file is compacted. Dead segments come on top. */
const SLOTS_PER_BLOCK_MAX = 1.4;
/** Share of live blocks from which on a segment is left as it is. */
const LIVE_SHARE_MAX = 0.75;
/** Segments, as a multiple of the least that the live blocks need, from which on it is as well. */
const SEGMENTS_RATIO_MAX = 4;
/** A file with fewer slots is left as it is: there is little to gain. */
const SLOTS_MIN = 256;
/** Blocks carried for each block that the commit writes. */
const CARRY_SHARE = 1.25;
const CARRY_MIN = 4;
const CARRY_MAX = 16;
const CARRY_BYTES_MAX = 65_536;
/** A commit of more blocks makes full segments by itself. */
const DENSE_BLOCKS = 64;
/** Segments that a commit carries from, and those it looks at for each. */
const VICTIMS_MAX = 8;
const LOOKS = 32;

export class Compactor {
  readonly #file: BlockFile;
  /** Blocks that went along with commits so far. */
  carried = 0;
  /** The segment that is being emptied. */
  #victim: number | undefined;

  constructor(file: BlockFile) {
    this.#file = file;
  }

  /** Adds blocks to a draft that is about to be committed on the newest version. */
  carry(draft: Draft): void {
    const { live, map } = this.#file.state;
    if (this.#file.fellBack || !isPlain(draft, map)) return;
    const most = Math.min(CARRY_MAX, Math.floor(CARRY_BYTES_MAX / draft.blockSize));
    let left = Math.min(most, Math.max(CARRY_MIN, Math.ceil(CARRY_SHARE * draft.blocks.length)));
    for (let victims = VICTIMS_MAX; victims > 0 && left > 0; victims--) {
      const victim = this.#chosen(live, map);
      if (victim === undefined) return;
      const carried = this.#carryFrom(victim, draft, left);
      if (carried === undefined) return;
      // What is left of it goes along with the next commit.
      if (carried < left) this.#victim = undefined;
      left -= carried;
    }
  }

  #chosen(live: LiveSegments, map: BlockMap): number | undefined {
    if (this.#victim !== undefined && live.countOf(this.#victim) > 0) return this.#victim;
    this.#victim = nextVictim(live, map);
    return this.#victim;
  }

  /** @returns how many blocks were staged; undefined if the segment is not in memory. */
  #carryFrom(victim: number, draft: Draft, most: number): number | undefined {
    const { state, reader } = this.#file;
    const { map } = state;
    const segment = reader.cached.get(victim);
    if (!segment) return undefined;
    const { version, part } = placeOfSegment(victim);
    const firstSlot = part * map.blocksPerSegment;
    const end = Math.min(draft.keptBlocks, Math.floor(draft.fileBytes / draft.blockSize));
    let carried = 0;
    for (const [i, { block }] of segmentEntries(segment.bytes.buffer, map.blockSize).entries()) {
      if (carried === most) break;
      if (map.versionOf(block) !== version || map.slotOf(block) !== firstSlot + i) continue;
      if (block >= end || draft.whereabouts(block).tag !== 'base') continue;
      const bytes = reader.glance(map, block);
      if (!bytes) continue;
      draft.stage(block).set(bytes);
      carried++;
    }
    this.carried += carried;
    return carried;
  }

  /** A commit is complete: what the next one is to carry from is fetched. */
  committed(): void {
    const { reader, state } = this.#file;
    if (this.#victim === undefined || reader.cached.has(this.#victim)) return;
    const place = placeOfSegment(this.#victim);
    // Should it fail, who asks for it is told.
    reader.fetchPlace(place, state.map.blocksPerSegment).catch(() => undefined);
  }
}

function nextVictim(live: LiveSegments, map: BlockMap): number | undefined {
  const { liveBlocks, liveSlots, liveCount } = live;
  if (liveSlots < SLOTS_MIN) return undefined;
  if (liveSlots > SLOTS_PER_BLOCK_MAX * liveBlocks) return live.sparsest(LOOKS, LIVE_SHARE_MAX);
  const { blocksPerSegment } = map;
  const isScattered = liveCount > SEGMENTS_RATIO_MAX * Math.ceil(liveBlocks / blocksPerSegment);
  return isScattered ? live.sparsest(LOOKS, 1 / SEGMENTS_RATIO_MAX, blocksPerSegment) : undefined;
}

/** A draft that leaves most of the file as it is, and has all its blocks in memory. */
function isPlain(draft: Draft, map: BlockMap): boolean {
  const isSame = draft.blockSize === map.blockSize && !draft.under && !draft.hasSpilled;
  return isSame && draft.blocks.length <= DENSE_BLOCKS;
}
