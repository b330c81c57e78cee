/**
 * Reads blocks of a pinned snapshot in the order asked for, with few large requests and past the cache.
 *
 *   I7  Every block handed out matches its checksum.
 *   I8  A segment that is gone is damage, or a snapshot too old, as for any reader.
 *   I9  Holds SEGMENTS_MAX segments, and as many from the call before: 7.5 MiB.
 */
import { fetchSegments } from '../../blockstore/bulk.js';
import type { CachedSegment } from '../../blockstore/cache.js';
import type { BlockFile } from '../../blockstore/file.js';
import { segmentNumber } from '../../blockstore/live.js';
import type { BlockMap } from '../../blockstore/map.js';
import { ReadAhead } from '../../blockstore/readahead.js';
import { placeOf, type SegmentReader } from '../../blockstore/segments.js';
import { BusyError } from '../../errors.js';
import type { FileId } from '../../types.js';
import { View } from '../view.js';

const SEGMENTS_MAX = 64;

type Segments = ReadonlyMap<number, CachedSegment>;

export class SnapshotReader {
  readonly #file: BlockFile;
  readonly #map: BlockMap;
  /** The file may be deleted and made anew meanwhile. */
  readonly #id: FileId | undefined;
  #held: Segments = new Map();

  /** @param map a map of `file` that stays pinned */
  constructor(file: BlockFile, map: BlockMap) {
    this.#file = file;
    this.#map = map;
    this.#id = file.record?.file;
  }

  /** The blocks' bytes, back to back; zeros for what was never written. */
  async read(blocks: readonly number[]): Promise<Uint8Array<ArrayBuffer>> {
    const { blockSize } = this.#map;
    const bytes = new Uint8Array(blocks.length * blockSize);
    for (let at = 0; at < blocks.length; ) {
      const { end, wanted } = this.#plan(blocks, at);
      const segments = await this.#bring(wanted);
      for (; at < end; at++) {
        const content = await this.#blockOf(blocks[at] as number, segments);
        if (content) bytes.set(content, at * blockSize);
      }
      this.#held = segments;
    }
    return bytes;
  }

  /** As many blocks from `at` on as lie in SEGMENTS_MAX segments. */
  #plan(blocks: readonly number[], at: number): { end: number; wanted: ReadonlySet<number> } {
    const wanted = new Set<number>();
    let end = at;
    for (; end < blocks.length; end++) {
      const segment = this.#segmentOf(blocks[end] as number);
      if (segment === undefined || wanted.has(segment)) continue;
      if (wanted.size === SEGMENTS_MAX) break;
      wanted.add(segment);
    }
    return { end, wanted };
  }

  #segmentOf(block: number): number | undefined {
    if (this.#map.versionOf(block) === 0) return undefined;
    const { version, part } = placeOf(this.#map, block);
    return segmentNumber(version, part);
  }

  async #bring(wanted: ReadonlySet<number>): Promise<Segments> {
    const reader = this.#readerNow();
    const segments = new Map<number, CachedSegment>();
    const absent: number[] = [];
    for (const segment of wanted) {
      // What waits to land is in the cache alone.
      const known = reader.cached.get(segment) ?? this.#held.get(segment);
      if (known) segments.set(segment, known);
      else absent.push(segment);
    }
    if (absent.length === 0) return segments;
    const slots = this.#map.blocksPerSegment;
    await fetchSegments({
      connection: this.#file.connection,
      file: this.#file.file,
      wanted: absent.sort((a, b) => a - b),
      arrived: (segment, bytes) => {
        const verified = new Uint8Array(slots);
        segments.set(segment, {
          bytes,
          verified,
          views: [],
          pinned: false,
          hot: false,
          ahead: false,
        });
      },
    });
    return segments;
  }

  async #blockOf(block: number, segments: Segments): Promise<Uint8Array | null> {
    const number = this.#segmentOf(block);
    if (number === undefined) return null;
    const reader = this.#readerNow();
    const segment = segments.get(number);
    if (segment) return reader.blockOf(this.#map, block, segment);
    // Asked for once more, to be told what became of it.
    const view = new View(this.#file, new ReadAhead(0), this.#map, undefined);
    const bytes = await view.load(block);
    this.#readerNow();
    return bytes;
  }

  /** @throws what became of the snapshot, if its versions mean something else by now */
  #readerNow(): SegmentReader {
    this.#file.assertNotLost(this.#map);
    if (this.#file.record?.file !== this.#id) {
      throw new BusyError(this.#file.path, 'another context deleted it', { snapshot: true });
    }
    return this.#file.reader;
  }
}
