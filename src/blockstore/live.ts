/**
 * Counts the live blocks of every segment, so that a segment without any can be reclaimed, and one with
 * few can be told.
 *
 * Terms: docs/FORMAT.md §1.
 *
 *   I8  A segment is listed for reclaim only when the map lists none of its blocks, together with
 *       the version that took the last one; `take` leaves what a snapshot below that may need.
 */

import { assert } from '../errors.js';
import { RECLAIM_RANGES_MAX } from '../format/layout.js';
import type { ReclaimRange } from '../format/maps.js';
import type { Version } from '../types.js';

/** Parts of one commit fit in 2^20, so one number names a segment of a file. */
const PARTS = 1048576;

/** Names segment (version, part) of a file in one number. */
export function segmentNumber(version: number, part: number): number {
  return version * PARTS + part;
}

/** The place that `segmentNumber` named. */
export function placeOfSegment(segment: number): SegmentPlace {
  const version = Math.floor(segment / PARTS);
  return { version: version as Version, part: segment - version * PARTS };
}

/** A segment's place in its file. */
export interface SegmentPlace {
  readonly version: Version;
  readonly part: number;
}

/** How much lies in some segments. */
export interface Extent {
  readonly segments: number;
  readonly bytes: number;
}

interface Superseded {
  readonly segment: number;
  readonly by: Version;
}

export class LiveSegments {
  readonly #live = new Map<number, number>();
  /** Slots of each live segment: all it has, or as many as are known of. */
  readonly #slots = new Map<number, number>();
  #looks: MapIterator<[number, number]> = this.#live.entries();
  #liveBlocks = 0;
  #liveSlots = 0;
  /** Live segments of each version, so that a run of dead versions can be told. */
  readonly #liveParts = new Map<number, number>();
  #superseded: Superseded[] = [];
  #ranges: ReclaimRange[] = [];
  #supersededSegments = 0;
  /** Bytes of segments that wait for reclaim, of those that died since the file was opened. */
  readonly #deadBytes = new Map<number, number>();
  #supersededBytes = 0;
  /** Bytes of a block in the segments that die from now on. */
  blockBytes = 0;
  /** Called for each segment that lost its last live block to version `by`. */
  onSuperseded: ((segment: number, by: Version) => void) | undefined;

  /** Segments that hold at least one live block. */
  get liveCount(): number {
    return this.#live.size;
  }

  /** Blocks that the map lists. */
  get liveBlocks(): number {
    return this.#liveBlocks;
  }

  /** Slots of the segments that hold at least one of them. */
  get liveSlots(): number {
    return this.#liveSlots;
  }

  slotsOf(segment: number): number {
    return this.#slots.get(segment) ?? 0;
  }

  /** Live blocks of one segment. */
  countOf(segment: number): number {
    return this.#live.get(segment) ?? 0;
  }

