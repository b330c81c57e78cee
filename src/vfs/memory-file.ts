/**
 * A file that lives in memory only: journals, super-journals, temporary and transient files.
 *
 * The version log gives the atomicity that journals exist for, so a journal need not outlive the
 * page (docs/FORMAT.md §12).
 */
import { isBlockSize } from '../types.js';

const CHUNK_BYTES = 65536;

export class MemoryFile {
  readonly #chunks: Map<number, Uint8Array> = new Map();
  size = 0;
  /** The last read of a page's size, until the next write: what SQLite plays back. */
  #lastImage: { offset: number; length: number } | undefined;

  /** Bytes held in memory. */
  get heldBytes(): number {
    return this.#chunks.size * CHUNK_BYTES;
  }

  /** Copies what there is; returns false if the file ends before `target` is full. */
  read(target: Uint8Array, offset: number): boolean {
    if (isBlockSize(target.length)) this.#lastImage = { offset, length: target.length };
    const available = Math.max(0, Math.min(target.length, this.size - offset));
    if (available < target.length) target.fill(0, available);
    for (let at = 0; at < available; ) {
      const position = offset + at;
      const start = position % CHUNK_BYTES;
      const length = Math.min(available - at, CHUNK_BYTES - start);
      const chunk = this.#chunks.get(Math.floor(position / CHUNK_BYTES));
      if (chunk) target.set(chunk.subarray(start, start + length), at);
      else target.fill(0, at, at + length);
      at += length;
    }
    return available === target.length;
  }

  write(source: Uint8Array, offset: number): void {
    this.#lastImage = undefined;
    for (let at = 0; at < source.length; ) {
      const position = offset + at;
      const start = position % CHUNK_BYTES;
      const length = Math.min(source.length - at, CHUNK_BYTES - start);
      const number = Math.floor(position / CHUNK_BYTES);
      let chunk = this.#chunks.get(number);
      if (!chunk) {
        chunk = new Uint8Array(CHUNK_BYTES);
        this.#chunks.set(number, chunk);
      }
      chunk.set(source.subarray(at, at + length), start);
      at += length;
    }
    this.size = Math.max(this.size, offset + source.length);
  }

  /**
   * For a rollback journal: the image of `page` if it was what was read last and nothing was
   * written since. SQLite reads an image, then its 4-byte checksum, then writes the page. The page's
   * number stands before its image, so another page's equal bytes are not taken for it.
   */
  takeImage(page: number): Uint8Array | undefined {
    const last = this.#lastImage;
    if (!last || last.offset < 4) return undefined;
    const number = new Uint8Array(4);
    this.read(number, last.offset - 4);
    if (new DataView(number.buffer).getUint32(0) !== page) return undefined;
    const image = new Uint8Array(last.length);
    this.read(image, last.offset);
    this.#lastImage = undefined;
    return image;
  }

  truncate(size: number): void {
    const kept = Math.ceil(size / CHUNK_BYTES);
    for (const number of this.#chunks.keys()) if (number >= kept) this.#chunks.delete(number);
    this.#chunks.get(kept - 1)?.fill(0, size - (kept - 1) * CHUNK_BYTES);
    this.size = size;
  }
}
