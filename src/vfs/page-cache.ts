/** How SQLite is made to drop its page cache. */
import * as rc from '../result-codes.js';

/** The change counter and what follows it in the header, which SQLite compares to trust its cache. */
const CHECK_OFFSET = 24;
const CHECK_BYTES = 16;

/** True for the read by which SQLite looks whether the file was changed. */
export function isCacheCheck(length: number, offset: number): boolean {
  return offset === CHECK_OFFSET && length === CHECK_BYTES;
}

/** Answers it so that it matches nothing seen before. @returns an SQLite result code */
export function failCacheCheck(heap: Uint8Array<ArrayBuffer>, address: number): number {
  crypto.getRandomValues(heap.subarray(address, address + CHECK_BYTES));
  return rc.SQLITE_OK;
}
