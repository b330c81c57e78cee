import { describe, expect, test } from 'vitest';
import {
  leaveWal,
  outdate,
  readHeader,
  unknownBefore,
} from '../../../src/transfer/sqlite-header.js';
import { nativeMade } from '../../support/native-file.ts';

const CHANGE_COUNTER = 24;
const SCHEMA_COOKIE = 40;
const VALID_FOR = 92;

function header(sql = 'CREATE TABLE t(a)'): Uint8Array {
  return Uint8Array.from(nativeMade(sql).subarray(0, 100));
}

function withU32(bytes: Uint8Array, values: Readonly<Record<number, number>>): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const [offset, value] of Object.entries(values)) view.setUint32(Number(offset), value);
  return copy;
}

const u32 = (bytes: Uint8Array, offset: number) =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset);

test.each([512, 4096, 65536])('pages of %i bytes are read from the header', (pageBytes) => {
  const bytes = header(`PRAGMA page_size=${pageBytes}; CREATE TABLE t(a)`);
  expect(readHeader(bytes, 'x.db')).toEqual({ pageBytes, pageCount: 2, isWal: false });
});

test('a page count that another SQLite has not kept says nothing', () => {
  const bytes = withU32(header(), { [VALID_FOR]: 99 });
  expect(readHeader(bytes, 'x.db').pageCount).toBeUndefined();
});

test('WAL mode is recognised and left', () => {
  const bytes = header('PRAGMA journal_mode=WAL; CREATE TABLE t(a)');
  expect(readHeader(bytes, 'x.db').isWal).toBe(true);
  leaveWal(bytes);
  expect(readHeader(bytes, 'x.db').isWal).toBe(false);
});

// Goal: what connections compare is never what any of them can remember of the file.
describe('outdate', () => {
  test.each([
    { old: 7, given: 7, becomes: 8 },
    { old: 9, given: 3, becomes: 10 },
    { old: 3, given: 9, becomes: 9 },
    { old: 0xffffffff, given: 5, becomes: 0 },
  ])('old $old, given $given: $becomes', ({ old, given, becomes }) => {
    for (const offset of [CHANGE_COUNTER, SCHEMA_COOKIE]) {
      const before = withU32(header(), { [CHANGE_COUNTER]: 0, [SCHEMA_COOKIE]: 0, [offset]: old });
      const page = withU32(header(), {
        [CHANGE_COUNTER]: 5,
        [VALID_FOR]: 5,
        [SCHEMA_COOKIE]: 5,
        [offset]: given,
        ...(offset === CHANGE_COUNTER && { [VALID_FOR]: given }),
      });
      expect(outdate(before, page)).toBe(becomes !== given);
      expect(u32(page, offset)).toBe(becomes);
      // The page count stays valid.
      expect(u32(page, VALID_FOR)).toBe(u32(page, CHANGE_COUNTER));
    }
  });

  test('a page count that says nothing does not come to count', () => {
    const before = withU32(header(), { [CHANGE_COUNTER]: 41 });
    const page = withU32(header(), { [CHANGE_COUNTER]: 5, [VALID_FOR]: 42 });
    outdate(before, page);
    expect(u32(page, CHANGE_COUNTER)).toBe(42);
    expect(readHeader(page, 'x.db').pageCount).toBeUndefined();
  });

  test('where the old one cannot be read it leaps, never twice the same', () => {
    const counters = Array.from({ length: 4 }, () => {
      const page = header();
      expect(outdate(unknownBefore(page), page)).toBe(true);
      return u32(page, CHANGE_COUNTER);
    });
    expect(Math.min(...counters)).toBeGreaterThan(65536);
    expect(new Set(counters).size).toBeGreaterThan(1);
  });
});
