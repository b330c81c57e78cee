/**
 * Keys: which values are one, their order, and private copies of them.
 *
 * Order: number < Date < string < binary < array.
 */
import { exception } from './exceptions.js';

/** A key as the simulation keeps it: a copy that nobody outside can reach. */
export type Key = number | string | Date | Uint8Array<ArrayBuffer> | readonly Key[];

/** The key in `input`, or undefined if it is none. */
export function toKey(input: unknown): Key | undefined {
  return convert(input, []);
}

/** @throws DataError if it is no key */
export function requireKey(input: unknown): Key {
  const key = toKey(input);
  if (key === undefined) throw exception('DataError', 'The value given is not a valid key.');
  return key;
}

function convert(input: unknown, above: readonly unknown[]): Key | undefined {
  if (typeof input === 'number') return Number.isNaN(input) ? undefined : input;
  if (typeof input === 'string') return input;
  if (typeof input !== 'object' || input === null) return undefined;
  if (Array.isArray(input)) return convertArray(input, above);
  if (tagOf(input) === 'Date') {
    const ms = Number(input);
    return Number.isNaN(ms) ? undefined : new Date(ms);
  }
  return bytesOf(input);
}

function convertArray(input: readonly unknown[], above: readonly unknown[]): Key | undefined {
  if (above.includes(input)) return undefined;
  const keys: Key[] = [];
  for (let i = 0; i < input.length; i++) {
    if (!Object.hasOwn(input, i)) return undefined;
    const key = convert(input[i], [...above, input]);
    if (key === undefined) return undefined;
    keys.push(key);
  }
  return keys;
}

function bytesOf(input: object): Uint8Array<ArrayBuffer> | undefined {
  try {
    if (ArrayBuffer.isView(input)) {
      return new Uint8Array(input.buffer, input.byteOffset, input.byteLength).slice();
    }
    return isArrayBuffer(input) ? new Uint8Array(input.slice(0)) : undefined;
  } catch {
    // A detached buffer has no bytes to copy.
    return undefined;
  }
}

export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return tagOf(value) === 'ArrayBuffer';
}

/** The class name of a built-in object, whichever realm made it. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** A fresh value for the outside. */
export function fromKey(key: Key): IDBValidKey {
  if (typeof key === 'number' || typeof key === 'string') return key;
  if (key instanceof Date) return new Date(key.getTime());
  if (key instanceof Uint8Array) return key.slice().buffer;
  return key.map(fromKey);
}

export function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'number' && typeof b === 'number') return order(a, b);
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  if (isList(a) && isList(b)) return compareLists(a, b);
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return Math.sign(rank);
  if (a instanceof Date && b instanceof Date) return order(a.getTime(), b.getTime());
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  return 0;
}

function order(a: number, b: number): number {
  return a < b ? -1 : Number(a > b);
}

function isList(key: Key): key is readonly Key[] {
  return Array.isArray(key);
}

function rankOf(key: Key): number {
  if (typeof key === 'number') return 1;
  if (key instanceof Date) return 2;
  if (typeof key === 'string') return 3;
  return key instanceof Uint8Array ? 4 : 5;
}

function compareLists(a: readonly Key[], b: readonly Key[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const sign = compareKeys(a[i] as Key, b[i] as Key);
    if (sign !== 0) return sign;
  }
  return order(a.length, b.length);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const sign = order(a[i] as number, b[i] as number);
    if (sign !== 0) return sign;
  }
  return order(a.length, b.length);
}

/** For traces and messages. */
export function describeKey(key: Key): string {
  if (typeof key === 'number') return String(key);
  if (typeof key === 'string') return JSON.stringify(key);
  if (key instanceof Date) return `Date(${key.getTime()})`;
  if (key instanceof Uint8Array) return `<${key.join(' ')}>`;
  return `[${key.map(describeKey).join(',')}]`;
}
