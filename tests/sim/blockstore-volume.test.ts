/**
 * A volume that is damaged, lost or changed by others while it is open (P4, P5, P9).
 */
import { describe, expect, test } from 'vitest';
import { CorruptionError } from '../../src/errors.js';
import { decodeFile, encodeFile } from '../../src/format/files.js';
import { FaultInjector } from '../../src/testing/index.js';
import { settle } from '../support/connection-lab.ts';
import {
  blocks,
  committed,
  edited,
  keysOf,
  LOST,
  open,
  outcomeOf,
  PATH,
  simulated,
} from '../support/damaged.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, VOLUME } from '../support/store-dsl.ts';

const OTHER = 'two.db';

useGlobals();

const paths = [PATH, OTHER];
const two = async () => await committed([blocks(0, 2, 1), blocks(0, 2, 2, OTHER)], { paths });
const STORES = ['segments', 'commits', 'maps'];

/** Keys of a file's records, by its id. */
const left = async (factory: Parameters<typeof outcomeOf>[0], id: number) => {
  const outcome = await outcomeOf(factory);
  return STORES.flatMap((store) =>
    keysOf(outcome, store).filter((key) => (key as number[])[0] === id),
  );
};

describe('a volume record that is', () => {
  test.each([
    ['lost', undefined],
    ['damaged', new ArrayBuffer(8)],
  ])('%s keeps the volume shut, and nothing holds on to it', async (_how, value) => {
    const outcome = edited(await two(), (r) =>
      value ? r.set('files', '', value) : r.drop('files', ''),
    );
    const factory = simulated(outcome);
    const faults = new FaultInjector(factory);
    const opening = open(faults.factory, { paths: [] });
    const location = { volume: VOLUME, store: 'files', key: '' };
    await expect(opening).rejects.toMatchObject({ code: 'CORRUPTION', location });
    expect(faults.count(({ kind }) => kind === 'close')).toBe(1);
  });
});

test('a lost connection makes every open file look again, and is told', async () => {
  const faults = new FaultInjector(simulated(await two()));
  const told: string[] = [];
  const store = await Store.open({
    factory: faults.factory,
    paths,
    onConnection: (what) => told.push(what),
  });
  const files = paths.map((path) => store.file(path));
  expect(files.map(({ suspect }) => suspect)).toEqual([false, false]);
  faults.closeAll();
  await settle();
  expect(files.map(({ suspect }) => suspect)).toEqual([true, true]);
  expect(told).toEqual(['lost']);
  const { recovery } = store.file(PATH);
  expect((await store.read(PATH)).version).toBe(1);
  expect(store.file(PATH).recovery).not.toBe(recovery);
  expect(told).toEqual(['lost', 'healed']);
});

test('what is no path is not listed', async () => {
  const outcome = edited(await two(), (r) => r.set('files', 7, 'text'));
  const { volume } = await open(simulated(outcome), { paths: [] });
  expect(await volume.list()).toEqual([PATH, OTHER]);
});

describe('a file is deleted', () => {
  test('with all that is its own, and nothing else', async () => {
    const factory = simulated(await two());
    const { volume } = await open(factory, { paths: [] });
    const others = await left(factory, 2);
    expect(others.length).toBeGreaterThan(1);
    expect(await volume.delete(PATH)).toBe(true);
    expect(await left(factory, 1)).toEqual([]);
    expect(await left(factory, 2)).toEqual(others);
    expect(await volume.list()).toEqual([OTHER]);
  });

  test('not if its record is damaged: nobody knows which it is', async () => {
    const outcome = edited(await two(), (r) => r.set('files', PATH, new ArrayBuffer(8)));
    const factory = simulated(outcome);
    const { volume } = await open(factory, { paths: [] });
    const location = { volume: VOLUME, store: 'files', key: PATH };
    await expect(volume.delete(PATH)).rejects.toMatchObject({ location });
    expect((await outcomeOf(factory)).databases.get(VOLUME)).toBe(outcome.databases.get(VOLUME));
  });

  test.each([
    ['is another file', true],
    ['is damaged', false],
  ])('not if the path %s by then', async (_what, anew) => {
    const factory = simulated(await two());
    const { volume } = await open(factory, { paths: [] });
    const { connection } = volume;
    const write = connection.write.bind(connection);
    connection.write = async (...args) => {
      await write(['files'], 'strict', (r) => {
        const request = r.get('files', OTHER);
        request.onsuccess = () => {
          r.put('files', PATH, anew ? renamed(request.result) : new ArrayBuffer(8));
        };
      });
      await write(...args);
    };
    const before = await left(factory, 1);
    await expect(volume.delete(PATH)).rejects.toMatchObject({ code: 'BUSY' });
    expect(await left(factory, 1)).toEqual(before);
    expect(await volume.list()).toEqual([PATH, OTHER]);
  });

  /** The record of the other file, under this path. */
  function renamed(value: unknown): ArrayBuffer {
    const decoded = decodeFile(value, OTHER);
    if (!decoded.ok) throw new Error('no file record');
    return encodeFile({ ...decoded.value, path: PATH });
  }
});

test('a volume that is closed lets go, also when an acknowledged commit was lost', async () => {
  const factory = simulated(await two());
  const store = await open(factory);
  factory.faults = {
    commit: ({ mode }) =>
      mode === 'readwrite' ? new DOMException('on purpose', 'QuotaExceededError') : undefined,
  };
  await store.commit([blocks(0, 1, 3)], 'deferred');
  await expect(store.close()).rejects.toMatchObject({ code: 'QUOTA' });
  expect(store.volume.connection.isShut).toBe(true);
});

test('a file whose record is lost is not made anew over its commits', async () => {
  const { volume } = await open(simulated(LOST.inflict(await two(), 'files', PATH)), { paths: [] });
  await expect(volume.acquire(PATH, true)).rejects.toThrow(CorruptionError);
  expect(volume.openFiles()).toEqual([]);
});

test('a file that one more user retains is open until he releases it, too', async () => {
  const { volume } = await open(simulated(await two()), { paths: [] });
  const file = await volume.acquire(PATH, false);
  if (!file) throw new Error('there is no file');
  volume.retain(file);
  volume.release(file);
  expect(volume.openFiles()).toEqual([file]);
  volume.release(file);
  expect(volume.openFiles()).toEqual([]);
  // One that is not open any more is nobody's to retain.
  volume.retain(file);
  const again = await volume.acquire(PATH, false);
  volume.retain(file);
  if (again) volume.release(again);
  expect(volume.openFiles()).toEqual([]);
});
