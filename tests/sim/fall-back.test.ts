/**
 * A marker's commit record that is damaged or lost: the newest version that verifies opens, says so,
 * and goes on; or the file is refused, and nothing is written.
 *
 * Method: stores made on the simulation, one or more records harmed behind the block store's back.
 */
import { describe, expect, test } from 'vitest';
import { FormatVersionError } from '../../src/errors.js';
import { encodeSpillOwner } from '../../src/format/spill-owner.js';
import {
  type CrashPlan,
  editRecords,
  everyCrashPoint,
  type Outcome,
  type SimulatedIndexedDB,
} from '../../src/testing/index.js';
import type { FileId, Version } from '../../src/types.js';
import {
  after,
  blocks,
  committed,
  DAMAGES,
  keysOf,
  LOST,
  open,
  outcomeOf,
  PATH,
  simulated,
} from '../support/damaged.ts';
import { useGlobals } from '../support/globals.ts';
import { type Content, type Store, VOLUME } from '../support/store-dsl.ts';

useGlobals();

const FILE = 1;
const CHANGES = [blocks(0, 4, 1), blocks(1, 4, 2), blocks(0, 2, 3), blocks(3, 5, 4)];
const MARKER = CHANGES.length;
const markerKey = [FILE, MARKER];

/** What the store holds after the first `count` changes. */
async function contentAfter(count: number, from?: Outcome): Promise<Content['marks']> {
  const outcome = await committed(CHANGES.slice(0, count), from ? { from } : {});
  const store = await open(simulated(outcome));
  const { marks } = await store.read(PATH);
  await store.close();
  return marks;
}

function fellBack(store: Store): { from: number; to: number } | undefined {
  const { fellBack: found } = store.file(PATH);
  return found && { from: found.from, to: found.marker.version };
}

async function expectRefused(outcome: Outcome, place: object): Promise<void> {
  const factory = simulated(outcome);
  await expect(open(factory)).rejects.toMatchObject({ code: 'CORRUPTION', location: place });
  expect((await outcomeOf(factory)).databases.get(VOLUME)).toBe(outcome.databases.get(VOLUME));
}

describe.each([...DAMAGES, LOST])('when the marker is $name', ({ inflict }) => {
  const harmed = async () => inflict(await committed(CHANGES), 'commits', markerKey);

  test('the version below opens, says what is lost, and nothing is written', async () => {
    const outcome = await harmed();
    const factory = simulated(outcome);
    for (let i = 0; i < 2; i++) {
      const store = await open(factory);
      expect(fellBack(store)).toEqual({ from: MARKER, to: MARKER - 1 });
      expect(store.file(PATH).fellBack?.defects).toMatchObject([
        { code: 'CORRUPTION', location: { store: 'commits', key: markerKey, version: MARKER } },
      ]);
      expect(await store.read(PATH)).toMatchObject({
        version: MARKER,
        marks: await contentAfter(MARKER - 1),
      });
      await store.close();
    }
    expect((await outcomeOf(factory)).databases.get(VOLUME)).toBe(outcome.databases.get(VOLUME));
  });

  test('it does not open where that is asked for', async () => {
    const opening = open(simulated(await harmed()), { onDamage: 'refuse' });
    await expect(opening).rejects.toMatchObject({ location: { store: 'commits', key: markerKey } });
  });

  test.each(['strict', 'deferred'] as const)(
    'a %s commit goes on from there, and leaves nothing of what was lost',
    async (durability) => {
      const outcome = await committed([blocks(2, 1, 9)], { from: await harmed(), durability });
      expect(keysOf(outcome, 'segments')).toEqual([
        [FILE, 1, 0],
        [FILE, 2, 0],
        [FILE, 3, 0],
        [FILE, MARKER + 1, 0],
      ]);
      const store = await open(simulated(outcome), { onDamage: 'refuse' });
      const marks = [...(await contentAfter(MARKER - 1))];
      marks[2] = 9 * 65536 + 2;
      expect(await store.read(PATH)).toMatchObject({ version: MARKER + 1, marks });
      await store.close();
    },
  );

  test('what was given up is told until a commit puts it in the store', async () => {
    const store = await open(simulated(await harmed()));
    expect(fellBack(store)).toEqual({ from: MARKER, to: MARKER - 1 });
    await store.commit([blocks(2, 1, 9)], 'strict');
    expect(fellBack(store)).toBeUndefined();
    await store.close();
  });

  test('a commit that spills goes on from there', async () => {
    const outcome = await committed([blocks(0, 300, 9)], { from: await harmed() });
    const store = await open(simulated(outcome), { onDamage: 'refuse' });
    const marks = Array.from({ length: 300 }, (_, block) => 9 * 65536 + block);
    expect(await store.read(PATH)).toMatchObject({ version: MARKER + 1, marks });
    await store.close();
  });

  test('at every crash point of that commit, and of recovering from it, it is all or nothing', async () => {
    const from = await harmed();
    const before = await contentAfter(MARKER - 1);
    const plan: CrashPlan<string, Store> = {
      workload: async ({ factory, acknowledge }) => {
        const store = await open(factory);
        await store.commit([blocks(0, 300, 9)], 'strict');
        acknowledge('committed');
      },
      recover: (factory) => open(factory, { context: 2 }),
      check: async ({ recovered, acknowledged }) => {
        const { version, marks } = await recovered.read(PATH);
        if (acknowledged.length > 0 || version > MARKER) {
          expect({ version, length: marks.length }).toEqual({ version: MARKER + 1, length: 300 });
          expect(fellBack(recovered)).toBeUndefined();
        } else {
          expect(marks).toEqual(before);
          expect(fellBack(recovered)).toEqual({ from: MARKER, to: MARKER - 1 });
        }
        await recovered.commit([blocks(1, 1, 10)], 'strict');
        expect((await recovered.read(PATH)).marks[1]).toBe(10 * 65536 + 1);
        await recovered.close();
      },
    };
    const { violations, recoveries } = await everyCrashPoint(plan, { from, depth: 2 });
    expect(violations.map(({ line, error }) => `${line} ${String(error)}`)).toEqual([]);
    expect(recoveries).toBeGreaterThan(10);
  }, 60_000);
});

