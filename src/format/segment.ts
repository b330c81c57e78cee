/**
 * A segment: blocks back to back, then one trailer entry per slot (docs/FORMAT.md §3).
 *
 * The trailer repeats what the map says, so that a lost map can be rebuilt from segments alone. An
 * entry is true if the slot's bytes have its checksum, which covers file, block and version too.
 */
import type { BlockSize } from '../types.js';

const ENTRY_BYTES = 8;

export interface SegmentEntry {
  /** Block number, or HOLE. */
  readonly block: number;
  readonly checksum: number;
}

/** Bytes of a segment of `slots` blocks. */
export function segmentBytes(size: BlockSize, slots: number): number {
  return slots * (size + ENTRY_BYTES);
}

/** How many blocks a stored segment holds; not an integer if it is damaged. */
export function slotsIn(size: BlockSize, byteLength: number): number {
  return byteLength / (size + ENTRY_BYTES);
}

/** Writes one slot's trailer entry into a segment of `slots` blocks. */
export function setSegmentEntry(
  segment: ArrayBuffer,
  at: { readonly size: BlockSize; readonly slots: number; readonly slot: number },
  entry: SegmentEntry,
): void {
  const view = new DataView(segment, at.slots * at.size + at.slot * ENTRY_BYTES, ENTRY_BYTES);
  view.setUint32(0, entry.block, true);
  view.setUint32(4, entry.checksum, true);
}

/** A stored segment's trailer; empty if its length is impossible. */
export function segmentEntries(segment: ArrayBuffer, size: BlockSize): SegmentEntry[] {
  const slots = slotsIn(size, segment.byteLength);
  if (!Number.isInteger(slots)) return [];
  const view = new DataView(segment, slots * size);
  return Array.from({ length: slots }, (_, slot) => ({
    block: view.getUint32(slot * ENTRY_BYTES, true),
    checksum: view.getUint32(slot * ENTRY_BYTES + 4, true),
  }));
}
