/** One seed, one trace (P14); and what the seed decides. */
import { expect, test } from 'vitest';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import { ended, openDatabase, put, startPut } from '../support/sim-dsl.ts';

async function run(seed: number, value = 'x'): Promise<SimulatedIndexedDB> {
  const sim = new SimulatedIndexedDB({ seed });
  const db = await openDatabase(sim);
  const other = await openDatabase(sim.openTab());
  const pending = [
    startPut(db, [1, value], { store: 'a' }),
    startPut(other, [1, 'y'], { store: 'b' }),
    startPut(db, [2, 'z'], { store: 'a', durability: 'relaxed' }),
  ];
  await Promise.all(pending.map(ended));
  sim.forceClose();
  await sim.idle();
  return sim;
}

test('the same seed gives the same trace, turn for turn', async () => {
  for (const seed of [1, 2, 3]) {
    const [one, two] = [await run(seed), await run(seed)];
    expect(one.trace()).toEqual(two.trace());
    expect(one.traceHash()).toBe(two.traceHash());
    expect(one.trace()).toHaveLength(one.turn);
  }
});

test('another value, or another seed, gives another trace', async () => {
  expect((await run(1, 'other')).traceHash()).not.toBe((await run(1)).traceHash());
  const hashes = new Set<string>();
  for (let seed = 0; seed < 10; seed++) hashes.add((await run(seed)).traceHash());
  expect(hashes.size).toBeGreaterThan(5);
});

test('independent idbTxs complete in an order the seed draws, dependent ones in theirs', async () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const sim = new SimulatedIndexedDB({ seed });
    const db = await openDatabase(sim);
    const order: string[] = [];
    const start = (label: string, store: string) => {
      const tx = startPut(db, [1, label], { store });
      return ended(tx).then(() => order.push(label));
    };
    await Promise.all([start('a1', 'a'), start('b', 'b'), start('a2', 'a')]);
    expect(order.indexOf('a1')).toBeLessThan(order.indexOf('a2'));
    orders.add(order.join(' '));
  }
  expect([...orders].sort()).toEqual(['a1 a2 b', 'a1 b a2', 'b a1 a2']);
});

test('without a trace the turns are the same', async () => {
  const turns = [];
  for (const trace of [true, false]) {
    const sim = new SimulatedIndexedDB({ seed: 5, trace });
    await put(await openDatabase(sim), [1, 'x']);
    turns.push(sim.turn);
    expect(sim.trace().length > 0).toBe(trace);
  }
  expect(turns[0]).toBe(turns[1]);
});

test('after halt nothing is answered any more', async () => {
  const sim = new SimulatedIndexedDB();
  const db = await openDatabase(sim);
  let answered = false;
  put(db, [1, 'x']).then(
    () => {
      answered = true;
    },
    () => undefined,
  );
  sim.halt();
  const { turn } = sim;
  await sim.idle();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([answered, sim.turn]).toEqual([false, turn]);
});
