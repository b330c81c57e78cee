/**
 * Fields of a message in shared memory: written one after the other, read in the same order.
 *
 *   I7  A reader never leaves its record: what is too short reads as an assertion, not as other bytes.
 */
import { assert } from '../../errors.js';

const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();
const ALIGNMENT = 4;

/** Bytes that a text field takes at most. */
export function textBytesMax(text: string): number {
  // UTF-8 takes at most three bytes for one UTF-16 code unit.
  return 3 * text.length + 2 * ALIGNMENT;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

class Cursor {
  protected readonly memory: Uint8Array;
  protected readonly view: DataView;
  protected at = 0;

  constructor(memory: Uint8Array) {
    this.memory = memory;
    this.view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  }

  /** Bytes used so far. */
  get length(): number {
    return this.at;
  }

  protected step(bytes: number): number {
    const at = this.at;
    assert(at + bytes <= this.memory.byteLength, 'a message fits its place');
    this.at = at + aligned(bytes);
    return at;
  }
}

export class FieldWriter extends Cursor {
  u32(value: number): void {
    this.view.setUint32(this.step(4), value, true);
  }
  f64(value: number): void {
    this.view.setFloat64(this.step(8), value, true);
  }
  flag(value: boolean): void {
    this.u32(value ? 1 : 0);
  }
  bytes(value: Uint8Array): void {
    this.u32(value.byteLength);
    this.memory.set(value, this.step(value.byteLength));
  }
  text(value: string): void {
    this.bytes(TEXT_ENCODER.encode(value));
  }
}

export class FieldReader extends Cursor {
  u32(): number {
    return this.view.getUint32(this.step(4), true);
  }
  f64(): number {
    return this.view.getFloat64(this.step(8), true);
  }
  flag(): boolean {
    return this.u32() !== 0;
  }
  /** A view, not a copy. */
  bytes(): Uint8Array {
    const length = this.u32();
    const at = this.step(length);
    return this.memory.subarray(at, at + length);
  }
  text(): string {
    // A decoder takes no shared memory.
    return TEXT_DECODER.decode(this.bytes().slice());
  }
}
