/**
 * Which blocks the last commits of one file changed, for whoever keeps copies of blocks.
 *
 *   I9  At most CHANGES_MAX block numbers are remembered; who comes too late is told that any may
 *       have changed.
 */
import { HOLE, KEEP_ALL } from '../format/commit.js';
import type { MapChange } from './map.js';

const CHANGES_MAX = 16_384;

interface Shape {
  readonly fileBytes: number;
  readonly blockSize: number;
}

interface Change {
  readonly version: number;
  readonly blocks: MapChange['entries']['blocks'];
}

export class RecentChanges {
  #changes: Change[] = [];
  #count = 0;
  #shape: Shape;

  constructor({ fileBytes, blockSize }: Shape) {
    this.#shape = { fileBytes, blockSize };
  }

  add(change: MapChange): void {
    const { version, fileBytes, blockSize, keptBlocks, entries } = change;
    const before = this.#shape;
    this.#shape = { fileBytes, blockSize };
    const isListed =
      keptBlocks === KEEP_ALL && fileBytes >= before.fileBytes && blockSize === before.blockSize;
    if (!isListed || entries.blocks.length > CHANGES_MAX) {
      this.#changes = [];
      this.#count = 0;
      return;
    }
    this.#changes.push({ version, blocks: entries.blocks });
    this.#count += entries.blocks.length;
    while (this.#count > CHANGES_MAX) this.#count -= this.#changes.shift()?.blocks.length ?? 0;
  }

  /** Blocks that the commits after version `from`, up to `to`, changed; undefined if any may be. */
  between(from: number, to: number): number[] | undefined {
    if (from === to) return [];
    const newer = this.#changes.filter(({ version }) => version > from && version <= to);
    if (newer.length !== to - from) return undefined;
    const blocks = new Set<number>();
    for (const change of newer) for (const block of change.blocks) blocks.add(block);
    blocks.delete(HOLE);
    return [...blocks];
  }
}
