/** Which values are keys, their order, and key ranges. */
import { expect } from './expect.ts';
import { type Lab, result, thrownBy } from './lab.ts';
import type { Define } from './table.ts';

function shown(key: unknown): string {
  if (Array.isArray(key)) return `[${key.map(shown).join()}]`;
  if (key instanceof Uint8Array) return `bytes ${key.join()}`;
  if (key instanceof Date) return `date ${Number(key)}`;
  return typeof key === 'string' ? JSON.stringify(key) : String(key);
}

export function keyCases(lab: Lab, test: Define): void {
  const { factory, KeyRange } = lab;
  const inOrder: readonly (readonly [a: unknown, b: unknown])[] = [
    [Number.NEGATIVE_INFINITY, -1],
    [1, 1.5],
    [1e300, Number.POSITIVE_INFINITY],
    [Number.POSITIVE_INFINITY, new Date(0)],
    [new Date(1), new Date(2)],
    [new Date(8e15), ''],
    ['', 'a'],
    ['B', 'a'],
    ['a', 'aa'],
    ['\ud800', '\uffff'],
    ['z', new Uint8Array()],
    [Uint8Array.of(1), Uint8Array.of(1, 0)],
    [Uint8Array.of(127), Uint8Array.of(128)],
    [Uint8Array.of(255, 255), []],
    [[], [1]],
    [[1, 2], [2]],
    [[1], [1, Number.NEGATIVE_INFINITY]],
    [
      ['a', 9],
      ['a', []],
    ],
  ];
  for (const [a, b] of inOrder) {
    test(`${shown(a)} comes before ${shown(b)}`, () => {
      expect(factory.cmp(a, b)).toBe(-1);
      expect(factory.cmp(b, a)).toBe(1);
      expect(factory.cmp(a, a)).toBe(0);
    });
  }

  test('equal keys: 0 and -0, views and buffers of the same bytes', () => {
    expect(factory.cmp(0, -0)).toBe(0);
    const bytes = Uint8Array.of(9, 1, 2, 9);
    expect(factory.cmp(bytes.subarray(1, 3), Uint8Array.of(1, 2).buffer)).toBe(0);
    expect(factory.cmp(new DataView(bytes.buffer, 1, 2), Uint8Array.of(1, 2))).toBe(0);
  });

  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const holed: unknown[] = Object.assign([1], { length: 3 });
  const detached = new ArrayBuffer(8);
  structuredClone(detached, { transfer: [detached] });
  const invalid: readonly (readonly [label: string, value: unknown])[] = [
    ['NaN', Number.NaN],
    ['an invalid date', new Date(Number.NaN)],
    ['null', null],
    ['undefined', undefined],
    ['true', true],
    ['an object', {}],
    ['a regular expression', /x/],
    ['a bigint', 1n],
    ['a cyclic array', cyclic],
    ['an array with a hole', holed],
    ['an array with null in it', [[null]]],
    ['a detached buffer', detached],
  ];
  for (const [label, value] of invalid) {
    test(`${label} is no key`, () => {
      expect(thrownBy(() => factory.cmp(value, 1))).toBe('DataError');
      expect(thrownBy(() => factory.cmp(1, value))).toBe('DataError');
      expect(thrownBy(() => KeyRange.only(value))).toBe('DataError');
    });
  }

  test('keys come back as they went in, binary ones as ArrayBuffer', async () => {
    const keys = [1.5, new Date(5), 'x', Uint8Array.of(1, 2), ['a', [1, Uint8Array.of(3)]]];
    const db = await lab.filled(keys.map((key) => [key, 0]));
    const found = await result(db.transaction('a').objectStore('a').getAllKeys());
    expect(found).toEqual([
      1.5,
      new Date(5),
      'x',
      Uint8Array.of(1, 2).buffer,
      ['a', [1, Uint8Array.of(3).buffer]],
    ]);
  });

  test('a key is taken when the request is made, not later', async () => {
    const db = await lab.fresh();
    const store = db.transaction('a', 'readwrite').objectStore('a');
    const key = [1];
    store.put('v', key);
    key[0] = 2;
    expect(await result(store.getAllKeys())).toEqual([[1]]);
  });

  test('a key range has its bounds', () => {
    const range = KeyRange.bound(1, [2], true, false);
    expect([range.lower, range.upper, range.lowerOpen, range.upperOpen]).toEqual([
      1,
      [2],
      true,
      false,
    ]);
    const above = KeyRange.lowerBound('a');
    expect([above.lower, above.upper, above.lowerOpen, above.upperOpen]).toEqual([
      'a',
      undefined,
      false,
      true,
    ]);
    const below = KeyRange.upperBound(5, true);
    expect([below.lower, below.upper, below.lowerOpen, below.upperOpen]).toEqual([
      undefined,
      5,
      true,
      true,
    ]);
    const only = KeyRange.only(3);
    expect([only.lower, only.upper, only.lowerOpen, only.upperOpen]).toEqual([3, 3, false, false]);
  });

  test('a key range includes what lies in it', () => {
    const range = KeyRange.bound(1, 3, true, false);
    expect([0, 1, 1.1, 3, 3.1].map((n) => range.includes(n))).toEqual([
      false,
      false,
      true,
      true,
      false,
    ]);
    expect(thrownBy(() => range.includes({}))).toBe('DataError');
  });

  test('an empty or inverted key range is refused', () => {
    expect(thrownBy(() => KeyRange.bound(2, 1))).toBe('DataError');
    expect(thrownBy(() => KeyRange.bound(1, 1, true, false))).toBe('DataError');
    expect(thrownBy(() => KeyRange.bound(1, 1))).toBe(undefined);
  });
}
