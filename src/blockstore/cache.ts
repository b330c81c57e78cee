/**
 * Segments in memory, least recently used first out, shared by all files of a volume.
 *
 *   I7  A block is handed out only after its checksum was seen to match; `verified` remembers
 *       for which slots that was done.
 *   I9  Bytes held, with those besides, stay within the limit, save for pinned segments, whose
 *       commit is in flight and which its own queue bounds.
 */

export interface CachedSegment {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** One per slot: 1 once the block's checksum matched. */
  readonly verified: Uint8Array;
  /** Views of the blocks that were handed out, by slot. */
  readonly views: Uint8Array[];
  /** Not to be evicted: IndexedDB does not have it yet. */
  pinned: boolean;
  /** Used since eviction last came by. */
  hot: boolean;
  /** Fetched before anybody asked for it, and of no use so far. */
  ahead: boolean;
}

/** One file's share of the cache: segment number → segment. */
export type FileSegments = Map<number, CachedSegment>;

export interface InsertOptions {
  readonly slots: number;
  readonly pinned?: boolean;
  readonly ahead?: boolean;
  /** Called before the segment makes room for others; not if it is removed. */
  readonly onEvict?: (segment: number, cached: CachedSegment) => void;
}

interface Place {
  readonly owner: FileSegments;
  readonly segment: number;
  readonly onEvict: InsertOptions['onEvict'];
}

export class SegmentCache {
  readonly #limit: number;
  readonly #besides: () => number;
  #bytes = 0;
  /** Second-chance queue, in order of insertion: hot ones go round once more. */
  readonly #queue: Map<CachedSegment, Place> = new Map();

  /** @param besides bytes held elsewhere that count towards the limit */
  constructor(bytesMax: number, besides: () => number = () => 0) {
    this.#limit = bytesMax;
    this.#besides = besides;
  }

  get bytes(): number {
    return this.#bytes;
  }

  insert(
    owner: FileSegments,
    segment: number,
    bytes: Uint8Array<ArrayBuffer>,
    options: InsertOptions,
  ): CachedSegment {
    // A segment that was rolled back may still be here under the name of its successor.
    this.remove(owner, segment);
    const cached: CachedSegment = {
      bytes,
      verified: new Uint8Array(options.slots),
      views: [],
      // From the first: making room for its successor may otherwise take it.
      pinned: options.pinned ?? false,
      hot: true,
      ahead: options.ahead ?? false,
    };
    owner.set(segment, cached);
    this.#bytes += bytes.byteLength;
    this.#queue.set(cached, { owner, segment, onEvict: options.onEvict });
    this.#evict();
    return cached;
  }

  /** Drops one segment, e.g. a spilled one whose sqliteTx was rolled back. */
  remove(owner: FileSegments, segment: number): void {
    const cached = owner.get(segment);
    if (!cached) return;
    owner.delete(segment);
    this.#queue.delete(cached);
    this.#bytes -= cached.bytes.byteLength;
  }

  /** Drops all of one file. */
  clear(owner: FileSegments): void {
    for (const segment of [...owner.keys()]) this.remove(owner, segment);
  }

  #evict(): void {
    // Twice round: the first time may only find that all were in use.
    let rounds = 2 * this.#queue.size;
    for (const [cached, place] of this.#queue) {
      if (this.#bytes + this.#besides() <= this.#limit || rounds-- === 0) return;
      if (cached.hot || cached.pinned) {
        cached.hot = false;
        this.#queue.delete(cached);
        this.#queue.set(cached, place);
      } else {
        place.onEvict?.(place.segment, cached);
        this.remove(place.owner, place.segment);
      }
    }
  }
}
