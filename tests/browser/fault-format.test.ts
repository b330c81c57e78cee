import createSync from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import createAsyncify from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import createLegacySync from 'wa-sqlite-legacy/dist/wa-sqlite.mjs';
import { xxh32 } from '../../src/format/checksum.js';
import { STORES } from '../../src/format/keys.js';
import { decodeSpillOwner, encodeSpillOwner } from '../../src/format/spill-owner.js';
import { type BlockStoreError, IDBBlockVFS, type VFSOptions } from '../../src/index.js';
import type { FileId, Version } from '../../src/types.js';
import { dump, picture, promised, put, type RawRecord } from '../support/raw.js';
import { type BuildName, Context, freshVolume, ONE_OF_EACH } from '../support/sqlite.js';

/** The engine under test. */
let build: BuildName;

// Goal: what is a newer release's, or not ours at all, is refused by name and left as it was; what a
// program asks for that cannot be had is refused with what to do instead. Method: a volume or a
// foreign database under that name, every way of opening it, and its bytes before and after.

afterEach(() => vi.unstubAllGlobals());

const PRIMARY = 0xff;
const CANTOPEN = 14;
const NEWER = { code: 'FORMAT_VERSION', found: 2, supported: 1 };

async function errorOf(opening: Promise<unknown>): Promise<BlockStoreError> {
  try {
    await opening;
  } catch (cause) {
    return cause as BlockStoreError;
  }
  throw new Error('did not fail');
}

async function openingOf(idbName: string, options: VFSOptions = {}): Promise<IDBBlockVFS> {
  return await IDBBlockVFS.create('v', await createAsyncify(), { ...options, idbName });
}

/** The record as a newer release might have written it. */
function newer(record: RawRecord): RawRecord {
  const value = (record.value as ArrayBuffer).slice(0);
  const view = new DataView(value);
  view.setUint16(4, 2, true);
  view.setUint32(8, 0, true);
  view.setUint32(8, xxh32(new Uint8Array(value), 0), true);
  return { ...record, value };
}

/** A volume with a checkpoint, its records by class. */
async function volume(): Promise<{ idbName: string; records: RawRecord[] }> {
  const idbName = freshVolume('format');
  const context = await Context.create(build, { idbName });
  const db = await context.open();
  await db.run('PRAGMA synchronous=NORMAL; CREATE TABLE t(x)');
  for (let i = 0; i < 70; i++) await db.run('INSERT INTO t VALUES (?)', [i]);
  await context.close();
  return { idbName, records: await dump(idbName) };
}

/** A database of someone else's. */
async function foreign(version: number, stores: readonly string[]): Promise<string> {
  const name = freshVolume('foreign');
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    for (const store of stores) request.result.createObjectStore(store).put('theirs', 'key');
  };
  (await promised(request)).close();
  return name;
}

async function foreignContent(name: string): Promise<unknown[]> {
  const db = await promised(indexedDB.open(name));
  const content: unknown[] = [db.version, ...db.objectStoreNames];
  for (const store of db.objectStoreNames) {
    content.push(await promised(db.transaction(store).objectStore(store).getAll()));
  }
  db.close();
  return content;
}

