/**
 * What is known of one file as of its newest version: block map, live segments, directory.
 *
 *   I5  The state moves to a commit's version by `adopt`, after `complete` and not before;
 *       `plan` only looks ahead.
 *   I8  A segment is reclaimed one checkpoint after it was superseded at the earliest, and never
 *       while a snapshot below that version is pinned.
 */
import type { Nonce } from '../format/commit.js';
import {
  CHECKPOINT_COMMITS,
  CHECKPOINT_RECORD_BYTES,
  CHECKPOINT_SUPERSEDED,
  LISTED_ENTRIES_MAX,
} from '../format/layout.js';
import type { ReclaimRange } from '../format/maps.js';
import type { Version } from '../types.js';
import { RecentChanges } from './changes.js';
import { type Extent, LiveSegments, placeOfSegment, segmentNumber } from './live.js';
import type { BlockMap, MapChange, MapEffect } from './map.js';

/** The state a commit leads to, not yet in force. */
export interface NextState {
  readonly map: BlockMap;
  readonly effect: MapEffect;
}

/** What a checkpoint writes besides its commit. */
export interface CheckpointPlan {
  readonly directory: ReadonlyMap<number, Version>;
  /** Chunk numbers to save. */
  readonly save: readonly number[];
  /** Chunk numbers to delete. */
  readonly drop: readonly number[];
  readonly reclaim: readonly ReclaimRange[];
  readonly reclaimed: Extent;
  /** Ranges that stay waiting, as the directory lists them. */
  readonly keep: readonly ReclaimRange[];
}

export class FileState {
  map: BlockMap;
  /** Nonce of the commit the map is of: its version alone does not tell it from another's. */
  marker: Nonce | undefined;
  readonly live: LiveSegments = new LiveSegments();
  /** What the last commits changed. */
  readonly recent: RecentChanges;
  /** Chunks in the store → the version they were saved at. */
  directory: ReadonlyMap<number, Version> = new Map();
  directoryVersion: Version = 0 as Version;
  /** Chunks changed since the last checkpoint. */
  readonly dirtyChunks: Set<number> = new Set();
  commitsSinceCheckpoint = 0;
  recordBytesSinceCheckpoint = 0;
  #supersededAtCheckpoint = 0;

  constructor(map: BlockMap) {
    this.map = map;
    this.recent = new RecentChanges(map);
    this.live.blockBytes = map.blockSize;
  }

  /** What one checkpoint leaves is for the next one to reclaim: it does not call for it. */
  get #supersededSinceCheckpoint(): number {
    return this.live.supersededCount - this.#supersededAtCheckpoint;
  }

  /** Whether a commit that touches `entryCount` blocks has to be a checkpoint. */
  needsCheckpoint(change: MapChange): boolean {
    return (
      this.commitsSinceCheckpoint + 1 >= CHECKPOINT_COMMITS ||
      this.recordBytesSinceCheckpoint >= CHECKPOINT_RECORD_BYTES ||
      change.entries.blocks.length > LISTED_ENTRIES_MAX ||
      this.#supersededSinceCheckpoint >= Math.max(CHECKPOINT_SUPERSEDED, this.live.liveCount / 4) ||
      (this.map.version > 0 && change.blockSize !== this.map.blockSize)
    );
  }

  /** The map after `change`, sharing what it does not touch with the one in force. */
  plan(change: MapChange): NextState {
    const map = this.map.successor();
    return { map, effect: map.apply(change, true) };
  }

  planCheckpoint(
    next: NextState,
    change: MapChange,
    at: { readonly endPart: number; readonly pinnedMin: number },
  ): CheckpointPlan {
    const touched = new Set([...this.dirtyChunks, ...next.effect.touchedChunks]);
    const directory = new Map(this.directory);
    const save: number[] = [];
    const drop: number[] = [];
    for (const chunk of touched) {
      if (next.map.chunks[chunk]) {
        directory.set(chunk, change.version);
        save.push(chunk);
      } else if (directory.delete(chunk)) {
        drop.push(chunk);
      }
    }
    const { reclaim, keep } = this.live.split(Math.min(this.directoryVersion, at.pinnedMin));
    const own = this.live.preview(next.effect, { version: change.version, endPart: at.endPart });
    const reclaimed = this.live.extentOf(reclaim);
    return { directory, save, drop, reclaim, reclaimed, keep: [...keep, ...own] };
  }

  /** Puts a planned state in force. */
  adopt(
    next: NextState,
    change: MapChange,
    written: { endPart: number; recordBytes: number },
  ): void {
    this.map = next.map;
    this.#settle(next.effect, change, written);
  }

  /** Moves to the change's version; copies nothing unless a reader has the map pinned. */
  apply(
    change: MapChange,
    written: { endPart: number; recordBytes: number },
    shared: boolean,
  ): void {
    if (shared) {
      this.adopt(this.plan(change), change, written);
    } else {
      this.#settle(this.map.apply(change, false), change, written);
    }
  }

  /** The checkpoint at `version` is complete. */
  checkpointed(plan: CheckpointPlan, version: Version): void {
    this.directory = plan.directory;
    this.directoryVersion = version;
    this.dirtyChunks.clear();
    this.commitsSinceCheckpoint = 0;
    this.recordBytesSinceCheckpoint = 0;
    this.live.forget(plan.reclaim);
    this.#supersededAtCheckpoint = this.live.supersededCount;
  }

  #retain({ placed }: MapEffect, { firstPart, entries }: MapChange): void {
    const { blocksPerSegment } = this.map;
    const endSlot = firstPart * blocksPerSegment + entries.blocks.length;
    let last = -1;
    let slots = 0;
    for (const segment of placed) {
      if (segment !== last) {
        const { part } = placeOfSegment(segment);
        slots = Math.min(blocksPerSegment, endSlot - part * blocksPerSegment);
        last = segment;
      }
      this.live.retain(segment, slots);
    }
  }

  #settle(
    effect: MapEffect,
    change: MapChange,
    written: { endPart: number; recordBytes: number },
  ): void {
    this.recent.add(change);
    this.#retain(effect, change);
    for (const segment of effect.displaced) this.live.release(segment, change.version);
    for (let part = 0; part < written.endPart; part++) {
      this.live.neverLive(segmentNumber(change.version, part), change.version);
    }
    for (const chunk of effect.touchedChunks) this.dirtyChunks.add(chunk);
    this.live.blockBytes = this.map.blockSize;
    this.commitsSinceCheckpoint++;
    this.recordBytesSinceCheckpoint += written.recordBytes;
  }
}
