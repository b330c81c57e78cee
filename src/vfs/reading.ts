/** xRead: copies what a view shows into the wasm memory. */
import * as rc from '../result-codes.js';
import type { View } from './view.js';

/** The wasm memory as it is now; to be taken anew after each await, for it may have grown. */
export type Heap = () => Uint8Array<ArrayBuffer>;

/**
 * Copies `length` bytes at `offset` of the file to `address`, zeros beyond its end.
 * @returns SQLite's result code, or undefined if a block is not in memory.
 */
export function readNow(
  heap: Uint8Array,
  view: View,
  address: number,
  length: number,
  offset: number,
): number | undefined {
  const size = view.blockSize;
  // As a rule SQLite reads one page.
  if (length === size && offset % size === 0 && offset + length <= view.fileBytes) {
    const bytes = view.peek(offset / size);
    if (bytes === undefined) return undefined;
    if (bytes) heap.set(bytes, address);
    else heap.fill(0, address, address + length);
    return rc.SQLITE_OK;
  }
  const available = Math.max(0, Math.min(length, view.fileBytes - offset));
  if (available < length) heap.fill(0, address + available, address + length);
  for (let at = 0; at < available; ) {
    const block = Math.floor((offset + at) / size);
    const from = offset + at - block * size;
    const count = Math.min(size - from, available - at);
    const bytes = view.peek(block);
    if (bytes === undefined) return undefined;
    if (bytes) heap.set(count === size ? bytes : bytes.subarray(from, from + count), address + at);
    else heap.fill(0, address + at, address + at + count);
    at += count;
  }
  return available < length ? rc.SQLITE_IOERR_SHORT_READ : rc.SQLITE_OK;
}

/** The same, fetching what is not in memory. */
export async function readLater(
  heap: Heap,
  view: View,
  want: { readonly address: number; readonly length: number; readonly offset: number },
): Promise<number> {
  const { address, length, offset } = want;
  const available = Math.max(0, Math.min(length, view.fileBytes - offset));
  const size = view.blockSize;
  for (let at = 0; at < available; ) {
    const block = Math.floor((offset + at) / size);
    const from = offset + at - block * size;
    const count = Math.min(size - from, available - at);
    const bytes = await view.load(block);
    const target = heap().subarray(address + at, address + at + count);
    if (bytes) target.set(bytes.subarray(from, from + count));
    else target.fill(0);
    at += count;
  }
  return available < length ? rc.SQLITE_IOERR_SHORT_READ : rc.SQLITE_OK;
}
