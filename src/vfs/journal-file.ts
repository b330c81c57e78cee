/**
 * A rollback journal in memory that keeps no copy of a page which the store still has.
 *
 *   I7  A page image is replaced by a reference only if it was seen to equal the page of the
 *       sqliteTx's snapshot, which stays as it is until the sqliteTx ends.
 *   I9  Images held stay below the limit, save for pages that differ from the snapshot's.
 *
 * SQLite writes a page's number (4 bytes), its image, and a checksum (4 bytes). An image that equals the
 * snapshot's page is kept as that page's number. So a sqliteTx that rewrites 50 MB does not hold 50 MB.
 * When the sqliteTx has ended its journal means nothing; what was a reference then reads as zeros, which
 * SQLite takes for the journal's end.
 */
import { equalBytes } from '../blockstore/bytes.js';
import { InvariantError } from '../errors.js';
import type { SnapshotPages } from './snapshot-pages.js';

const NUMBER_BYTES = 4;
/** Smaller pieces are joined with what precedes them. */
const JOIN_BYTES_MAX = 64;

interface Extent {
  readonly offset: number;
  length: number;
  /** What is in it, or the page that it equals. */
  content: Uint8Array | { readonly page: number; readonly pages: SnapshotPages };
}

export class JournalFile {
  readonly #imageBytesMax: number;
  readonly #pagesOf: () => SnapshotPages | undefined;
  /** In order of offset, without gaps or overlaps. */
  #extents: Extent[] = [];
  /** Referenced pages that `load` fetched for the read at hand. */
  readonly #loaded: Map<number, Uint8Array | null> = new Map();
  #lastImage: { readonly page: number; readonly image: Uint8Array } | undefined;
  size = 0;
  /** Bytes of page images held in memory. */
  imageBytes = 0;

  constructor(options: {
    readonly imageBytesMax: number;
    /** The snapshot of the sqliteTx that writes the journal. */
    readonly pagesOf: () => SnapshotPages | undefined;
  }) {
    this.#imageBytesMax = options.imageBytesMax;
    this.#pagesOf = options.pagesOf;
  }

  /** Page images kept as references. */
  get referenceCount(): number {
    return this.#extents.filter(({ content }) => !(content instanceof Uint8Array)).length;
  }

  /** Copies what there is: false if the file ends first, undefined if `load` has to come before. */
  read(target: Uint8Array, offset: number): boolean | undefined {
    const end = Math.min(offset + target.length, this.size);
    target.fill(0, Math.max(0, end - offset));
    for (let i = this.#find(offset); i < this.#extents.length; i++) {
      const extent = this.#extents[i] as Extent;
      if (extent.offset >= end) break;
      const bytes = this.#bytesOf(extent);
      if (bytes === undefined) return undefined;
      const from = Math.max(offset, extent.offset);
      const to = Math.min(end, extent.offset + extent.length);
      const part = target.subarray(from - offset, to - offset);
      if (bytes) part.set(bytes.subarray(from - extent.offset, to - extent.offset));
      else part.fill(0);
    }
    this.#noteImage(target, offset);
    return end - offset === target.length;
  }

  /** Fetches the referenced pages in a range, for `read` to find. */
  async load(offset: number, length: number): Promise<void> {
    this.#loaded.clear();
    for (let i = this.#find(offset); i < this.#extents.length; i++) {
      const { content, offset: start } = this.#extents[i] as Extent;
      if (start >= offset + length) return;
      if (content instanceof Uint8Array) continue;
      this.#loaded.set(content.page, await content.pages.load(content.page));
    }
  }

  /** A promise if a page has to be fetched to be compared: wait before the next write. */
  write(source: Uint8Array, offset: number): Promise<void> | undefined {
    this.#lastImage = undefined;
    const pages = this.#pagesOf();
    const page = pages && source.length === pages.pageBytes ? this.#pageBefore(offset) : 0;
    if (!pages || page === 0) {
      this.#put(offset, source.slice());
      return undefined;
    }
    const original = pages.peek(page);
    if (original === undefined && this.imageBytes >= this.#imageBytesMax) {
      return this.#compareLater(source.slice(), { offset, page, pages });
    }
    if (original && equalBytes(source, original)) this.#put(offset, { page, pages }, source.length);
    else this.#put(offset, source.slice());
    return undefined;
  }

