/**
 * What is interrupted halfway is either done or not begun: the first opening of a volume, the making
 * and the deletion of a file, reclaim.
 *
 * Method: each is a workload that is crashed after every turn, under every outcome, and recovered from;
 * then the records that are left are counted.
 */
import { expect, test } from 'vitest';
import {
  type CrashPlan,
  editRecords,
  everyCrashPoint,
  type Outcome,
  SimulatedIndexedDB,
} from '../../src/testing/index.js';
import { after, blocks, committed, keysOf, open, outcomeOf, PATH } from '../support/damaged.ts';
import { useGlobals } from '../support/globals.ts';
import { type Store, VOLUME } from '../support/store-dsl.ts';

const OTHER = 'two.db';
const FILE = 1;

useGlobals();

/** @returns how many recoveries were checked */
async function expectNoViolation<T>(
  plan: CrashPlan<string, T>,
  options: { readonly from?: Outcome },
): Promise<number> {
  const { violations, recoveries } = await everyCrashPoint(plan, { ...options, depth: 2 });
  expect(violations.map(({ line, error }) => `${line} ${String(error)}`)).toEqual([]);
  return recoveries;
}

/** Ids of the files that have anything in the store. */
function idsOf(outcome: Outcome): Set<number> {
  const keys = ['segments', 'commits', 'maps'].flatMap((store) => keysOf(outcome, store));
  return new Set(keys.map((key) => (key as number[])[0] as number));
}

test('a deletion: the file is whole or gone, and nothing of it is left for the next one', async () => {
  const whole = await committed([blocks(0, 300, 1), blocks(0, 20, 2)]);
  const from = await after((s) => s.rollBack([blocks(0, 300, 3)], 'late'), { from: whole });
  const recoveries = await expectNoViolation<Store>(
    {
      workload: async ({ factory, acknowledge }) => {
        const store = await open(factory, { paths: [] });
        await store.volume.delete(PATH);
        acknowledge('deleted');
      },
      recover: (factory) => open(factory, { context: 2 }),
      check: async ({ recovered, factory, acknowledged }) => {
        const { version, marks } = await recovered.read(PATH);
        if (version > 0) {
          expect(acknowledged).toEqual([]);
          expect({ version, blocks: marks.length }).toEqual({ version: 2, blocks: 300 });
        } else {
          expect([...idsOf(await outcomeOf(factory))]).toEqual([]);
        }
        await recovered.commit([blocks(0, 2, 4)], 'strict');
        expect(await recovered.verify(PATH)).toEqual([]);
        const own = recovered.file(PATH).file;
        expect(own).toBe(version > 0 ? FILE : FILE + 1);
        expect([...idsOf(await outcomeOf(factory))]).toEqual([own]);
        await recovered.close();
      },
    },
    { from },
  );
  expect(recoveries).toBeGreaterThan(2);
});

test('a deletion does not take the file that another context made at the same path', async () => {
  const factory = new SimulatedIndexedDB(
    { seed: 1 },
    (await committed([blocks(0, 2, 1)])).databases,
  );
  const slow = await open(factory, { paths: [] });
  const read = slow.volume.connection.read.bind(slow.volume.connection);
  let remade = false;
  slow.volume.connection.read = async (stores, body) => {
    const found = await read(stores, body);
    if (remade) return found;
    remade = true;
    const quick = await open(factory, { paths: [], context: 2 });
    await quick.volume.delete(PATH);
    await quick.close();
    const again = await open(factory, { context: 3 });
    await again.commit([blocks(0, 2, 2)], 'strict');
    await again.close();
    return found;
  };
  await expect(slow.volume.delete(PATH)).rejects.toMatchObject({ code: 'BUSY' });
  await slow.close();
  const store = await open(factory, { context: 4 });
  expect((await store.read(PATH)).marks).toEqual([2 * 65536, 2 * 65536 + 1]);
  await store.close();
});

// Format 1 is the first: an upgrade to it is the creation of the volume, one idbTx of the browser's.
test('the first opening, and the making of a file: a volume is there whole or not at all', async () => {
  const recoveries = await expectNoViolation<Store>(
    {
      workload: async ({ factory, acknowledge }) => {
        const store = await open(factory, { paths: [PATH, OTHER] });
        await store.commit([blocks(0, 2, 1), blocks(0, 2, 1, OTHER)], 'strict');
        acknowledge('committed');
      },
      recover: (factory) => open(factory, { paths: [PATH, OTHER], context: 2 }),
      check: async ({ recovered, factory, acknowledged }) => {
        const contents = [await recovered.read(PATH), await recovered.read(OTHER)];
        const versions = contents.map(({ version }) => version);
        expect([
          [0, 0],
          [1, 1],
        ]).toContainEqual(versions);
        if (acknowledged.length > 0) expect(versions).toEqual([1, 1]);
        await recovered.commit([blocks(0, 2, 2), blocks(0, 2, 2, OTHER)], 'strict');
        for (const path of [PATH, OTHER]) expect(await recovered.verify(path)).toEqual([]);
        expect(idsOf(await outcomeOf(factory)).size).toBe(2);
        await recovered.close();
      },
    },
    {},
  );
  expect(recoveries).toBeGreaterThan(4);
});

test('reclaim: what is superseded goes with the checkpoint that gives it up, or stays', async () => {
  const LAST = 190;
  const changes = Array.from({ length: LAST }, (_, i) => blocks((i * 3) % 20, 3, i + 1));
  const from = await committed(changes);
  const before = keysOf(from, 'segments').length;
  let least = before;
  const recoveries = await expectNoViolation<Store>(
    {
      workload: async ({ factory, acknowledge }) => {
        const store = await open(factory);
        for (let i = 1; i <= 6; i++) {
          await store.commit([blocks(i, 3, LAST + i)], 'strict');
          acknowledge(`commit ${i}`);
        }
      },
      recover: (factory) => open(factory, { context: 2 }),
      check: async ({ recovered, factory, acknowledged }) => {
        const { version, marks } = await recovered.read(PATH);
        expect(version).toBeGreaterThanOrEqual(LAST + acknowledged.length);
        const expected = model(version);
        expect(marks).toEqual(expected);
        expect(await recovered.verify(PATH)).toEqual([]);
        least = Math.min(least, keysOf(await outcomeOf(factory), 'segments').length);
        await recovered.close();
      },
    },
    { from },
  );
  expect(recoveries).toBeGreaterThan(6);
  expect(least).toBeLessThan(before - 32);

  function model(version: number): (number | undefined)[] {
    const marks: (number | undefined)[] = [];
    const more = Array.from({ length: 6 }, (_, i) => blocks(i + 1, 3, LAST + i + 1));
    for (const { writes } of [...changes, ...more].slice(0, version)) {
      for (const [block, mark] of writes) marks[block] = mark;
    }
    return Array.from(marks);
  }
});

test('a database that is not a volume is refused as it is', async () => {
  const factory = new SimulatedIndexedDB({ seed: 1 });
  await new Promise((resolve) => {
    const request = factory.open(VOLUME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore('theirs').put('text', 1);
    request.onsuccess = () => {
      request.result.close();
      resolve(undefined);
    };
  });
  const before = await outcomeOf(factory);
  await expect(open(factory)).rejects.toMatchObject({ code: 'NOT_A_VOLUME' });
  const left = await outcomeOf(factory);
  expect(left.databases.get(VOLUME)).toBe(before.databases.get(VOLUME));
  expect(editRecords(left, VOLUME).get('theirs', 1)).toBe('text');
});
