/** Values as the simulation keeps them: structured clones that nobody outside can reach. */
import { exception } from './exceptions.js';
import { isArrayBuffer, tagOf } from './keys.js';

export interface StoredValue {
  /** Never handed out: `takeOut` clones it. */
  readonly data: unknown;
  readonly bytes: number;
}

/** @throws DataCloneError */
export function takeIn(value: unknown): StoredValue {
  const data = clone(value);
  return { data, bytes: byteSize(data) };
}

/** A stored value made of a clone that is ours already. */
export function adopt(data: unknown): StoredValue {
  return { data, bytes: byteSize(data) };
}

export function takeOut(stored: StoredValue): unknown {
  return clone(stored.data);
}

export function clone(value: unknown): unknown {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') {
    return value;
  }
  if (value === null) return value;
  if (isShared(value) || (ArrayBuffer.isView(value) && isShared(value.buffer))) {
    throw exception('DataCloneError', 'A SharedArrayBuffer cannot be stored.');
  }
  // Copying the usual value by hand: structuredClone costs more than everything else in a turn.
  if (isArrayBuffer(value) && value.byteLength > 0 && !isResizable(value)) return value.slice(0);
  return structuredClone(value);
}

function isShared(value: unknown): boolean {
  return tagOf(value) === 'SharedArrayBuffer';
}

function isResizable(buffer: ArrayBuffer): boolean {
  return (buffer as { readonly resizable?: boolean }).resizable === true;
}

/** What a value counts towards the quota: about what a browser would store. */
function byteSize(value: unknown): number {
  if (typeof value === 'string') return value.length * 2;
  if (typeof value === 'bigint') return 16;
  if (typeof value !== 'object' || value === null) return 8;
  if (isArrayBuffer(value) || ArrayBuffer.isView(value)) return value.byteLength;
  if (value instanceof Map) return byteSize([...value]);
  if (value instanceof Set) return byteSize([...value]);
  const size = (value as { readonly size?: unknown }).size;
  if (tagOf(value) === 'Blob' && typeof size === 'number') return size;
  return Object.entries(value).reduce((sum, [k, v]) => sum + 2 * k.length + byteSize(v), 16);
}

/** A short hash of a value, for traces. */
export function fingerprint(value: unknown): string {
  return (hashOf(value, 0x811c9dc5) >>> 0).toString(16).padStart(8, '0');
}

function hashOf(value: unknown, seed: number): number {
  if (typeof value === 'string') return hashText(value, seed);
  if (typeof value !== 'object' || value === null) return hashText(String(value), seed);
  if (isArrayBuffer(value)) return hashBytes(new Uint8Array(value), seed);
  if (ArrayBuffer.isView(value)) {
    return hashBytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), seed);
  }
  if (value instanceof Date) return hashText(String(value.getTime()), seed);
  const parts =
    value instanceof Map || value instanceof Set ? [...value] : Object.entries(value).flat();
  return parts.reduce<number>((hash, part) => hashOf(part, hash), mix(seed, parts.length));
}

/** FNV-1a over the characters. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return hash;
}

function hashBytes(bytes: Uint8Array, seed: number): number {
  let hash = mix(seed, bytes.length);
  for (const byte of bytes) hash = mix(hash, byte);
  return hash;
}

function mix(hash: number, part: number): number {
  return Math.imul(hash ^ part, 0x01000193);
}
