/**
 * The ring of requests: one writer, one reader, each record in one piece.
 *
 *   I1  A record is read only after TAIL says that it is whole, and its bytes are written over only
 *       after HEAD says that it was acted on.
 *   I9  The ring's size bounds what waits; a writer that finds it full waits (client.ts).
 *
 * A record begins with its length in bytes, a multiple of 8. One that would cross the ring's end is
 * put at its beginning, and the rest of the end is marked as unused.
 */
import { FieldReader, FieldWriter } from './fields.js';
import { type SharedParts, WORD } from './layout.js';

const ALIGNMENT = 8;
const LENGTH_BYTES = 4;
const UNUSED = 0;

export class RingWriter {
  readonly #words: SharedParts['words'];
  readonly #ring: SharedParts['ring'];
  readonly #view: DataView;

  constructor({ words, ring }: SharedParts) {
    this.#words = words;
    this.#ring = ring;
    this.#view = new DataView(ring.buffer, ring.byteOffset, ring.byteLength);
  }

  /** True if a record of so many bytes can be written now. */
  hasRoom(bytesMax: number): boolean {
    return this.#free() >= this.#needed(bytesMax);
  }

  /** Writes one record; there must be room for it. */
  write(bytesMax: number, fill: (to: FieldWriter) => void): void {
    const size = this.#ring.byteLength;
    let tail = Atomics.load(this.#words, WORD.TAIL);
    const left = size - ((tail >>> 0) % size);
    if (left < recordBytes(bytesMax)) {
      this.#view.setUint32(size - left, left, true);
      this.#view.setUint32(size - left + LENGTH_BYTES, UNUSED, true);
      tail = (tail + left) | 0;
    }
    const at = (tail >>> 0) % size;
    const to = new FieldWriter(this.#ring.subarray(at + LENGTH_BYTES, at + recordBytes(bytesMax)));
    fill(to);
    const length = recordBytes(to.length);
    this.#view.setUint32(at, length, true);
    Atomics.store(this.#words, WORD.TAIL, (tail + length) | 0);
  }

  #free(): number {
    const used = Atomics.load(this.#words, WORD.TAIL) - Atomics.load(this.#words, WORD.HEAD);
    return this.#ring.byteLength - (used >>> 0);
  }

  /** With the rest of the ring, if the record does not fit there. */
  #needed(bytesMax: number): number {
    const size = this.#ring.byteLength;
    const left = size - ((Atomics.load(this.#words, WORD.TAIL) >>> 0) % size);
    const record = recordBytes(bytesMax);
    return left < record ? left + record : record;
  }
}

export class RingReader {
  readonly #words: SharedParts['words'];
  readonly #ring: SharedParts['ring'];
  readonly #view: DataView;
  #taken = 0;

  constructor({ words, ring }: SharedParts) {
    this.#words = words;
    this.#ring = ring;
    this.#view = new DataView(ring.buffer, ring.byteOffset, ring.byteLength);
  }

  /** The next record, or undefined. It stays in its place until `release`. */
  take(): FieldReader | undefined {
    const size = this.#ring.byteLength;
    for (;;) {
      const head = Atomics.load(this.#words, WORD.HEAD);
      if (head === Atomics.load(this.#words, WORD.TAIL)) return undefined;
      const at = (head >>> 0) % size;
      const length = this.#view.getUint32(at, true);
      this.#taken = length;
      const isUnused = this.#view.getUint32(at + LENGTH_BYTES, true) === UNUSED;
      if (!isUnused) return new FieldReader(this.#ring.subarray(at + LENGTH_BYTES, at + length));
      this.release();
    }
  }

  /** The record taken last was acted on: its place is the writer's again. */
  release(): void {
    const head = Atomics.load(this.#words, WORD.HEAD);
    Atomics.store(this.#words, WORD.HEAD, (head + this.#taken) | 0);
    Atomics.notify(this.#words, WORD.HEAD);
  }
}

function recordBytes(bytes: number): number {
  return Math.ceil((bytes + LENGTH_BYTES) / ALIGNMENT) * ALIGNMENT;
}
