/** Stores of records that no block store wrote, one by one. */
import { blockChecksum } from '../../src/format/checksum.js';
import { directoryKey, spillOwnerKey } from '../../src/format/keys.js';
import { segmentBytes, setSegmentEntry } from '../../src/format/segment.js';
import type { Evidence } from '../../src/recovery/scan.js';
import type { SegmentShape } from '../../src/recovery/segment-scan.js';
import type { Outcome } from '../../src/testing/index.js';
import type { BlockNumber, Version } from '../../src/types.js';
import { committed, edited } from './damaged.ts';
import { FILE } from './evidence.ts';

export interface Segment {
  readonly key: readonly [file: number, version: number, part: number];
  readonly value: unknown;
}

/** A segment whose blocks are each filled with their own number. */
export function segmentOf(
  shape: SegmentShape,
  at: { readonly version: number; readonly part?: number; readonly blocks: readonly number[] },
): Segment & { readonly value: ArrayBuffer } {
  const { file, algorithm, blockSize: size } = shape;
  const { version, part = 0, blocks } = at;
  const value = new ArrayBuffer(segmentBytes(size, blocks.length));
  for (const [slot, block] of blocks.entries()) {
    const bytes = new Uint8Array(value, slot * size, size).fill(block);
    const id = { file, block: block as BlockNumber, version: version as Version };
    const checksum = blockChecksum(algorithm, id, bytes);
    setSegmentEntry(value, { size, slots: blocks.length, slot }, { block, checksum });
  }
  return { key: [file, version, part], value };
}

/** A volume that holds the evidence of one file, and segments. */
export async function storeOf(
  { commits, directory, chunks, spillOwner }: Evidence,
  segments: readonly Segment[],
): Promise<Outcome> {
  return edited(await committed([], { paths: [] }), (records) => {
    for (const { key, value } of commits) records.set('commits', key, value);
    for (const { key, value } of chunks) records.set('maps', key, value);
    if (directory !== undefined) records.set('maps', directoryKey(FILE), directory);
    if (spillOwner !== undefined) records.set('maps', spillOwnerKey(FILE), spillOwner);
    for (const { key, value } of segments) records.set('segments', [...key], value);
  });
}
