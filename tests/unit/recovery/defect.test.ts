/** P5: a defect says which of SQLite's pages it hits, numbered from 1. */
import { expect, test } from 'vitest';
import { CorruptionError, type RecordLocation, StorageError } from '../../../src/errors.js';
import { defectOf, pagesOfBlocks } from '../../../src/recovery/defect.js';

const at = (store: RecordLocation['store'], key: IDBValidKey) =>
  defectOf(new CorruptionError({ volume: 'v', store, key }, 'it'), 'v').pages;

test('a map chunk hits the pages of its 1,024 blocks', () => {
  expect(at('maps', [1, 0])).toEqual({ first: 1, last: 1024 });
  expect(at('maps', [1, 2])).toEqual({ first: 2049, last: 3072 });
});

test.each<[RecordLocation['store'], IDBValidKey]>([
  ['maps', [1, -1]],
  ['maps', 'text'],
  ['commits', [1, 2]],
  ['files', 'a.db'],
])('what is wrong in %s at %o hits the database as a whole, or none', (store, key) => {
  expect(at(store, key)).toBeUndefined();
});

test('a failure of IndexedDB is a defect of no page', () => {
  const { error, pages } = defectOf(new DOMException('it', 'DataError'), 'v');
  expect(error).toBeInstanceOf(StorageError);
  expect(error.message).toContain('verifying');
  expect(pages).toBeUndefined();
});

test('neighbouring blocks are one range of pages', () => {
  expect(pagesOfBlocks([])).toEqual([]);
  expect(pagesOfBlocks([0, 1, 2, 4, 6, 7])).toEqual([
    { first: 1, last: 3 },
    { first: 5, last: 5 },
    { first: 7, last: 8 },
  ]);
});
