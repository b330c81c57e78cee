/** I9: the cache stays within its limit, and keeps what is in use or must not go. */
import { expect, test } from 'vitest';
import { type FileSegments, SegmentCache } from '../../../src/blockstore/cache.js';

const BYTES = 10;

/** A cache for `count` segments of {@link BYTES} bytes each, and one file's share of it. */
function cacheFor(count: number) {
  const cache = new SegmentCache(count * BYTES);
  const file: FileSegments = new Map();
  const insert = (segment: number, pinned?: boolean) => {
    const options = pinned === undefined ? { slots: 3 } : { slots: 3, pinned };
    return cache.insert(file, segment, new Uint8Array(BYTES).fill(segment), options);
  };
  return { cache, file, insert, held: () => [...file.keys()] };
}

/** Makes all that is held look unused. */
function cool(file: FileSegments): void {
  for (const cached of file.values()) cached.hot = false;
}

test('a segment is held as it came, nothing of it verified yet', () => {
  const { cache, file, insert } = cacheFor(2);
  const cached = insert(7);
  expect(file.get(7)).toBe(cached);
  expect(cached.bytes).toEqual(new Uint8Array(BYTES).fill(7));
  expect(cached).toMatchObject({ verified: new Uint8Array(3), pinned: false, hot: true });
  expect(cache.bytes).toBe(BYTES);
});

test('up to the limit nothing goes; above it the oldest that is not in use', () => {
  const { cache, file, insert, held } = cacheFor(3);
  for (const segment of [1, 2, 3]) insert(segment);
  expect(held()).toEqual([1, 2, 3]);
  cool(file);
  insert(4);
  expect(held()).toEqual([2, 3, 4]);
  const used = file.get(2);
  if (used) used.hot = true;
  insert(5);
  expect(held()).toEqual([2, 4, 5]);
  expect(cache.bytes).toBe(3 * BYTES);
});

test('what is in use goes round once; all being in use, the oldest goes', () => {
  const { insert, held } = cacheFor(2);
  for (const segment of [1, 2, 3]) insert(segment);
  expect(held()).toEqual([2, 3]);
});

test('a pinned segment stays above the limit, and goes when it is pinned no more', () => {
  const { cache, file, insert, held } = cacheFor(1);
  const pinned = [insert(1, true), insert(2, true)];
  expect(held()).toEqual([1, 2]);
  expect(cache.bytes).toBe(2 * BYTES);
  for (const cached of pinned) cached.pinned = false;
  cool(file);
  insert(3);
  expect(held()).toEqual([3]);
  expect(cache.bytes).toBe(BYTES);
});

test('a segment under a name that is taken replaces it, and is not evicted in its stead', () => {
  const { cache, file, insert, held } = cacheFor(2);
  insert(1).hot = false;
  const successor = insert(1);
  expect(file.get(1)).toBe(successor);
  expect(cache.bytes).toBe(BYTES);
  insert(2);
  successor.hot = true;
  const second = file.get(2);
  if (second) second.hot = false;
  insert(3);
  // Its predecessor, the oldest and not in use, stands for nothing any more.
  expect(held()).toEqual([1, 3]);
});

test('removing and clearing give the bytes back, of one file only', () => {
  const { cache, file, insert, held } = cacheFor(9);
  const other: FileSegments = new Map();
  cache.insert(other, 1, new Uint8Array(BYTES), { slots: 1 });
  for (const segment of [1, 2, 3]) insert(segment);
  cache.remove(file, 2);
  cache.remove(file, 2);
  expect(held()).toEqual([1, 3]);
  expect(cache.bytes).toBe(3 * BYTES);
  cache.clear(file);
  expect(held()).toEqual([]);
  expect([...other.keys()]).toEqual([1]);
  expect(cache.bytes).toBe(BYTES);
});

test('after thousands of segments the limit still holds, and the newest are there', () => {
  const { cache, insert, held } = cacheFor(50);
  const pinned = insert(0, true);
  for (let segment = 1; segment <= 5000; segment++) {
    insert(segment);
    expect(cache.bytes).toBeLessThanOrEqual(50 * BYTES);
  }
  expect(held()).toContain(0);
  expect(held()).toContain(5000);
  expect(held()).toHaveLength(50);
  pinned.pinned = false;
  pinned.hot = false;
  for (let segment = 5001; segment <= 5100; segment++) insert(segment);
  expect(held()).not.toContain(0);
});
