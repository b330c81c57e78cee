/**
 * A file that lives in memory only: super-journals, temporary and transient files (docs/FORMAT.md §12).
 */
const CHUNK_BYTES = 65536;

export class MemoryFile {
  readonly #chunks: Map<number, Uint8Array> = new Map();
  size = 0;

  /** Bytes held in memory. */
  get heldBytes(): number {
    return this.#chunks.size * CHUNK_BYTES;
  }

  /** Copies what there is; returns false if the file ends before `target` is full. */
  read(target: Uint8Array, offset: number): boolean {
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

  write(source: Uint8Array, offset: number): undefined {
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

  truncate(size: number): void {
    const kept = Math.ceil(size / CHUNK_BYTES);
    for (const number of this.#chunks.keys()) if (number >= kept) this.#chunks.delete(number);
    this.#chunks.get(kept - 1)?.fill(0, size - (kept - 1) * CHUNK_BYTES);
    this.size = size;
  }
}