describe.each(ONE_OF_EACH)('%s', (engine) => {
  beforeAll(() => {
    build = engine;
  });

  describe('a newer format is refused and left as it was', () => {
    test('when the IndexedDB version says so', async () => {
      const name = await foreign(2, STORES);
      const before = await foreignContent(name);
      expect(await errorOf(openingOf(name))).toMatchObject(NEWER);
      expect(await foreignContent(name)).toEqual(before);
    });

    test('when the volume record says so', async () => {
      const { idbName, records } = await volume();
      await put(idbName, records.filter(({ key }) => key === '').map(newer));
      const before = await picture(idbName);
      expect(await errorOf(openingOf(idbName))).toMatchObject(NEWER);
      expect(await picture(idbName)).toEqual(before);
    });

    const classes: readonly (readonly [string, (record: RawRecord) => boolean])[] = [
      ['the file record', ({ key }) => key === 'test.db'],
      ['every commit record', ({ store }) => store === 'commits'],
      ['one commit record', ({ store, key }) => store === 'commits' && (key as number[])[1] === 68],
      ['the map chunk', ({ store, key }) => store === 'maps' && (key as number[])[1] === 0],
      ['the directory', ({ store, key }) => store === 'maps' && (key as number[])[1] === -1],
    ];
    test.each(classes)('when %s says so', async (_, chosen) => {
      const { idbName, records } = await volume();
      const changed = records.filter(chosen);
      expect(changed).not.toHaveLength(0);
      await put(idbName, changed.map(newer));
      const before = await picture(idbName);
      const context = await Context.create(build, { idbName });
      for (let i = 0; i < 2; i++) {
        const { code } = (await errorOf(context.open())) as { code: unknown };
        expect(Number(code) & PRIMARY).toBe(CANTOPEN);
        expect(context.errors.at(-1)).toMatchObject(NEWER);
      }
      for (const repair of [false, true]) {
        const { defects, repaired } = await context.vfs.verify('test.db', { repair });
        expect(defects[0]?.error).toMatchObject(NEWER);
        expect(repaired).toEqual([]);
      }
      await context.close();
      expect(await picture(idbName)).toEqual(before);
    });

    test('when the spill owner record says so', () => {
      const owner = { file: 1 as FileId, version: 2 as Version, nonce: [3, 4] as const };
      const value = encodeSpillOwner(owner);
      const changed = newer({ store: 'maps', key: [1, -2], value });
      expect(decodeSpillOwner(changed.value, owner.file)).toMatchObject({
        ok: false,
        refusal: { tag: 'newer', format: 2 },
      });
    });
  });

  describe('someone else’s database is refused and left as it was', () => {
    test.each([
      ['of our version with other stores', 1, ['blocks', 'metadata']],
      ['of our version without stores', 1, []],
      ['of our version with some of our stores', 1, ['files', 'segments', 'theirs']],
      ['of our version with our stores and one more', 1, [...STORES, 'theirs']],
    ] as const)('%s', async (_, version, stores) => {
      const name = await foreign(version, stores);
      const before = await foreignContent(name);
      expect(await errorOf(openingOf(name))).toMatchObject({ code: 'NOT_A_VOLUME' });
      expect(await foreignContent(name)).toEqual(before);
    });

    test('of a greater version', async () => {
      const name = await foreign(7, ['theirs']);
      const before = await foreignContent(name);
      const error = await errorOf(openingOf(name));
      expect(error).toMatchObject({ code: 'FORMAT_VERSION', found: 7 });
      expect(await foreignContent(name)).toEqual(before);
    });

    test('with our stores and none of our records', async () => {
      const name = await foreign(1, STORES);
      const before = await foreignContent(name);
      const error = await errorOf(openingOf(name));
      expect(error).toMatchObject({ code: 'CORRUPTION', location: { store: 'files', key: '' } });
      expect(await foreignContent(name)).toEqual(before);
    });
  });

  describe('options', () => {
    const wrong: readonly (readonly [string, object])[] = [
      ['idbName', { idbName: '' }],
      ['durability', { durability: 'sometimes' }],
      ['checksum', { checksum: 'md5' }],
      ...['cacheBytes', 'spillBytes'].flatMap((option) =>
        [65535, -1, Number.NaN, Number.POSITIVE_INFINITY, '1 MB'].map(
          (value) => [option, { [option]: value }] as const,
        ),
      ),
      ...[-1, Number.NaN, '1 s'].map(
        (value) => ['busyTimeoutMs', { busyTimeoutMs: value }] as const,
      ),
      ['writerRole', { writerRole: 'always' }],
      ...[999, -1, Number.NaN, Number.POSITIVE_INFINITY].map(
        (value) => ['stealAfterMs', { stealAfterMs: value }] as const,
      ),
    ];
    test.each(wrong)('%s: %o is refused, and no database is made', async (option, options) => {
      const idbName = freshVolume('option');
      const all = { idbName, ...options } as VFSOptions;
      const error = await errorOf(IDBBlockVFS.create('v', await createAsyncify(), all));
      expect(error).toMatchObject({ code: 'OPTION' });
      expect(error.message).toContain(`"${option}"`);
      expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain(idbName);
    });
  });

  describe('what is missing is named', () => {
    test.each([
      ['wa-sqlite', createSync],
      ['wa-sqlite 1.0.0', createLegacySync],
    ] as const)('a synchronous build of %s: what to import instead', async (_, build) => {
      const idbName = freshVolume('build');
      const error = await errorOf(IDBBlockVFS.create('v', await build(), { idbName }));
      expect(error).toMatchObject({ code: 'UNSUPPORTED', capability: 'asynchronous build' });
      expect(error.message).toContain('wa-sqlite-async.mjs');
      expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain(idbName);
    });

    test('no IndexedDB', async () => {
      const module = await createAsyncify();
      vi.stubGlobal('indexedDB', undefined);
      const error = await errorOf(IDBBlockVFS.create('v', module, { idbName: 'none' }));
      expect(error).toMatchObject({ code: 'UNSUPPORTED', capability: 'indexedDB' });
    });

    test.each([
      ['nothing', undefined],
      ['the factory', createAsyncify],
      ['a promise of a module', Promise.resolve()],
      ['an object', {}],
      ['a WebAssembly module of another kind', { HEAPU8: new Uint8Array() }],
    ])('no module, but %s', async (_, module) => {
      const error = await errorOf(IDBBlockVFS.create('v', module as object, { idbName: 'none' }));
      expect(error).toMatchObject({ code: 'OPTION' });
      expect(error.message).toContain('"module"');
    });
  });
});
