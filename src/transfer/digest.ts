/** One number for the bytes of a whole database, whatever its page size. */
import { xxh32 } from '../format/checksum.js';

const PIECE_BYTES = 65536;

/** XXH32 of each 64 KiB and the rest, each with the one before as its seed. */
export class ContentDigest {
  readonly #piece: Uint8Array<ArrayBuffer> = new Uint8Array(PIECE_BYTES);
  #filled = 0;
  #digest = 0;
  #bytes = 0;

  /** How many there were. */
  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + PIECE_BYTES - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === PIECE_BYTES) this.#close();
    }
  }

  #close(): void {
    this.#digest = xxh32(this.#piece.subarray(0, this.#filled), this.#digest);
    this.#filled = 0;
  }

  /** Of everything; nothing may be added after it. */
  end(): number {
    if (this.#filled > 0) this.#close();
    return this.#digest;
  }
}
