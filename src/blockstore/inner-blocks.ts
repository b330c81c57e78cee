/**
 * Single blocks that outlive their segments in the cache: inner nodes of B-trees. Each lookup needs
 * some of them, and a large database has them in more segments than the cache can hold.
 *
 *   I7  Only blocks that were handed out are kept: their checksums were seen to match.
 *   I9  They have a cache of their own, with a limit.
 */
import type { CachedSegment, FileSegments, SegmentCache } from './cache.js';

/** What the files of a volume share. */
export interface InnerCache {
  readonly cache: SegmentCache;
  readonly isInner: (block: Uint8Array) => boolean;
}

/** Those of one file. */
export class InnerBlocks {
  readonly #shared: InnerCache | undefined;
  /** Of each segment what is left of it: its views alone count. */
  readonly #kept: FileSegments = new Map();

  /** @param shared undefined: nothing is kept */
  constructor(shared: InnerCache | undefined) {
    this.#shared = shared;
  }

  get(segment: number, slot: number): Uint8Array | undefined {
    const kept = this.#kept.get(segment);
    if (!kept) return undefined;
    kept.hot = true;
    return kept.views[slot];
  }

  /** Copies what is to be kept of a segment that makes room for others. */
  rescue(segment: number, { views }: CachedSegment): void {
    if (!this.#shared) return;
    const { cache, isInner } = this.#shared;
    const slots: number[] = [];
    views.forEach((block, slot) => {
      if (isInner(block)) slots.push(slot);
    });
    const [first] = slots;
    if (first === undefined) return;
    const blockBytes = (views[first] as Uint8Array).length;
    const bytes = new Uint8Array(slots.length * blockBytes);
    const kept = cache.insert(this.#kept, segment, bytes, { slots: 0 });
    slots.forEach((slot, i) => {
      const copy = bytes.subarray(i * blockBytes, (i + 1) * blockBytes);
      copy.set(views[slot] as Uint8Array);
      kept.views[slot] = copy;
    });
  }

  /** The segment is in the cache again, or will never be committed. */
  drop(segment: number): void {
    this.#shared?.cache.remove(this.#kept, segment);
  }

  /** Those of segments from `first` on. */
  dropFrom(first: number): void {
    for (const segment of [...this.#kept.keys()]) if (segment >= first) this.drop(segment);
  }

  clear(): void {
    this.#shared?.cache.clear(this.#kept);
  }
}
