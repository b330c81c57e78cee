import { expect, test } from 'vitest';
import { type Nonce, sameNonce } from '../../../src/format/commit.js';
import {
  chunksBetween,
  commitKey,
  commitsFrom,
  commitsUpTo,
  directoryKey,
  everythingFrom,
  everythingOf,
  FORMAT_VERSION,
  type KeyBounds,
  mapKey,
  STORES,
  segmentKey,
  segmentsAbove,
  spillOwnerKey,
  VOLUME_KEY,
} from '../../../src/format/keys.js';
import { SimulatedIndexedDB } from '../../../src/testing/index.js';
import { fileId, version } from '../../../src/types.js';

const file = fileId(3);
const FILES = [2, 3, 4].map(fileId);
const VERSIONS = [0, 1, 6, 7, 8, 2 ** 33].map(version);

// Goal: FORMAT.md §2 is what the code does. Method: the keys named there, literally.
test('stores and keys are those of format 1', () => {
  expect(FORMAT_VERSION).toBe(1);
  expect(STORES).toEqual(['files', 'segments', 'commits', 'maps']);
  expect(VOLUME_KEY).toBe('');
  expect(segmentKey(file, version(7), 2)).toEqual([3, 7, 2]);
  expect(commitKey(file, version(7))).toEqual([3, 7]);
  expect(mapKey(file, 5)).toEqual([3, 5]);
  expect(directoryKey(file)).toEqual([3, -1]);
  expect(spillOwnerKey(file)).toEqual([3, -2]);
});

// Goal: a range holds what its name says and nothing else. Method: IndexedDB's order of keys, asked of
// keys of three files and six versions.
const { cmp } = new SimulatedIndexedDB();
const within = (keys: Keys, [lower, upper]: KeyBounds) =>
  keys.filter((key) => cmp(lower, key) <= 0 && cmp(key, upper) <= 0);

type Keys = readonly (readonly number[])[];
const commits: Keys = FILES.flatMap((f) => VERSIONS.map((v) => [f, v]));
const segments: Keys = commits.flatMap((key) => [0, 9].map((part) => [...key, part]));
const maps: Keys = FILES.flatMap((f) => [-2, -1, 0, 1, 2].map((chunk) => [f, chunk]));

test.each<[string, Keys, KeyBounds, (key: readonly number[]) => boolean]>([
  ['commitsFrom', commits, commitsFrom(file, version(7)), ([f, v = 0]) => f === 3 && v >= 7],
  ['commitsUpTo', commits, commitsUpTo(file, version(7)), ([f, v = 0]) => f === 3 && v <= 7],
  ['segmentsAbove', segments, segmentsAbove(file, version(7)), ([f, v = 0]) => f === 3 && v > 7],
  ['chunksBetween', maps, chunksBetween(file, 0, 1), ([f, c = 0]) => f === 3 && c >= 0 && c <= 1],
  ['everythingOf segments', segments, everythingOf(file), ([f]) => f === 3],
  ['everythingOf commits', commits, everythingOf(file), ([f]) => f === 3],
  ['everythingOf maps', maps, everythingOf(file), ([f]) => f === 3],
  ['everythingFrom segments', segments, everythingFrom(file), ([f = 0]) => f >= 3],
  ['everythingFrom maps', maps, everythingFrom(file), ([f = 0]) => f >= 3],
])('%s', (_name, keys, bounds, belongs) => {
  const expected = keys.filter(belongs);
  expect(within(keys, bounds)).toEqual(expected);
  expect(expected.length).toBeGreaterThan(0);
  expect(expected.length).toBeLessThan(keys.length);
});

test('nonces are the same only if both halves are', () => {
  const nonce: Nonce = [1, 2];
  const others: Nonce[] = [
    [1, 3],
    [0, 2],
    [2, 1],
  ];
  expect(sameNonce(nonce, [1, 2])).toBe(true);
  expect(others.filter((other) => sameNonce(nonce, other))).toEqual([]);
});
