/** What the simulated medium keeps and loses in a crash. */
import { describe, expect, test } from 'vitest';
import { type Outcome, SimulatedIndexedDB } from '../../src/testing/index.js';
import {
  contentOf,
  contents,
  DB,
  ended,
  openDatabase,
  outcomesAfter,
  put,
  startPut,
  turnOf,
} from '../support/sim-dsl.ts';

describe('a crash', () => {
  test('of the process keeps every completed idbTx', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 'x'], { durability: 'relaxed' });
    await put(db, [2, 'y'], { durability: 'default' });
    expect(await contents(sim, 'process')).toEqual(['x y']);
  });

  test('of the power may lose any suffix of what was not strict, and leaves no hole', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 's']);
    for (const [i, value] of ['x', 'y', 'z'].entries()) {
      await put(db, [i + 2, value], { durability: 'relaxed' });
    }
    expect(await contents(sim, 'power')).toEqual(['s x y z', 's x y', 's x', 's']);
  });

  test('of the power keeps everything up to a strict idbTx, other stores included', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 'x'], { durability: 'relaxed' });
    await put(db, [1, 'y'], { store: 'b', durability: 'strict' });
    expect(await contents(sim, 'power')).toEqual(['x y']);
  });

  test('of the power may lose a database that was only just created', async () => {
    const sim = new SimulatedIndexedDB();
    await openDatabase(sim);
    expect(await contents(sim, 'power')).toEqual(['', 'nothing']);
  });

  test('a strict idbTx that changed nothing makes nothing durable', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 'x'], { durability: 'relaxed' });
    await ended(db.transaction('a', 'readwrite', { durability: 'strict' }));
    expect(await contents(sim, 'power')).toEqual(['x', '', 'nothing']);
  });

  test('before the commit window an idbTx is lost, in it both may be, after it it is kept', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 'x']);
    await sim.idle();
    const after = ['put', 'commit begins', 'commit lands', 'complete'].map((text) =>
      outcomesAfter(sim, text),
    );
    await put(db, [2, 'y']);
    await sim.idle();
    expect(await Promise.all(after.map((of) => of('process')))).toEqual([
      ['x'],
      ['x', 'x y'],
      ['x y'],
      ['x y'],
    ]);
    expect(await Promise.all(after.map((of) => of('power')))).toEqual([
      ['x'],
      ['x', 'x y'],
      ['x y', 'x'],
      ['x y'],
    ]);
  });

  test('two idbTxs in their windows: none, either, both', async () => {
    const found = new Set<string>();
    // Whether both windows are open at once is the seed's choice.
    for (let seed = 1; seed < 10; seed++) {
      const sim = new SimulatedIndexedDB({ seed });
      const db = await openDatabase(sim);
      await put(db, [0, 's']);
      startPut(db, [1, 'x'], { store: 'a' });
      startPut(db, [1, 'y'], { store: 'b' });
      const most: Outcome[][] = [];
      sim.onTurn(() => most.push(sim.outcomes('process')));
      await sim.idle();
      most.sort((a, b) => b.length - a.length);
      for (const outcome of most[0] ?? []) found.add(await contentOf(sim, outcome));
    }
    expect([...found].sort()).toEqual(['s', 's x', 's x y', 's y']);
  });

  test('an idbTx that aborts leaves nothing', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 'x']);
    const tx = startPut(db, [2, 'y']);
    await turnOf(sim, 'put');
    tx.abort();
    await sim.idle();
    expect(await contents(sim, 'process')).toEqual(['x']);
  });

  test('databases are lost and kept independently of each other', async () => {
    const sim = new SimulatedIndexedDB();
    const one = await openDatabase(sim, { name: 'one' });
    const two = await openDatabase(sim, { name: 'two' });
    await put(one, [1, 'x']);
    await put(two, [1, 'x']);
    await put(one, [2, 'y'], { durability: 'relaxed' });
    await put(two, [2, 'y'], { durability: 'relaxed' });
    expect(sim.outcomes('process')).toHaveLength(1);
    expect(sim.outcomes('power').map(({ description }) => description)).toEqual([
      'one: all two: all',
      'one: all two: lost 1',
      'one: lost 1 two: all',
      'one: lost 1 two: lost 1',
    ]);
  });

  test('a deleted database is gone, or still there after a power cut', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 'x']);
    db.close();
    sim.deleteDatabase(DB);
    await sim.idle();
    expect(await contents(sim, 'process')).toEqual(['nothing']);
    expect(await contents(sim, 'power')).toEqual(['nothing', 'x']);
  });

  test('outcomes of a moment stay what they were, whatever happens later', async () => {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, 'x']);
    const [before] = sim.outcomes('process');
    await put(db, [1, 'changed']);
    if (!before) throw new Error('no outcome');
    const fork = sim.fork(before);
    const other = await openDatabase(fork);
    await put(other, [2, 'y']);
    expect(await contents(fork, 'process')).toEqual(['x y']);
    expect(await contents(sim, 'process')).toEqual(['changed']);
  });
});
