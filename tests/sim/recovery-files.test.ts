/**
 * A file record that is lost is told from a file that never was, and what lies above a marker is deleted
 * only if nobody committed it (docs/RECOVERY.md §2, §3).
 */
import { describe, expect, test } from 'vitest';
import { CorruptionError } from '../../src/errors.js';
import { encodeFile } from '../../src/format/files.js';
import { apply, lostFile } from '../../src/recovery/recover.js';
import { editRecords, type RecordEditor, SimulatedIndexedDB } from '../../src/testing/index.js';
import type { FileId, Version } from '../../src/types.js';
import { blocks } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { Store, VOLUME } from '../support/store-dsl.ts';

const PATHS = ['a.db', 'b.db', 'c.db'];

useGlobals();

/** Three files with two commits each; then their records as a test changes them. */
async function stored(change: (records: RecordEditor) => RecordEditor) {
  const sim = new SimulatedIndexedDB({ trace: false });
  const store = await Store.open({ factory: sim, paths: PATHS });
  for (const mark of [1, 2]) {
    for (const path of PATHS) await store.commit([blocks(path, 0, 1, mark)], 'strict');
  }
  await store.close();
  await sim.idle();
  const [outcome] = sim.outcomes('process');
  if (!outcome) throw new Error('nothing is stored');
  const factory = sim.fork(change(editRecords(outcome, VOLUME)).outcome());
  return { factory, store: await Store.open({ factory, paths: [] }) };
}

describe('a path without a file record', () => {
  test.each(PATHS.map((path, i) => [path, i + 1] as const))(
    '%s, which commits bear, is damage; it is file %i',
    async (path, id) => {
      const { store } = await stored((records) => records.drop('files', path));
      const { connection } = store.volume;
      expect(await lostFile(connection, path)).toBe(id);
      await expect(store.volume.acquire(path, true)).rejects.toThrow(CorruptionError);
      await expect(store.volume.acquire(path, true)).rejects.toMatchObject({
        location: { store: 'files', key: path },
      });
      for (const other of PATHS) {
        if (other !== path) expect(await lostFile(connection, other)).toBeUndefined();
      }
    },
  );

  test('that no commit bears is that of a file that never was', async () => {
    const { store } = await stored((records) =>
      records.drop('files', 'b.db').drop('files', 'c.db'),
    );
    expect(await lostFile(store.volume.connection, 'd.db')).toBeUndefined();
    expect(await store.volume.acquire('d.db', false)).toBeUndefined();
    // Of several lost ones, the one that was asked for is found.
    expect(await lostFile(store.volume.connection, 'c.db')).toBe(3);
  });

  test('is found by an intact commit, where another is damaged', async () => {
    const damaged = (records: RecordEditor, version: number) =>
      records.set('commits', [2, version], new ArrayBuffer(9)).drop('files', 'b.db');
    for (const version of [1, 2]) {
      const { store } = await stored((records) => damaged(records, version));
      expect(await lostFile(store.volume.connection, 'b.db')).toBe(2);
    }
  });

  test('a damaged record of another file is none that names it', async () => {
    const { store } = await stored((records) => records.set('files', 'b.db', new ArrayBuffer(9)));
    expect(await lostFile(store.volume.connection, 'b.db')).toBe(2);
    expect(await lostFile(store.volume.connection, 'a.db')).toBeUndefined();
  });
});

test('a record that is new though commits bear its path is stale', async () => {
  const path = 'a.db';
  const record = {
    path,
    file: 9 as FileId,
    algorithm: 'xxhash32',
    born: false,
    createdMs: 1,
  } as const;
  const { store } = await stored((records) => records.set('files', path, encodeFile(record)));
  await expect(store.volume.acquire(path, true)).rejects.toThrow(CorruptionError);
});

describe('what lies above a marker', () => {
  const above = (records: RecordEditor) =>
    records.duplicate('segments', [2, 2, 0], [2, 3, 0]).duplicate('segments', [2, 2, 0], [2, 9, 7]);

  async function keysAfter(marker: number) {
    const { factory, store } = await stored(above);
    await apply(store.volume.connection, 2 as FileId, marker as Version);
    await factory.idle();
    const [outcome] = factory.outcomes('process');
    return outcome ? editRecords(outcome, VOLUME).keys('segments') : [];
  }

  const BELOW = [1, 2, 3].flatMap((file) => [1, 2].map((version) => [file, version, 0]));

  test('is deleted, and nothing else', async () => {
    expect(await keysAfter(2)).toEqual(BELOW);
  });

  test('stays if a commit came in between', async () => {
    expect(await keysAfter(1)).toHaveLength(BELOW.length + 2);
  });
});
