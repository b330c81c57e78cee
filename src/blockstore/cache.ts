/**
 * Segments in memory, least recently used first out, shared by all files of a volume.
 *
 *   I7  A block is handed out only after its checksum was seen to match; `verified` remembers
 *       for which slots that was done.
 *   I9  Bytes held stay within the limit, save for pinned segments, whose commit is in flight and
 *       which its own queue bounds.
 */

export interface CachedSegment {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** One per slot: 1 once the block's checksum matched. */
  readonly verified: Uint8Array;
  /** Not to be evicted: IndexedDB does not have it yet. */
  pinned: boolean;
  /** Used since eviction last came by. */
  hot: boolean;
}

/** One file's share of the cache: segment number → segment. */
export type FileSegments = Map<number, CachedSegment>;

interface QueueEntry {
  readonly owner: FileSegments;
  readonly segment: number;
  readonly cached: CachedSegment;
}

export class SegmentCache {
  readonly #limit: number;
  #bytes = 0;
  /** Second-chance queue: hot ones go round once more. */
  #queue: QueueEntry[] = [];
  #head = 0;

  constructor(bytesMax: number) {
    this.#limit = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  insert(
    owner: FileSegments,
    segment: number,
    bytes: Uint8Array<ArrayBuffer>,
    options: { readonly slots: number; readonly pinned?: boolean },
  ): CachedSegment {
    // A segment that was rolled back may still be here under the name of its successor.
    this.remove(owner, segment);
    const cached: CachedSegment = {
      bytes,
      verified: new Uint8Array(options.slots),
      // From the first: making room for its successor may otherwise take it.
      pinned: options.pinned ?? false,
      hot: true,
    };
    owner.set(segment, cached);
    this.#bytes += bytes.byteLength;
    this.#queue.push({ owner, segment, cached });
    if (this.#bytes > this.#limit) this.#evict();
    return cached;
  }

  /** Drops one segment, e.g. a spilled one whose sqliteTx was rolled back. */
  remove(owner: FileSegments, segment: number): void {
    const cached = owner.get(segment);
    if (!cached) return;
    owner.delete(segment);
    this.#bytes -= cached.bytes.byteLength;
  }

  /** Drops all of one file. */
  clear(owner: FileSegments): void {
    for (const segment of [...owner.keys()]) this.remove(owner, segment);
  }

  #evict(): void {
    let rounds = 2 * (this.#queue.length - this.#head);
    while (this.#bytes > this.#limit && rounds-- > 0) {
      const entry = this.#queue[this.#head++];
      if (!entry) break;
      const { owner, segment, cached } = entry;
      if (owner.get(segment) !== cached) continue;
      if (cached.hot || cached.pinned) {
        cached.hot = false;
        this.#queue.push(entry);
      } else {
        this.remove(owner, segment);
      }
    }
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}
