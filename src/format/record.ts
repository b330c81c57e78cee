/**
 * The header every record but the segment begins with, and the reader and writer of its fields.
 *
 *   I7  A record is used only when magic, format, length and checksum are right.
 */
import { xxh32 } from './checksum.js';
import { FORMAT_VERSION } from './keys.js';

export const HEADER_BYTES = 16;
const CHECKSUM_OFFSET = 8;
const TWO_32 = 0x100000000;

/** Why a record was refused. `newer` carries the format found. */
export type Refusal =
  | {
      readonly tag: 'damaged';
      readonly what: string;
      readonly checksums?: { readonly expected: number; readonly actual: number };
    }
  | { readonly tag: 'newer'; readonly format: number };

/** A decoded value or the reason there is none. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export function damaged<T>(what: string): Decoded<T> {
  return { ok: false, refusal: { tag: 'damaged', what } };
}

/** Little-endian fields at fixed offsets of one record. */
export class RecordView {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  constructor(buffer: ArrayBuffer) {
    this.bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }
  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }
  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }
  u64(at: number): number {
    return this.u32(at) + this.u32(at + 4) * TWO_32;
  }
  f64(at: number): number {
    return this.#view.getFloat64(at, true);
  }
  setU8(at: number, value: number): void {
    this.#view.setUint8(at, value);
  }
  setU16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
  setU64(at: number, value: number): void {
    this.setU32(at, value % TWO_32);
    this.setU32(at + 4, Math.floor(value / TWO_32));
  }
  setF64(at: number, value: number): void {
    this.#view.setFloat64(at, value, true);
  }
}

/** Allocates a record; `seal` it when its fields are set. */
export function newRecord(magic: string, byteLength: number): RecordView {
  const record = new RecordView(new ArrayBuffer(byteLength));
  for (let i = 0; i < magic.length; i++) record.setU8(i, magic.charCodeAt(i));
  record.setU16(4, FORMAT_VERSION);
  record.setU32(12, byteLength);
  return record;
}

/** Sets the record's checksum and hands out its buffer. */
export function seal(record: RecordView): ArrayBuffer {
  record.setU32(CHECKSUM_OFFSET, 0);
  record.setU32(CHECKSUM_OFFSET, xxh32(record.bytes, 0));
  return record.bytes.buffer;
}

/** Checks the header and the checksum of a stored value. */
export function openRecord(value: unknown, magic: string, bytesMin: number): Decoded<RecordView> {
  if (!(value instanceof ArrayBuffer)) return damaged('a value of the wrong type');
  if (value.byteLength < HEADER_BYTES) return damaged('a truncated record');
  const record = new RecordView(value);
  for (let i = 0; i < 4; i++) {
    if (record.u8(i) !== magic.charCodeAt(i)) return damaged('a record with a wrong magic number');
  }
  const format = record.u16(4);
  if (format > FORMAT_VERSION) return { ok: false, refusal: { tag: 'newer', format } };
  if (value.byteLength < bytesMin || record.u32(12) !== value.byteLength) {
    return damaged('a record of the wrong length');
  }
  const expected = record.u32(CHECKSUM_OFFSET);
  record.setU32(CHECKSUM_OFFSET, 0);
  const actual = xxh32(record.bytes, 0);
  record.setU32(CHECKSUM_OFFSET, expected);
  if (actual !== expected) {
    const what = 'a record whose checksum is wrong';
    return { ok: false, refusal: { tag: 'damaged', what, checksums: { expected, actual } } };
  }
  return { ok: true, value: record };
}
