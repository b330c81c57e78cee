/**
 * Bytes from wherever they come, taken piece by piece.
 *
 *   I9  Holds one chunk of its source, and one piece that spans chunks.
 */
import { OptionError } from '../errors.js';

/** Where bytes may come from. A stream is read to its end, or cancelled. */
export type ByteSource = ReadableStream<Uint8Array> | Blob | Uint8Array | ArrayBuffer;

const NOTHING = new Uint8Array(0);

export class SourceReader {
  /** Bytes the source is known to have. */
  readonly totalBytes: number | undefined;
  readonly #reader: ReadableStreamDefaultReader<unknown> | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void = () => this.#cancel(this.#signal?.reason);
  #chunk: Uint8Array = NOTHING;
  #taken = 0;

  /**
   * @param signal aborted: what is taken next throws its reason
   * @throws OptionError if it is not a source, or read by somebody else
   */
  constructor(source: ByteSource, signal?: AbortSignal) {
    const given: unknown = source;
    if (given instanceof ArrayBuffer) this.#chunk = new Uint8Array(given);
    else if (ArrayBuffer.isView(given)) this.#chunk = bytesOf(given);
    else this.#reader = streamOf(given).getReader();
    this.totalBytes = this.#reader ? sizeOf(given) : this.#chunk.length;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
  }

  /** Bytes taken so far. */
  get taken(): number {
    return this.#taken;
  }

  /** The next bytes: `length` of them, fewer only at the end. Good until the next call. */
  async take(length: number): Promise<Uint8Array> {
    this.#signal?.throwIfAborted();
    const piece = this.#chunk.length >= length ? this.#cut(length) : await this.#gather(length);
    this.#taken += piece.length;
    return piece;
  }

  #cut(length: number): Uint8Array {
    const piece = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(length);
    return piece;
  }

  async #gather(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      if (this.#chunk.length === 0 && !(await this.#next())) break;
      const part = this.#cut(Math.min(this.#chunk.length, length - filled));
      bytes.set(part, filled);
      filled += part.length;
    }
    return bytes.subarray(0, filled);
  }

  /** False at the end. */
  async #next(): Promise<boolean> {
    if (!this.#reader) return false;
    const { done, value } = await this.#reader.read();
    this.#signal?.throwIfAborted();
    if (done) return false;
    if (!ArrayBuffer.isView(value)) {
      throw new OptionError('source', 'a stream of Uint8Array, not of something else');
    }
    this.#chunk = bytesOf(value);
    return true;
  }

  /** Nothing more is wanted. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#cancel(undefined);
  }

  /** What the source says to that is its own matter. */
  #cancel(reason: unknown): void {
    this.#reader?.cancel(reason).catch(() => undefined);
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Known by what it can do, for it may be of another realm. */
function streamOf(source: unknown): ReadableStream<unknown> {
  const { getReader, stream, locked } = (source ?? {}) as Partial<ReadableStream & Blob>;
  if (locked) throw new OptionError('source', 'the stream is being read by somebody else');
  if (typeof getReader === 'function') return source as ReadableStream<unknown>;
  if (typeof stream === 'function') return (source as Blob).stream();
  throw new OptionError('source', 'a ReadableStream, a Blob, a Uint8Array or an ArrayBuffer');
}

function sizeOf(source: unknown): number | undefined {
  const { size } = source as Partial<Blob>;
  return typeof size === 'number' ? size : undefined;
}