test('two lost versions are given up together, and neither is given again', async () => {
  let outcome = await committed(CHANGES);
  for (const version of [MARKER - 1, MARKER]) {
    outcome = LOST.inflict(outcome, 'commits', [FILE, version]);
  }
  const store = await open(simulated(outcome));
  expect(fellBack(store)).toEqual({ from: MARKER, to: MARKER - 2 });
  expect((await store.read(PATH)).marks).toEqual(await contentAfter(MARKER - 2));
  await store.commit([blocks(0, 1, 9)], 'strict');
  expect((await store.read(PATH)).version).toBe(MARKER + 1);
  await store.close();
});

test('a damaged marker above a lost commit record is given up with it', async () => {
  const lost = LOST.inflict(await committed(CHANGES), 'commits', [FILE, MARKER - 1]);
  const outcome = (DAMAGES[0] as typeof LOST).inflict(lost, 'commits', markerKey);
  const store = await open(simulated(outcome));
  expect(fellBack(store)).toEqual({ from: MARKER, to: MARKER - 2 });
  await store.close();
});

test('the lost marker of a commit that had spilled is told from a spill that never committed', async () => {
  const outcome = await committed([...CHANGES, blocks(0, 300, 5)]);
  const store = await open(simulated(LOST.inflict(outcome, 'commits', [FILE, MARKER + 1])));
  expect(fellBack(store)).toEqual({ from: MARKER + 1, to: MARKER });
  await store.close();
  const rolledBack = await after((s) => s.rollBack([blocks(0, 300, 5)], 'late'), {
    from: await committed(CHANGES),
  });
  const sound = await open(simulated(rolledBack));
  expect(sound.file(PATH).recovery).toMatchObject({ pendingAbove: true, fellBack: undefined });
  await sound.close();
});

describe('nothing is fallen back to, and nothing is written, when', () => {
  const FIRST_CHECKPOINT = 64;
  const many = (count: number) =>
    committed(Array.from({ length: count }, (_, i) => blocks(i % 5, 2, i + 1)));

  test.each([...DAMAGES, LOST])('a checkpoint’s commit record is $name', async ({ inflict }) => {
    const key = [FILE, FIRST_CHECKPOINT];
    const outcome = inflict(await many(FIRST_CHECKPOINT), 'commits', key);
    await expectRefused(outcome, { store: 'commits', key });
  });

  test.each(DAMAGES)('a commit record below an intact one is $name', async ({ inflict }) => {
    const key = [FILE, MARKER - 1];
    await expectRefused(inflict(await committed(CHANGES), 'commits', key), {
      store: 'commits',
      key,
    });
  });

  test('the version below lacks its directory too', async () => {
    const outcome = await many(FIRST_CHECKPOINT + 3);
    const marker = LOST.inflict(outcome, 'commits', [FILE, FIRST_CHECKPOINT + 3]);
    const directory = [FILE, -1];
    await expectRefused(LOST.inflict(marker, 'maps', directory), { store: 'maps', key: directory });
  });

  test('the only commit record is damaged', async () => {
    const outcome = await committed([blocks(0, 1, 1)]);
    const harmed = (DAMAGES[0] as typeof LOST).inflict(outcome, 'commits', [FILE, 1]);
    await expectRefused(harmed, { store: 'commits', key: [FILE, 1] });
  });

  test('it is of a newer format', async () => {
    const editor = editRecords(await committed(CHANGES), VOLUME);
    const bytes = new Uint8Array(editor.get('commits', markerKey) as ArrayBuffer);
    bytes[4] = 2;
    const outcome = editor.set('commits', markerKey, bytes.buffer).outcome();
    await expect(open(simulated(outcome))).rejects.toBeInstanceOf(FormatVersionError);
  });
});