  async #compareLater(
    image: Uint8Array,
    at: { offset: number; page: number; pages: SnapshotPages },
  ): Promise<void> {
    const { offset, page, pages } = at;
    const original = await pages.load(page);
    if (original && equalBytes(image, original)) this.#put(offset, { page, pages }, image.length);
    else this.#put(offset, image);
  }

  truncate(size: number): void {
    while (this.#extents.length > 0) {
      const last = this.#extents.at(-1) as Extent;
      if (last.offset + last.length <= size) break;
      this.#extents.pop();
      this.#forget(last);
      if (last.offset < size && last.content instanceof Uint8Array) {
        this.size = last.offset;
        this.#append({
          ...last,
          length: size - last.offset,
          content: last.content.slice(0, size - last.offset),
        });
      }
    }
    const last = this.#extents.at(-1);
    this.size = last ? last.offset + last.length : 0;
    if (this.size < size) this.#append(zeros(this.size, size));
  }

  /** The image of `page`, if it was what was read last and nothing was written since. */
  takeImage(page: number): Uint8Array | undefined {
    const last = this.#lastImage;
    if (last?.page !== page) return undefined;
    this.#lastImage = undefined;
    return last.image;
  }

  #noteImage(target: Uint8Array, offset: number): void {
    if (target.length !== this.#pagesOf()?.pageBytes) return;
    const page = this.#pageBefore(offset);
    if (page > 0) this.#lastImage = { page, image: target.slice() };
  }

  /** The page number that stands before an image at `offset`; 0 if none can. */
  #pageBefore(offset: number): number {
    if (offset < NUMBER_BYTES) return 0;
    const extent = this.#extents[this.#find(offset - NUMBER_BYTES)];
    if (!extent || !(extent.content instanceof Uint8Array)) return 0;
    const at = offset - NUMBER_BYTES - extent.offset;
    if (at + NUMBER_BYTES > extent.content.length) return 0;
    const { buffer, byteOffset } = extent.content;
    return new DataView(buffer, byteOffset + at).getUint32(0);
  }

  #put(offset: number, content: Extent['content'], length?: number): void {
    const bytes = content instanceof Uint8Array ? content : undefined;
    const size = bytes?.length ?? length ?? 0;
    if (offset < this.size && this.#overwrite(offset, bytes, size)) return;
    if (offset < this.size) this.truncate(offset);
    if (offset > this.size) this.#append(zeros(this.size, offset));
    this.#append({ offset, length: size, content });
  }

  /** Changes bytes inside one extent, as SQLite does to a journal header. */
  #overwrite(offset: number, bytes: Uint8Array | undefined, size: number): boolean {
    const extent = this.#extents[this.#find(offset)];
    if (!bytes || !extent || !(extent.content instanceof Uint8Array)) return false;
    if (offset + size > extent.offset + extent.length) return false;
    extent.content.set(bytes, offset - extent.offset);
    return true;
  }

  #append(extent: Extent): void {
    const last = this.#extents.at(-1);
    const { content } = extent;
    this.size = extent.offset + extent.length;
    const joins = content instanceof Uint8Array && content.length <= JOIN_BYTES_MAX;
    if (joins && last && last.content instanceof Uint8Array && last.length <= JOIN_BYTES_MAX) {
      const joined = new Uint8Array(last.length + content.length);
      joined.set(last.content);
      joined.set(content, last.length);
      last.content = joined;
      last.length = joined.length;
      return;
    }
    if (content instanceof Uint8Array && !joins) this.imageBytes += content.length;
    this.#extents.push(extent);
  }

  #forget({ content, length }: Extent): void {
    if (content instanceof Uint8Array && length > JOIN_BYTES_MAX) this.imageBytes -= length;
  }

  #bytesOf({ content }: Extent): Uint8Array | null | undefined {
    if (content instanceof Uint8Array) return content;
    if (!content.pages.isCurrent()) return null;
    const bytes = content.pages.peek(content.page);
    if (bytes !== undefined) return bytes;
    return this.#loaded.get(content.page);
  }

  /** Index of the extent that holds `offset`, or the number of extents. */
  #find(offset: number): number {
    let low = 0;
    let high = this.#extents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const extent = this.#extents[middle];
      if (!extent) throw new InvariantError('extents have no holes');
      if (extent.offset + extent.length <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function zeros(from: number, to: number): Extent {
  return { offset: from, length: to - from, content: new Uint8Array(to - from) };
}
