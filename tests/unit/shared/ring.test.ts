import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createShared, WORD } from '../../../src/vfs/shared/layout.js';
import { RingReader, RingWriter } from '../../../src/vfs/shared/ring.js';

// Goal: records come out whole and in order, whatever their sizes and however the two sides take turns;
// none is written over before it was released.
// Method: random plans of writes and takes against a plain queue, on a ring that wraps many times.

const RING_BYTES = 256 * 1024;

function setUp(startAt = 0) {
  const parts = createShared(RING_BYTES);
  parts.words[WORD.TAIL] = startAt;
  parts.words[WORD.HEAD] = startAt;
  return { writer: new RingWriter(parts), reader: new RingReader(parts) };
}

type Step = { readonly write: Uint8Array } | 'take';
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ write: fc.uint8Array({ minLength: 1, maxLength: 70_000 }) }),
  fc.constant<Step>('take'),
);

describe('the ring', () => {
  test.each([
    ['from its beginning', 0],
    // The counters are 32 bits wide: here they pass their sign, and their end.
    ['past 2 GiB', 2 ** 31 - 1024],
    ['past 4 GiB', -1024],
  ])('gives records back whole and in order, %s', (_where, startAt) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { writer, reader } = setUp(startAt);
        const queue: Uint8Array[] = [];
        const take = () => {
          const record = reader.take();
          const expected = queue.shift();
          expect(record?.u32()).toBe(expected && 7);
          expect(record?.bytes()).toEqual(expected);
          if (record) reader.release();
        };
        for (const at of steps) {
          if (at === 'take') {
            take();
            continue;
          }
          const room = at.write.byteLength + 16;
          while (!writer.hasRoom(room)) take();
          writer.write(room, (to) => {
            to.u32(7);
            to.bytes(at.write);
          });
          queue.push(at.write);
        }
        while (queue.length > 0) take();
        expect(reader.take()).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  test('has no room for what would write over a record that was not released', () => {
    const { writer, reader } = setUp();
    const fill = (bytes: number) =>
      writer.write(bytes + 16, (to) => {
        to.u32(1);
        to.bytes(new Uint8Array(bytes));
      });
    for (let i = 0; i < 4; i++) fill(60_000);
    expect(writer.hasRoom(30_000)).toBe(false);
    reader.take();
    expect(writer.hasRoom(30_000)).toBe(false);
    reader.release();
    expect(writer.hasRoom(30_000)).toBe(true);
  });

  test('takes a size that is a power of two only', () => {
    expect(() => createShared(300_000)).toThrow('power of two');
    expect(() => createShared(1024)).toThrow('power of two');
  });
});
