import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalBytes } from '../../../src/blockstore/bytes.js';

/** The same bytes at another place in memory. */
function placed(bytes: Uint8Array, shift: number): Uint8Array {
  const moved = new Uint8Array(bytes.length + shift + 3).fill(0xee);
  moved.set(bytes, shift);
  return moved.subarray(shift, shift + bytes.length);
}

// Goal: what is compared word by word is compared whole. Method: one byte changed, at any alignment.
test('bytes are equal wherever they lie, and unequal if one differs or there are more', () => {
  const shift = fc.constantFrom(0, 1, 2, 4);
  const bytesOf = fc.uint8Array({ minLength: 1, maxLength: 21 });
  fc.assert(
    fc.property(bytesOf, shift, shift, fc.nat(), (bytes, a, b, at) => {
      expect(equalBytes(placed(bytes, a), placed(bytes, b))).toBe(true);
      const other = bytes.slice();
      other[at % bytes.length] = (bytes[at % bytes.length] as number) ^ 1;
      expect(equalBytes(placed(bytes, a), placed(other, b))).toBe(false);
      expect(equalBytes(placed(bytes, a), placed(bytes.subarray(1), b))).toBe(false);
      expect(equalBytes(placed(bytes.subarray(0, -1), a), placed(bytes, b))).toBe(false);
    }),
  );
});
