/** Damage of stored records: what is left open is drawn, and nothing but that is hit. */
import { expect, test } from 'vitest';
import {
  type Damage,
  damageRecord,
  editRecords,
  FaultInjector,
  FaultyLocks,
  SimulatedIndexedDB,
} from '../../src/testing/index.js';

/** Values of many shapes, under keys of many kinds. */
const RECORDS: readonly (readonly [key: IDBValidKey, value: unknown])[] = [
  [1, new Uint8Array([1, 2, 3])],
  [new Date(5), new Uint16Array([7, 8]).buffer],
  ['text', 'some text, 𝒢 included'],
  [new Uint8Array([1]).buffer, 12.5],
  [[1, 'a'], { note: 'small', data: new Float64Array([1, 2]), list: [1, [new Uint8Array(4)]] }],
  [[1, 'b'], { name: 'long enough', size: 3 }],
  [-3, [10, 20]],
];

async function filled(): Promise<SimulatedIndexedDB> {
  const sim = new SimulatedIndexedDB();
  const request = sim.open('db', 1);
  request.onupgradeneeded = () => {
    const plain = request.result.createObjectStore('plain');
    for (const [key, value] of RECORDS) plain.put(value, key);
    const inline = request.result.createObjectStore('inline', { keyPath: ['path', 'at.offset'] });
    for (let offset = 0; offset < 4; offset++) {
      const data = new Uint8Array(8).fill(offset + 1);
      inline.put({ path: 'a file with a long name', at: { offset }, data });
    }
  };
  await new Promise((resolve) => {
    request.onsuccess = resolve;
  });
  request.result.close();
  return sim;
}

/** Every record as text: what it is, and what is in it. */
function picture(sim: SimulatedIndexedDB): Map<string, string> {
  const [outcome] = sim.outcomes('process');
  if (!outcome) throw new RangeError('no outcome');
  const editor = editRecords(outcome, 'db');
  return new Map(
    editor
      .stores()
      .flatMap((store) =>
        editor
          .keys(store)
          .map((key) => [`${store} ${text(key)}`, text(editor.get(store, key))] as const),
      ),
  );
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof ArrayBuffer) return `buffer ${new Uint8Array(part).join(' ')}`;
    if (!ArrayBuffer.isView(part)) return part;
    const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    return `${part.constructor.name} ${bytes.join(' ')}`;
  });
}

const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);

test.each([
  ['record-dropped', -1],
  ['record-duplicated', 1],
  ['bit-flip', 0],
  ['truncation', 0],
  ['wrong-type', 0],
] as const)('%s hits one record, any of them, the same for the same seed', async (tag, more) => {
  const hit = new Set<string>();
  for (const seed of SEEDS) {
    const sim = await filled();
    const before = picture(sim);
    const done = await damageRecord(sim, 'db', { tag }, { seed });
    const after = picture(sim);
    expect(after.size, `seed ${seed}`).toBe(before.size + more);
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
      (key) => before.get(key) !== after.get(key),
    );
    const place = `${done.store} ${text(done.to ?? done.key)}`;
    expect(changed, `seed ${seed}`).toEqual([place]);
    hit.add(place);
    const again = await filled();
    expect(await damageRecord(again, 'db', { tag }, { seed })).toEqual(done);
    expect(picture(again)).toEqual(after);
  }
  expect(hit.size).toBeGreaterThan(5);
});

test.each([
  [{ tag: 'bit-flip', key: 1, bit: 17 }, 'Uint8Array 1 2 1'],
  [
    { tag: 'bit-flip', key: [1, 'b'], bit: 0 },
    { name: 'mong enough', size: 3 },
  ],
  [{ tag: 'bit-flip', key: new Uint8Array([1]), bit: 63 }, -12.5],
  [{ tag: 'truncation', key: 'text', length: 4 }, 'some'],
  [{ tag: 'truncation', key: new Date(5), length: 3 }, 'buffer 7 0 8'],
  [{ tag: 'wrong-type', key: 'text' }, 0],
  [{ tag: 'wrong-type', key: 1, value: null }, 'of another type'],
  [{ tag: 'wrong-type', key: -3, value: 'two' }, ['two', 20]],
] as const)('%j does just that', async (damage, expected) => {
  const sim = await filled();
  const done = await damageRecord(sim, 'db', { ...damage, store: 'plain' } as Damage);
  expect(picture(sim).get(`plain ${text(done.key)}`)).toBe(JSON.stringify(expected));
});

test('a store is cleared, and no other', async () => {
  const sim = await filled();
  await damageRecord(sim, 'db', { tag: 'store-cleared', store: 'inline' });
  expect(picture(sim).size).toBe(RECORDS.length);
  await damageRecord(sim, 'db', { tag: 'store-cleared' });
  expect(picture(sim).size).toBe(0);
});

test('a duplicate has the key in its value where the store has it there', async () => {
  const sim = await filled();
  const key = ['a file with a long name', 3];
  const damage = { tag: 'record-duplicated', store: 'inline', key } as const;
  expect((await damageRecord(sim, 'db', damage)).to).toEqual([key[0], 4]);
  const copy = picture(sim).get(`inline ${text([key[0], 4])}`);
  expect(copy).toContain('"offset":4');
  expect(copy).toContain('Uint8Array 4 4');
});

test('without a victim, or a history, it is refused', async () => {
  const sim = await filled();
  const before = picture(sim);
  const code = (expected: string) => expect.objectContaining({ code: expected });
  const missing: Damage = { tag: 'bit-flip', store: 'plain', key: 'nobody' };
  await expect(damageRecord(sim, 'db', missing)).rejects.toThrow(code('NO_VICTIM'));
  const tooLong: Damage = { tag: 'truncation', store: 'plain', key: 1, length: 3 };
  await expect(damageRecord(sim, 'db', tooLong)).rejects.toThrow(code('NO_VICTIM'));
  const stale: Damage = { tag: 'record-stale' };
  await expect(damageRecord(sim, 'db', stale)).rejects.toThrow(code('NEEDS_HISTORY'));
  const faults = new FaultInjector(sim, { history: true });
  await expect(faults.damage('db', stale)).rejects.toThrow(code('NO_VICTIM'));
  expect(picture(sim)).toEqual(before);
});

test('where there is no IndexedDB or no locks, that is said', () => {
  expect(() => new FaultInjector()).toThrow(expect.objectContaining({ code: 'NO_FACTORY' }));
  expect(() => new FaultyLocks(undefined)).toThrow(expect.objectContaining({ code: 'NO_FACTORY' }));
});