// A newer release's spill would otherwise be taken for nobody's and deleted.
test('a spill owner of a newer format keeps the file shut, and what it wrote stays', async () => {
  const owner = { file: FILE as FileId, version: (MARKER + 1) as Version, nonce: [1, 2] as const };
  const record = new Uint8Array(encodeSpillOwner(owner));
  record[4] = 2;
  const spilled = await after((s) => s.rollBack([blocks(0, 300, 5)], 'late'), {
    from: await committed(CHANGES),
  });
  const editor = editRecords(spilled, VOLUME);
  const outcome = editor.set('maps', [FILE, -2], record.buffer).outcome();
  const factory = simulated(outcome);
  await expect(open(factory)).rejects.toBeInstanceOf(FormatVersionError);
  expect((await outcomeOf(factory)).databases.get(VOLUME)).toBe(outcome.databases.get(VOLUME));
});

describe('a context that has the lost version in memory', () => {
  /** `healthy` has version MARKER in memory; then the marker is damaged and `late` opens the file. */
  async function two(exclusive: boolean) {
    const factory = simulated(await committed(CHANGES));
    const healthy = await open(factory, { context: 2, exclusive });
    await healthy.read(PATH);
    await damageIn(factory);
    const late = await open(factory, { context: 3, exclusive: false });
    expect(fellBack(late)).toEqual({ from: MARKER, to: MARKER - 1 });
    return { factory, healthy, late };
  }

  test('is not set back: what needs the store fails, and names the record', async () => {
    const { healthy, late } = await two(false);
    for (const attempt of [
      () => healthy.read(PATH),
      () => healthy.commit([blocks(0, 1, 9)], 'strict'),
    ]) {
      await expect(attempt()).rejects.toMatchObject({
        location: { store: 'commits', key: markerKey },
      });
    }
    await healthy.close();
    await late.close();
  });

  test('commits first: the one that fell back is busy, and loses nothing', async () => {
    const { factory, healthy, late } = await two(true);
    await healthy.commit([blocks(0, 1, 9)], 'strict');
    await expect(commitUnrefreshed(late)).rejects.toMatchObject({ code: 'BUSY_SNAPSHOT' });
    expect(keysOf(await outcomeOf(factory), 'commits')).toContainEqual([FILE, MARKER + 1]);
    await healthy.close();
    await late.close();
  });

  test.each([true, false])(
    'comes second: it is busy, then reads what is there (%s)',
    async (exclusive) => {
      const { healthy, late } = await two(exclusive);
      await late.commit([blocks(0, 1, 9)], 'strict');
      await expect(commitUnrefreshed(healthy)).rejects.toMatchObject({ code: 'BUSY_SNAPSHOT' });
      const expected = await late.read(PATH);
      healthy.file(PATH).exclusive = false;
      expect(await healthy.read(PATH)).toEqual(expected);
      await healthy.commit([blocks(1, 1, 10)], 'strict');
      const { version, marks } = await late.read(PATH);
      expect(version).toBe(MARKER + 2);
      expect(marks[1]).toBe(10 * 65536 + 1);
      await healthy.close();
      await late.close();
    },
  );
});

/** Commits as one that has seen nothing since. */
async function commitUnrefreshed(store: Store): Promise<void> {
  const file = store.file(PATH);
  const { exclusive } = file;
  file.exclusive = true;
  try {
    await store.commit([blocks(0, 1, 11)], 'strict');
  } finally {
    file.exclusive = exclusive;
  }
}

async function damageIn(factory: SimulatedIndexedDB): Promise<void> {
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = factory.open(VOLUME);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const tx = db.transaction('commits', 'readwrite');
  tx.objectStore('commits').put(new ArrayBuffer(7), markerKey);
  await new Promise((resolve) => {
    tx.oncomplete = resolve;
  });
  db.close();
}
