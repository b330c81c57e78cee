/**
 * P13: without room a commit fails as SQLITE_FULL, the database is intact, and deleting still works.
 *
 * Method: a workload whose room ends after any number of bytes, noticed at a put or at the commit.
 */
import { describe, expect, test } from 'vitest';
import { QuotaError } from '../../src/errors.js';
import { SQLITE_FULL } from '../../src/result-codes.js';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import { blocks, expectFiles, PATHS } from '../support/crash-plan.ts';
import { FAULT_STEPS, runWithFault } from '../support/fault-run.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, VOLUME } from '../support/store-dsl.ts';
import { StoreModel } from '../support/store-model.ts';

useGlobals();

const PLACES = ['put', 'commit'] as const;
const MODEL = new StoreModel(PATHS, FAULT_STEPS);

describe.each(PLACES)('room that ends is noticed at a %s', { timeout: 120_000 }, (noticedAt) => {
  test('after any number of bytes: one SQLITE_FULL, and all goes on when there is room', async () => {
    let full = 0;
    // The workload adds about 150,000 bytes; its records are small, so the first ones go by tens.
    for (let bytesLeft = 0; bytesLeft < 150_000; bytesLeft += bytesLeft < 4000 ? 40 : 4000) {
      const { errors } = await runWithFault((sim) => {
        sim.quota = { bytes: sim.usedBytes + bytesLeft, noticedAt };
        return () => {
          sim.quota = undefined;
        };
      });
      for (const error of errors) {
        expect(error).toBeInstanceOf(QuotaError);
        expect((error as QuotaError).sqliteCode).toBe(SQLITE_FULL);
      }
      full += errors.length;
    }
    expect(full).toBeGreaterThan(100);
  });

  test('nothing fits any more: what is there can be read, and deleting makes room', async () => {
    const sim = new SimulatedIndexedDB({ trace: false });
    const store = await Store.open({ factory: sim, paths: PATHS });
    for (const { changes, durability } of FAULT_STEPS) await store.commit(changes, durability);
    sim.quota = { bytes: sim.usedBytes, noticedAt };
    const more = [blocks('two.db', 0, 40, 9)];
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(store.commit(more, 'strict')).rejects.toBeInstanceOf(QuotaError);
      await expectFiles(store, MODEL.at(FAULT_STEPS.length), 'a commit without room');
    }
    await store.close();
    const again = await Store.open({ factory: sim, paths: ['two.db'] });
    expect(await again.volume.delete('one.db')).toBe(true);
    await again.commit(more, 'strict');
    expect((await again.read('two.db')).marks[0]).toBe(9 * 4096);
    await again.close();
  });
});

test('null control: with room there is no error, and without any the volume cannot be made', async () => {
  expect((await runWithFault(() => undefined)).errors).toEqual([]);
  const sim = new SimulatedIndexedDB({ trace: false });
  sim.quota = { bytes: 10, noticedAt: 'put' };
  await expect(Store.open({ factory: sim, paths: [] })).rejects.toBeInstanceOf(QuotaError);
  expect(sim.outcomes('process')[0]?.databases.has(VOLUME)).toBe(false);
});