  /**
   * Of the next `looks` segments the one with the least share of live blocks, if that is at most
   * `shareMax`. Looks go round all segments, from the oldest on.
   *
   * @param slots blocks that a segment could hold; default: those that it was written with.
   */
  sparsest(looks: number, shareMax: number, slots?: number): number | undefined {
    let found: number | undefined;
    let least = shareMax;
    for (let left = Math.min(looks, this.#live.size); left > 0; left--) {
      let next = this.#looks.next();
      if (next.done) {
        this.#looks = this.#live.entries();
        next = this.#looks.next();
        if (next.done) return found;
      }
      const [segment, count] = next.value;
      const share = count / (slots ?? this.slotsOf(segment));
      if (share > least) continue;
      least = share;
      found = segment;
    }
    return found;
  }

  /** Segments that wait for reclaim. */
  get supersededCount(): number {
    return this.#supersededSegments;
  }

  /** Bytes of their slots: of what had died before the file was opened none are known. */
  get supersededBytes(): number {
    return this.#supersededBytes;
  }

  /** One more block of the segment is live, which has at least so many slots. */
  retain(segment: number, slots: number): void {
    const count = this.#live.get(segment) ?? 0;
    this.#live.set(segment, count + 1);
    this.#liveBlocks++;
    const known = this.slotsOf(segment);
    if (slots > known) {
      this.#slots.set(segment, slots);
      this.#liveSlots += slots - known;
    }
    if (count > 0) return;
    const version = Math.floor(segment / PARTS);
    this.#liveParts.set(version, (this.#liveParts.get(version) ?? 0) + 1);
  }

  /** One block of the segment was superseded by version `by`. */
  release(segment: number, by: Version): void {
    const count = this.#live.get(segment);
    assert(count !== undefined, `segment ${segment} has a live block to release`);
    this.#liveBlocks--;
    if (count > 1) {
      this.#live.set(segment, count - 1);
      return;
    }
    this.#live.delete(segment);
    const slots = this.slotsOf(segment);
    this.#liveSlots -= slots;
    this.#deadBytes.set(segment, slots * this.blockBytes);
    this.#supersededBytes += slots * this.blockBytes;
    this.#slots.delete(segment);
    const version = Math.floor(segment / PARTS);
    const parts = (this.#liveParts.get(version) ?? 1) - 1;
    if (parts === 0) this.#liveParts.delete(version);
    else this.#liveParts.set(version, parts);
    this.#supersede(segment, by);
  }

  #supersede(segment: number, by: Version): void {
    this.#superseded.push({ segment, by });
    this.#supersededSegments++;
    this.onSuperseded?.(segment, by);
  }

  /** A segment that was written and never had a live block. */
  neverLive(segment: number, by: Version): void {
    if (!this.#live.has(segment)) this.#supersede(segment, by);
  }

  /** Adds ranges that an earlier checkpoint left waiting. */
  addWaiting(ranges: readonly ReclaimRange[]): void {
    this.#ranges.push(...ranges);
    this.#supersededSegments += segmentsIn(ranges);
  }

  /** Folds what was superseded since the last call into ranges, and returns all that wait. */
  waiting(): readonly ReclaimRange[] {
    this.#ranges = foldRanges(this.#ranges, this.#superseded);
    this.#superseded = [];
    return this.#ranges;
  }

  /** What a commit not yet in force will supersede, as ranges for the directory. */
  preview(
    effect: { readonly displaced: readonly number[]; readonly placed: readonly number[] },
    commit: { readonly version: Version; readonly endPart: number },
  ): ReclaimRange[] {
    const losses = new Map<number, number>();
    for (const segment of effect.displaced) losses.set(segment, (losses.get(segment) ?? 0) + 1);
    const dead: Superseded[] = [];
    for (const [segment, count] of losses) {
      if (count === this.#live.get(segment)) dead.push({ segment, by: commit.version });
    }
    const placed = new Set(effect.placed);
    for (let part = 0; part < commit.endPart; part++) {
      const segment = segmentNumber(commit.version, part);
      if (!placed.has(segment)) dead.push({ segment, by: commit.version });
    }
    return foldRanges([], dead);
  }

  /** Which ranges may go when everything superseded up to `limit` is unneeded, and which stay. */
  split(limit: number): { readonly reclaim: ReclaimRange[]; readonly keep: ReclaimRange[] } {
    const reclaim: ReclaimRange[] = [];
    const keep: ReclaimRange[] = [];
    for (const range of this.waiting()) (range.supersededBy <= limit ? reclaim : keep).push(range);
    return { reclaim, keep: keep.slice(0, RECLAIM_RANGES_MAX) };
  }

  /** Segments that wait though they were superseded by `limit`: a snapshot below that may need them. */
  heldBack(limit: number, oldestSnapshot: number): number {
    return segmentsIn(
      this.waiting().filter(({ supersededBy: by }) => by <= limit && by > oldestSnapshot),
    );
  }

  /** Forgets ranges whose deletion is complete. */
  forget(reclaimed: readonly ReclaimRange[]): void {
    const gone = new Set(reclaimed);
    this.#ranges = this.#ranges.filter((range) => !gone.has(range));
    this.#supersededSegments -= segmentsIn(reclaimed);
    for (const segment of segmentsOf(reclaimed)) {
      this.#supersededBytes -= this.#deadBytes.get(segment) ?? 0;
      this.#deadBytes.delete(segment);
    }
  }

  /** Segments in ranges that wait, and their bytes, as far as they are known. */
  extentOf(ranges: readonly ReclaimRange[]): Extent {
    let bytes = 0;
    for (const segment of segmentsOf(ranges)) bytes += this.#deadBytes.get(segment) ?? 0;
    return { segments: segmentsIn(ranges), bytes };
  }

  /**
   * Key ranges that delete `reclaim` with few requests: neighbouring versions are joined where
   * nothing between them is live or in `keep`.
   */
  deletionsOf(
    reclaim: readonly ReclaimRange[],
    keep: readonly ReclaimRange[],
  ): [SegmentPlace, SegmentPlace][] {
    const kept = new Set(keep.map((range) => range.version));
    const sorted = [...reclaim].sort((a, b) => a.version - b.version || a.firstPart - b.firstPart);
    const joined: [SegmentPlace, SegmentPlace][] = [];
    for (const { version, firstPart, endPart } of sorted) {
      const end = joined.at(-1)?.[1];
      const upper = { version, part: endPart - 1 };
      const sameVersion = end?.version === version && end.part + 1 === firstPart;
      const nextVersion =
        end !== undefined &&
        end.version + 1 === version &&
        firstPart === 0 &&
        !this.#liveParts.has(end.version) &&
        !kept.has(end.version);
      const last = joined.at(-1);
      if (last && (sameVersion || nextVersion)) last[1] = upper;
      else joined.push([{ version, part: firstPart }, upper]);
    }
    return joined;
  }
}

function* segmentsOf(ranges: readonly ReclaimRange[]): Generator<number> {
  for (const { version, firstPart, endPart } of ranges) {
    for (let part = firstPart; part < endPart; part++) yield segmentNumber(version, part);
  }
}

function segmentsIn(ranges: readonly ReclaimRange[]): number {
  return ranges.reduce((sum, { firstPart, endPart }) => sum + endPart - firstPart, 0);
}

/** Appends segments to ranges, neighbours of one commit and one cause as one range. */
function foldRanges(ranges: ReclaimRange[], superseded: Superseded[]): ReclaimRange[] {
  superseded.sort((a, b) => a.segment - b.segment);
  for (const { segment, by } of superseded) {
    const version = Math.floor(segment / PARTS) as Version;
    const part = segment % PARTS;
    const last = ranges.at(-1);
    if (last && last.version === version && last.endPart === part && last.supersededBy === by) {
      ranges[ranges.length - 1] = { ...last, endPart: part + 1 };
    } else {
      ranges.push({ version, firstPart: part, endPart: part + 1, supersededBy: by });
    }
  }
  return ranges;
}
