/** Pins of one context, beside a file whose versions and snapshots the test makes up. */
import { beforeEach, expect, test } from 'vitest';
import type { BlockFile } from '../../../src/blockstore/file.js';
import { FaultyLocks, SimulatedLocks } from '../../../src/testing/index.js';
import { SnapshotPins, unpinned } from '../../../src/vfs/snapshot-pins.js';
import { soon } from '../../support/soon.ts';

const PREFIX = 'volume:one.db:pin:';

let locks: FaultyLocks;
let asked: (() => void)[];
beforeEach(() => {
  locks = new FaultyLocks(new SimulatedLocks() as unknown as LockManager);
  asked = [];
});

function deps() {
  const listen = (_name: string, heard: (word: 'yield') => void) => {
    const ask = () => heard('yield');
    asked.push(ask);
    return () => void asked.splice(asked.indexOf(ask), 1);
  };
  const say = () => {
    for (const ask of [...asked]) ask();
  };
  return { locks, prefix: PREFIX, channel: { listen, say } };
}

interface Made {
  readonly file: number | undefined;
  record: { file: number } | undefined;
  pinnedMin: number;
  isResident: boolean;
  readonly state: { directoryVersion: number; readonly map: { version: number } };
}

function context(version = 10): { pins: SnapshotPins; file: Made } {
  const file: Made = {
    get file() {
      return this.record?.file;
    },
    record: { file: 1 },
    pinnedMin: Number.POSITIVE_INFINITY,
    isResident: false,
    state: { directoryVersion: 0, map: { version } },
  };
  return { pins: new SnapshotPins(file as unknown as BlockFile, deps()), file };
}

/** Floors that are held or asked for, as `file:version`. */
async function floors(): Promise<string[]> {
  const { held = [], pending = [] } = await locks.query();
  return [...held, ...pending].map(({ name = '' }) =>
    name.slice(PREFIX.length).split(':', 2).join(':'),
  );
}

/** As a read sqliteTx begins. */
async function pin({ pins, file }: ReturnType<typeof context>): Promise<void> {
  await pins.reading(async () => undefined);
  file.pinnedMin = Math.min(file.pinnedMin, file.state.map.version);
}

test('a floor is held while a read is under way, and moves up behind a checkpoint', async () => {
  const reader = context(10);
  await pin(reader);
  expect(await floors()).toEqual(['1:10']);
  reader.file.pinnedMin = Number.POSITIVE_INFINITY;
  reader.file.state.map.version = 80;
  await pin(reader);
  expect(await floors()).toEqual(['1:10']);
  reader.file.pinnedMin = Number.POSITIVE_INFINITY;
  reader.file.state.directoryVersion = 64;
  await pin(reader);
  await soon(async () => expect(await floors()).toEqual(['1:80']));
});

test('the floor of a file that was made anew is that file’s', async () => {
  const reader = context(10);
  await pin(reader);
  reader.file.pinnedMin = Number.POSITIVE_INFINITY;
  let reads = 0;
  await reader.pins.reading(async () => {
    reads++;
    reader.file.record = { file: 2 };
    reader.file.state.map.version = 3;
  });
  expect(reads).toBe(2);
  await soon(async () => expect(await floors()).toEqual(['2:3']));
});

test('a file that is set back has a lower floor', async () => {
  const reader = context(10);
  await pin(reader);
  reader.file.pinnedMin = Number.POSITIVE_INFINITY;
  reader.file.state.map.version = 4;
  await pin(reader);
  await soon(async () => expect(await floors()).toEqual(['1:4']));
});

test('a read that is under way when the file is closed ends, and leaves no pin', async () => {
  const { pins } = context();
  let end: (() => void) | undefined;
  const reading = pins.reading(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  await soon(() => expect(end).toBeDefined());
  expect(await floors()).toEqual(['1:10']);
  pins.close();
  end?.();
  await reading;
  await soon(async () => expect(await floors()).toEqual([]));
  const again = pins.reading(async () => 'read');
  expect(await again).toBe('read');
  expect(await floors()).toEqual([]);
});

test('a pin that is granted after the file was closed is let go of', async () => {
  const { pins } = context();
  locks.plan({ tag: 'lock-delayed', ms: 20 });
  const reading = pins.reading(async () => undefined);
  pins.close();
  await reading;
  await soon(async () => expect(await floors()).toEqual([]));
});

test('a pin yields if no snapshot needs it', async () => {
  const reader = context();
  await pin(reader);
  expect(await unpinned(deps(), 0)).toBe(false);
  expect(await floors()).toEqual(['1:10']);
  reader.file.pinnedMin = Number.POSITIVE_INFINITY;
  expect(await unpinned(deps(), 10_000)).toBe(true);
});

test('what lies in memory needs no pin but while it is fetched', async () => {
  const mirror = context();
  mirror.file.isResident = true;
  await pin(mirror);
  expect(mirror.pins.uncovered()).toBeUndefined();
  expect(await unpinned(deps(), 10_000)).toBe(true);
});

test('a snapshot of the writer is covered before the lock is handed over', async () => {
  const writer = context(10);
  writer.file.pinnedMin = 7;
  await writer.pins.uncovered();
  expect(await floors()).toEqual(['1:7']);
  expect(writer.pins.uncovered()).toBeUndefined();
});

test('a pin that was stolen is taken again', async () => {
  const reader = context(10);
  await pin(reader);
  locks.stealHeld();
  // It is told a little later.
  const taken = async () => {
    await reader.pins.uncovered();
    return locks.trace().length;
  };
  await soon(async () => expect(await taken()).toBe(2));
  expect(await floors()).toEqual(['1:10']);
});

test('nothing may be reclaimed before the first answer, and up to the lowest floor after it', async () => {
  const writer = context(70);
  expect(writer.pins.pinnedMin).toBe(0);
  writer.file.state.directoryVersion = 64;
  writer.pins.committed(70);
  await soon(() => expect(writer.pins.pinnedMin).toBe(70));
  const reader = context(66);
  await pin(reader);
  writer.file.state.directoryVersion = 128;
  writer.pins.committed(128);
  await soon(() => expect(writer.pins.pinnedMin).toBe(66));
  expect(writer.pins.others).toEqual({ count: 1, oldest: 66 });
  writer.pins.robbed();
  expect(writer.pins.pinnedMin).toBe(0);
  writer.pins.committed(129);
  await soon(() => expect(writer.pins.pinnedMin).toBe(66));
  writer.file.record = { file: 2 };
  expect(writer.pins.pinnedMin).toBe(0);
});

test('who asks takes its own pin for no other’s', async () => {
  const writer = context(70);
  await pin(writer);
  writer.file.state.directoryVersion = 64;
  writer.pins.committed(71);
  await soon(() => expect(writer.pins.pinnedMin).toBe(71));
});
