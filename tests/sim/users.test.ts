/** Programs that were not written for the simulation run on it: idb, and wa-sqlite's own IDB code. */

import * as example from '@journeyapps/wa-sqlite/src/examples/IDBBatchAtomicVFS.js';
import { deleteDB, openDB, unwrap } from 'idb';
import { afterEach, describe, expect, test } from 'vitest';
import { editRecords, installGlobals, SimulatedIndexedDB } from '../../src/testing/index.js';
import { DB, getAll, openDatabase, put } from '../support/sim-dsl.ts';

/** Stores whose methods answer with promises. */
type Stores = Record<'blocks' | 'metadata', Record<string, (...args: unknown[]) => unknown>>;

interface Context {
  q(
    run: (stores: Stores) => unknown,
    mode?: 'rw',
    options?: IDBTransactionOptions,
  ): Promise<unknown>;
  sync(durable: boolean): Promise<void>;
  close(): void;
}

const { IDBContext } = example as object as {
  readonly IDBContext: { create(name: string): Promise<Context> };
};

let uninstall = () => {};
afterEach(() => uninstall());

describe('globals', () => {
  test('are there after installing and gone after uninstalling', () => {
    const names = ['indexedDB', 'IDBKeyRange', 'IDBRequest', 'IDBVersionChangeEvent'];
    const sim = new SimulatedIndexedDB();
    uninstall = installGlobals(sim);
    expect(names.filter((name) => name in globalThis)).toEqual(names);
    expect(indexedDB).toBe(sim);
    expect(indexedDB).toBeInstanceOf(IDBFactory);
    expect(indexedDB.open('x')).toBeInstanceOf(IDBOpenDBRequest);
    expect(indexedDB.open('x')).toBeInstanceOf(IDBRequest);
    expect(IDBKeyRange.only(1)).toBeInstanceOf(IDBKeyRange);
    uninstall();
    expect(names.filter((name) => name in globalThis)).toEqual([]);
  });
});

describe('idb', () => {
  test('wraps requests, idbTxs, cursors and shortcuts', async () => {
    uninstall = installGlobals(new SimulatedIndexedDB());
    const db = await openDB('idb', 1, {
      upgrade: (fresh) => {
        fresh.createObjectStore('a', { keyPath: 'id' }).createIndex('i', 'x');
      },
    });
    await db.put('a', { id: 1, x: 'p' });
    await db.put('a', { id: 2, x: 'q' });
    expect(await db.getFromIndex('a', 'i', 'q')).toEqual({ id: 2, x: 'q' });
    const tx = db.transaction('a', 'readwrite');
    for await (const cursor of tx.store.iterate()) {
      await cursor.update({ ...cursor.value, seen: true });
    }
    await tx.done;
    expect(await db.getAll('a')).toEqual([
      { id: 1, x: 'p', seen: true },
      { id: 2, x: 'q', seen: true },
    ]);
    const failing = db.transaction('a', 'readwrite');
    const done = failing.done.catch((error: DOMException) => error.name);
    await expect(failing.store.add({ id: 1 })).rejects.toThrow();
    // idb rejects at the `error` event, before the idbTx has an error of its own.
    expect(await done).toBe('AbortError');
    expect(unwrap(db)).toBeInstanceOf(IDBDatabase);
    db.close();
    await deleteDB('idb');
  });
});

describe('the IDBContext of wa-sqlite', () => {
  test('keeps its queries in order, in idbTxs that live across them', async () => {
    const sim = new SimulatedIndexedDB();
    uninstall = installGlobals(sim);
    const context = await IDBContext.create('wa');
    const block = (offset: number, version: number) => ({
      path: '/db',
      offset,
      version,
      data: [1],
    });
    void context.q(({ blocks }) => blocks['put']?.(block(0, 1)), 'rw', { durability: 'strict' });
    void context.q(({ blocks }) => blocks['put']?.(block(-4096, 1)), 'rw', {
      durability: 'strict',
    });
    void context.q(
      ({ blocks, metadata }) => {
        blocks['delete']?.(IDBKeyRange.bound(['/db', 0, 0], ['/db', 0, 9]));
        metadata['put']?.({ name: '/db', fileSize: 4096, version: 1 });
      },
      'rw',
      { durability: 'strict' },
    );
    await context.sync(true);
    expect(await context.q(({ metadata }) => metadata['get']?.('/db'))).toEqual({
      name: '/db',
      fileSize: 4096,
      version: 1,
    });
    expect(await context.q(({ blocks }) => blocks['getAllKeys']?.())).toEqual([['/db', -4096, 1]]);
    context.close();
    expect(sim.outcomes('power')).toHaveLength(1);
  });
});

describe('editRecords', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values).buffer;

  async function three() {
    const sim = new SimulatedIndexedDB();
    const db = await openDatabase(sim);
    await put(db, [1, bytes(1)]);
    await put(db, [2, bytes(2, 2)]);
    const [before] = sim.outcomes('process');
    await put(db, [1, bytes(9)]);
    const [outcome] = sim.outcomes('process');
    if (!before || !outcome) throw new Error('no outcome');
    return { sim, before, outcome, editor: editRecords(outcome, DB) };
  }

  test('flips, truncates, drops, duplicates, swaps and makes stale', async () => {
    const { sim, before, outcome, editor } = await three();
    const edits = {
      flip: editRecords(outcome, DB).flipBit('a', 2, 9),
      truncate: editRecords(outcome, DB).truncate('a', 2, 1),
      drop: editRecords(outcome, DB).drop('a', 1),
      duplicate: editRecords(outcome, DB).duplicate('a', 1, 3),
      swap: editRecords(outcome, DB).swap('a', 1, 2),
      stale: editRecords(outcome, DB).makeStale('a', 1, before),
    };
    const found: Record<string, number[][]> = {};
    for (const [name, edited] of Object.entries(edits)) {
      const db = await openDatabase(sim.fork(edited.outcome()));
      const values = (await getAll(db)) as ArrayBuffer[];
      found[name] = values.map((value) => [...new Uint8Array(value)]);
    }
    expect(found).toEqual({
      flip: [[9], [2, 0]],
      truncate: [[9], [2]],
      drop: [[2, 2]],
      duplicate: [[9], [2, 2], [9]],
      swap: [[2, 2], [9]],
      stale: [[1], [2, 2]],
    });
    expect(editor.keys('a')).toEqual([1, 2]);
    expect(editor.stores()).toEqual(['a', 'b']);
  });

  test('refuses what is not there', async () => {
    const { editor } = await three();
    expect(() => editor.drop('a', 7)).toThrow(RangeError);
    expect(() => editor.drop('z', 1)).toThrow(RangeError);
    expect(() => editor.flipBit('a', 1, 8)).toThrow(RangeError);
    expect(() => editor.set('a', 5, 'text').flipBit('a', 5, 0)).toThrow(TypeError);
  });
});
