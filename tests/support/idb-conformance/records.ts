/** Storing, reading and deleting records; key generators. */
import { expect } from './expect.ts';
import { end, errorOf, type Lab, result, thrownBy } from './lab.ts';
import type { Define, Differences } from './table.ts';

const FIVE = [1, 2, 3, 4, 5].map((n) => [n, `v${n}`] as const);

const NONE = {
  why: 'there is no SharedArrayBuffer unless it is switched on (JSC_useSharedArrayBuffer)',
  seen: "expected 'ReferenceError' to be 'DataCloneError'",
};
const NO_SHARED_MEMORY: Differences =
  'SharedArrayBuffer' in globalThis ? {} : { webkit: NONE, 'simulation in webkit': NONE };

export function recordCases(lab: Lab, test: Define): void {
  const { KeyRange } = lab;

  test('put stores, get finds, a missing key is undefined', async () => {
    const db = await lab.filled([['k', { x: 1 }]]);
    const store = db.transaction('a').objectStore('a');
    expect(await result(store.get('k'))).toEqual({ x: 1 });
    expect(await result(store.get('other'))).toBe(undefined);
    expect(await result(store.getKey('k'))).toBe('k');
    expect(await result(store.getKey('other'))).toBe(undefined);
  });

  test('put answers with the key and replaces what was there', async () => {
    const db = await lab.filled([['k', 1]]);
    const store = db.transaction('a', 'readwrite').objectStore('a');
    expect(await result(store.put(2, 'k'))).toBe('k');
    expect(await result(store.getAll())).toEqual([2]);
  });

  test('add refuses a key that exists', async () => {
    const db = await lab.filled([['k', 1]]);
    const tx = db.transaction('a', 'readwrite');
    const ended = end(tx);
    expect(await errorOf(tx.objectStore('a').add(2, 'k'))).toBe('ConstraintError');
    expect(await ended).toBe('abort');
    expect(tx.error?.name).toBe('ConstraintError');
    expect(await result(db.transaction('a').objectStore('a').get('k'))).toBe(1);
  });

  test('get and getKey of a range give the first record in it', async () => {
    const db = await lab.filled(FIVE);
    const store = db.transaction('a').objectStore('a');
    expect(await result(store.get(KeyRange.lowerBound(2, true)))).toBe('v3');
    expect(await result(store.getKey(KeyRange.bound(4, 9)))).toBe(4);
    expect(await result(store.get(KeyRange.lowerBound(6)))).toBe(undefined);
  });

  test('getAll and getAllKeys: range, count, both, none', async () => {
    const db = await lab.filled(FIVE);
    const store = db.transaction('a').objectStore('a');
    expect(await result(store.getAll())).toEqual(['v1', 'v2', 'v3', 'v4', 'v5']);
    expect(await result(store.getAll(KeyRange.bound(2, 4, false, true)))).toEqual(['v2', 'v3']);
    expect(await result(store.getAll(null, 2))).toEqual(['v1', 'v2']);
    expect(await result(store.getAll(KeyRange.lowerBound(3), 2))).toEqual(['v3', 'v4']);
    expect(await result(store.getAll(4))).toEqual(['v4']);
    expect(await result(store.getAll(undefined, 0))).toHaveLength(5);
    expect(await result(store.getAllKeys(KeyRange.upperBound(2)))).toEqual([1, 2]);
    expect(await result(store.getAllKeys(9))).toEqual([]);
  });

  test('count: all, a key, a range', async () => {
    const db = await lab.filled(FIVE);
    const store = db.transaction('a').objectStore('a');
    expect(await result(store.count())).toBe(5);
    expect(await result(store.count(2))).toBe(1);
    expect(await result(store.count(9))).toBe(0);
    expect(await result(store.count(KeyRange.lowerBound(2, true)))).toBe(3);
  });

  test('delete: a key, a missing key, a range; clear', async () => {
    const db = await lab.filled(FIVE);
    const store = db.transaction('a', 'readwrite').objectStore('a');
    expect(await result(store.delete(2))).toBe(undefined);
    expect(await result(store.delete(9))).toBe(undefined);
    expect(await result(store.getAllKeys())).toEqual([1, 3, 4, 5]);
    store.delete(KeyRange.bound(3, 5, true, false));
    expect(await result(store.getAllKeys())).toEqual([1, 3]);
    expect(await result(store.clear())).toBe(undefined);
    expect(await result(store.count())).toBe(0);
  });

  test('hundreds of records keep their order through inserts and range deletes', async () => {
    const keys = Array.from({ length: 500 }, (_, i) => (i * 7919) % 500);
    const db = await lab.filled(keys.map((key) => [key, key]));
    const store = db.transaction('a', 'readwrite').objectStore('a');
    expect(await result(store.getAllKeys())).toEqual([...keys].sort((a, b) => a - b));
    store.delete(KeyRange.bound(60, 300));
    store.delete(KeyRange.bound(310, 311));
    expect(await result(store.count())).toBe(500 - 241 - 2);
    expect(await result(store.getAllKeys(KeyRange.bound(58, 312), 3))).toEqual([58, 59, 301]);
  });

  test('getAllKeys of an impossible query or count is refused', async () => {
    const db = await lab.fresh();
    const store = db.transaction('a').objectStore('a');
    expect(thrownBy(() => store.getAllKeys(null, -1))).toBe('TypeError');
    expect(thrownBy(() => store.getAll([null] as never))).toBe('DataError');
    expect(thrownBy(() => store.get(null as never))).toBe('DataError');
    expect(thrownBy(() => store.get(Number.NaN))).toBe('DataError');
  });

  test('what cannot be: delete of nothing, keys given and not given', async () => {
    const db = await lab.fresh((fresh) => {
      fresh.createObjectStore('a');
      fresh.createObjectStore('inline', { keyPath: 'id' });
    });
    const tx = db.transaction(['a', 'inline'], 'readwrite');
    const plain = tx.objectStore('a');
    const inline = tx.objectStore('inline');
    expect(thrownBy(() => plain.delete(undefined as never))).toBe('DataError');
    expect(thrownBy(() => plain.put(1))).toBe('DataError');
    expect(thrownBy(() => plain.put(1, {} as never))).toBe('DataError');
    expect(thrownBy(() => inline.put({ id: 1 }, 1))).toBe('DataError');
    expect(thrownBy(() => inline.put({}))).toBe('DataError');
    expect(thrownBy(() => inline.put({ id: true }))).toBe('DataError');
    expect(thrownBy(() => inline.put(null))).toBe('DataError');
  });

  test('a readonly idbTx takes no writes', async () => {
    const db = await lab.fresh();
    const store = db.transaction('a').objectStore('a');
    expect(thrownBy(() => store.put(1, 1))).toBe('ReadOnlyError');
    expect(thrownBy(() => store.delete(1))).toBe('ReadOnlyError');
    expect(thrownBy(() => store.clear())).toBe('ReadOnlyError');
  });

  test('values are copied on their way in and on their way out', async () => {
    const db = await lab.fresh();
    const store = db.transaction('a', 'readwrite').objectStore('a');
    const value = { list: [1], bytes: Uint8Array.of(1) };
    store.put(value, 'k');
    value.list.push(2);
    value.bytes[0] = 9;
    const first = (await result(store.get('k'))) as typeof value;
    expect(first).toEqual({ list: [1], bytes: Uint8Array.of(1) });
    first.list.push(3);
    expect(await result(store.get('k'))).toEqual({ list: [1], bytes: Uint8Array.of(1) });
  });

  test('bare buffers are copied', async () => {
    const db = await lab.fresh();
    const store = db.transaction('a', 'readwrite').objectStore('a');
    const bytes = Uint8Array.of(1, 2, 3);
    store.put(bytes.buffer, 'k');
    bytes.fill(9);
    const found = (await result(store.get('k'))) as ArrayBuffer;
    expect([...new Uint8Array(found)]).toEqual([1, 2, 3]);
    new Uint8Array(found).fill(8);
    expect([...new Uint8Array((await result(store.get('k'))) as ArrayBuffer)]).toEqual([1, 2, 3]);
  });

  const values: readonly (readonly [label: string, value: unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['a bigint', 2n ** 70n],
    ['a date', new Date(7)],
    ['a map', new Map([[{ a: 1 }, new Set([1])]])],
    ['a regular expression', /x/g],
    ['an empty buffer', new ArrayBuffer(0)],
    ['a view', Float64Array.of(1, 2)],
    ['a view of a part', Uint8Array.of(1, 2, 3).subarray(1)],
    ['nested arrays', [[], [undefined]]],
  ];
  for (const [label, value] of values) {
    test(`${label} is a value`, async () => {
      const db = await lab.filled([['k', value]]);
      expect(await result(db.transaction('a').objectStore('a').get('k'))).toEqual(value);
    });
  }

  test('what cannot be cloned is refused at once, and the idbTx goes on', async () => {
    const db = await lab.fresh();
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    expect(thrownBy(() => store.put(() => 1, 'k'))).toBe('DataCloneError');
    expect(thrownBy(() => store.put({ f: Symbol('s') }, 'k'))).toBe('DataCloneError');
    store.put(1, 'k');
    expect(await end(tx)).toBe('complete');
  });

  test('shared memory is refused', NO_SHARED_MEMORY, async () => {
    const db = await lab.fresh();
    const store = db.transaction('a', 'readwrite').objectStore('a');
    expect(thrownBy(() => store.put(new SharedArrayBuffer(8), 'k'))).toBe('DataCloneError');
  });

  test('while a value is cloned its idbTx takes no requests', async () => {
    const db = await lab.fresh();
    const store = db.transaction('a', 'readwrite').objectStore('a');
    let inGetter: string | undefined;
    const value = {
      get x() {
        inGetter = thrownBy(() => store.get(1));
        return 1;
      },
    };
    expect(await result(store.put(value, 1))).toBe(1);
    expect(inGetter).toBe('TransactionInactiveError');
  });

  test('key paths: nested, of several parts, into lengths', async () => {
    const db = await lab.fresh((fresh) => {
      fresh.createObjectStore('nested', { keyPath: 'a.b' });
      fresh.createObjectStore('parts', { keyPath: ['x', 'y.z'] });
      fresh.createObjectStore('length', { keyPath: 's.length' });
      fresh.createObjectStore('whole', { keyPath: '' });
    });
    const names = ['nested', 'parts', 'length', 'whole'];
    const tx = db.transaction(names, 'readwrite');
    expect(await result(tx.objectStore('nested').put({ a: { b: 5 } }))).toBe(5);
    expect(await result(tx.objectStore('parts').put({ x: 1, y: { z: 'q' } }))).toEqual([1, 'q']);
    expect(await result(tx.objectStore('length').put({ s: 'four' }))).toBe(4);
    expect(await result(tx.objectStore('whole').put('itself'))).toBe('itself');
    expect(thrownBy(() => tx.objectStore('parts').put({ x: 1 }))).toBe('DataError');
    expect(thrownBy(() => tx.objectStore('nested').put({ a: Object.create({ b: 1 }) }))).toBe(
      'DataError',
    );
  });

  test('a generator counts from 1, and explicit keys move it on', async () => {
    const db = await lab.fresh((fresh) => fresh.createObjectStore('a', { autoIncrement: true }));
    const store = db.transaction('a', 'readwrite').objectStore('a');
    const put = (key?: IDBValidKey) => result(store.put('v', key));
    expect(await put()).toBe(1);
    expect(await put()).toBe(2);
    expect(await put(7.9)).toBe(7.9);
    expect(await put()).toBe(8);
    expect(await put(3)).toBe(3);
    expect(await put('text')).toBe('text');
    expect(await put(-5)).toBe(-5);
    expect(await put()).toBe(9);
    store.clear();
    expect(await put()).toBe(10);
  });

  test('a generator puts its key into the value', async () => {
    const db = await lab.fresh((fresh) =>
      fresh.createObjectStore('a', { autoIncrement: true, keyPath: 'a.id' }),
    );
    const store = db.transaction('a', 'readwrite').objectStore('a');
    const value = {};
    expect(await result(store.add(value))).toBe(1);
    expect(value).toEqual({});
    expect(await result(store.add({ a: { id: 5, x: 1 } }))).toBe(5);
    expect(await result(store.add({ a: { x: 1 } }))).toBe(6);
    expect(await result(store.getAll())).toEqual([
      { a: { id: 1 } },
      { a: { id: 5, x: 1 } },
      { a: { id: 6, x: 1 } },
    ]);
    expect(thrownBy(() => store.add({ a: 1 }))).toBe('DataError');
    expect(thrownBy(() => store.add(1))).toBe('DataError');
  });

  test('an aborted idbTx gives its generated keys back', async () => {
    const db = await lab.fresh((fresh) => fresh.createObjectStore('a', { autoIncrement: true }));
    const tx = db.transaction('a', 'readwrite');
    expect(await result(tx.objectStore('a').add('x'))).toBe(1);
    tx.abort();
    await end(tx);
    expect(await result(db.transaction('a', 'readwrite').objectStore('a').add('y'))).toBe(1);
  });

  test('a generator that reached 2^53 has no more keys', async () => {
    const db = await lab.fresh((fresh) => fresh.createObjectStore('a', { autoIncrement: true }));
    const tx = db.transaction('a', 'readwrite');
    const store = tx.objectStore('a');
    store.put('x', 2 ** 53);
    const request = store.put('y');
    request.onerror = (event) => event.preventDefault();
    expect(await errorOf(request)).toBe('ConstraintError');
    expect(await result(store.put('z', 'explicit'))).toBe('explicit');
  });
}
