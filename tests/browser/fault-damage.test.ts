import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeSpillOwner, encodeSpillOwner } from '../../src/format/spill-owner.js';
import { type BlockStoreError, CorruptionError, IDBBlockVFS } from '../../src/index.js';
import { FaultInjector } from '../../src/testing/index.js';
import type { FileId, Version } from '../../src/types.js';
import { create, drop, dump, flipped, put, type RawRecord } from '../support/raw.js';
import { contentOf, insert } from '../support/rig.js';
import { Context, type Database, freshVolume } from '../support/sqlite.js';

// Goal: whatever becomes of a stored record, a statement that needs it fails, the error names the
// record, nothing damaged is shown, and nothing is written. Method: one volume with two checkpoints,
// copied for each test; one record of it is damaged past the VFS, asked for, and put back.

const PRIMARY = 0xff;
const IOERR = 10;
const CANTOPEN = 14;
const IOERR_DATA = 8202;
/** Bytes 4 and 5 hold the format: a greater one is a newer release's, whatever follows. */
const FORMAT_BYTES = [4, 5];
/** Blocks that a chunk of the map lists, and some more. */
const ROWS = 1100;

let records: readonly RawRecord[] = [];
/** The same volume one checkpoint before. */
let earlier: readonly RawRecord[] = [];
let content: unknown;

beforeAll(async () => {
  const idbName = freshVolume('damage');
  const context = await Context.create('asyncify', { idbName });
  const db = await context.open();
  await db.run(`CREATE TABLE t(id INTEGER PRIMARY KEY, v); ${insert(ROWS)}`);
  await db.run('PRAGMA synchronous=NORMAL');
  const update = 'UPDATE t SET v = randomblob(3000) WHERE id IN (?, ?)';
  for (let i = 1; i <= 66; i++) await db.run(update, [i, ROWS - i]);
  earlier = await dump(idbName);
  for (let i = 1; i <= 66; i++) await db.run(update, [i, ROWS - i]);
  content = await contentOf(db);
  await context.close();
  records = await dump(idbName);
});

type Place = Omit<RawRecord, 'value'>;
const VOLUME: Place = { store: 'files', key: '' };
const FILE: Place = { store: 'files', key: 'test.db' };
const DIRECTORY: Place = { store: 'maps', key: [1, -1] };
const CHUNK: Place = { store: 'maps', key: [1, 1] };
const FIRST_CHUNK: Place = { store: 'maps', key: [1, 0] };

function at(place: Place, from: readonly RawRecord[] = records): RawRecord {
  const id = JSON.stringify(place.key);
  const found = from.find(({ store, key }) => store === place.store && JSON.stringify(key) === id);
  if (!found) throw new Error(`no record ${place.store} ${id}`);
  return found;
}

/** The nth commit record from the end; 0 is the marker. */
function commit(fromEnd: number): Place {
  const { key } = records.filter(({ store }) => store === 'commits').at(-1 - fromEnd) as RawRecord;
  return { store: 'commits', key };
}

/** The last live segment: the last commit's. */
function segment(): Place {
  const { key } = records.filter(({ store }) => store === 'segments').at(-1) as RawRecord;
  return { store: 'segments', key };
}

async function copyOfVolume(): Promise<string> {
  const name = freshVolume('damage');
  await create(name, records);
  return name;
}

function versionOf({ store, key }: Place): number | undefined {
  return store === 'commits' || store === 'segments' ? (key as number[])[1] : undefined;
}

/** The error is damage, and says where. */
function expectNamed(error: BlockStoreError | undefined, place: Place): void {
  expect(error).toBeInstanceOf(CorruptionError);
  const { location, sqliteCode } = error as CorruptionError;
  expect(sqliteCode).toBe(IOERR_DATA);
  expect({ store: location.store, key: location.key }).toEqual(place);
  const version = versionOf(place);
  if (version !== undefined) expect(location.version).toBe(version);
}

async function codeOf(failing: Promise<unknown>): Promise<number> {
  try {
    await failing;
  } catch (cause) {
    return (cause as { code: number }).code & PRIMARY;
  }
  throw new Error('did not fail');
}

/** Each record of the volume and a digest of its bytes. */
async function digest(name: string): Promise<string[]> {
  const lines = (await dump(name)).map(async ({ store, key, value }) => {
    const bytes = value instanceof ArrayBuffer ? value : new TextEncoder().encode(String(value));
    const hash = new Uint32Array(await crypto.subtle.digest('SHA-256', bytes));
    return `${store} ${JSON.stringify(key)} ${hash.join(' ')}`;
  });
  return await Promise.all(lines);
}

async function createTable(context: Context): Promise<void> {
  const db = await context.open();
  await db.run('CREATE TABLE other(x)');
}

/** Everything a program might try on a path: each fails and names the record; nothing is written. */
async function expectShut(idbName: string, place: Place): Promise<void> {
  const before = await digest(idbName);
  const context = await Context.create('asyncify', { idbName, onDamage: 'refuse' });
  expect(await codeOf(createTable(context))).toBe(IOERR);
  expectNamed(context.errors.at(-1), place);
  const memory = await context.open(':memory:');
  expect((await memory.failure("ATTACH 'test.db' AS d")) & PRIMARY).toBe(IOERR);
  expectNamed(context.errors.at(-1), place);
  const { defects } = await context.vfs.verify('test.db');
  expectNamed(defects[0]?.error, place);
  await context.close();
  expect(await digest(idbName)).toEqual(before);
}

async function expectWhole(db: Database): Promise<void> {
  expect(await contentOf(db)).toEqual(content);
  await db.expectIntact();
}

/** Flips one bit of each byte in turn, and puts the record back. */
async function eachFlip(
  idbName: string,
  place: Place,
  look: (position: number, isNewer: boolean) => Promise<void>,
  positions?: readonly number[],
): Promise<void> {
  const record = at(place);
  const { byteLength } = record.value as ArrayBuffer;
  for (const position of positions ?? Array(byteLength).keys()) {
    const bit = (position * 5 + 3) % 8;
    const value = flipped(record.value, position, bit);
    await put(idbName, [{ ...place, value }]);
    const isNewer = FORMAT_BYTES.includes(position) && new DataView(value).getUint16(4, true) > 1;
    await look(position, isNewer);
  }
  await put(idbName, [record]);
}

/** About `count` places spread over a record, its first and last bytes among them. */
function sample(byteLength: number, count: number): number[] {
  if (byteLength <= count) return [...Array(byteLength).keys()];
  const spread = Array.from({ length: count }, (_, i) => Math.floor((i * byteLength) / count));
  return [...new Set([...Array(48).keys(), ...spread, byteLength - 1])];
}

describe('one flipped bit', () => {
  const classes: readonly (readonly [string, () => Place, number])[] = [
    ['the file record', () => FILE, 1000],
    ['the commit marker', () => commit(0), 1000],
    ['a commit record since the checkpoint', () => commit(2), 60],
    ['a commit record before the checkpoint', () => commit(60), 60],
    ['the directory', () => DIRECTORY, 200],
    ['a map chunk', () => CHUNK, 200],
  ];
  test.each(classes)('anywhere in %s shuts the database and names it', async (_, place, count) => {
    const idbName = await copyOfVolume();
    const context = await Context.create('asyncify', { idbName, onDamage: 'refuse' });
    const { byteLength } = at(place()).value as ArrayBuffer;
    const look = async (position: number, isNewer: boolean) => {
      const code = await codeOf(context.open());
      expect(code, `byte ${position}`).toBe(isNewer ? CANTOPEN : IOERR);
      const error = context.errors.at(-1);
      if (isNewer) expect(error?.code).toBe('FORMAT_VERSION');
      else expectNamed(error, place());
    };
    await eachFlip(idbName, place(), look, sample(byteLength, count));
    await expectWhole(await context.open());
    await context.close();
  });

  test('anywhere in the volume record keeps the volume from being opened', async () => {
    const idbName = await copyOfVolume();
    const module = await createModule();
    await eachFlip(idbName, VOLUME, async (position, isNewer) => {
      const opening = IDBBlockVFS.create('v', module, { idbName });
      const error = await opening.then(
        () => undefined,
        (cause: BlockStoreError) => cause,
      );
      if (isNewer) expect(error?.code, `byte ${position}`).toBe('FORMAT_VERSION');
      else expectNamed(error, VOLUME);
    });
  });

  test('anywhere in a segment is served to nobody, and verify finds it', async () => {
    const idbName = await copyOfVolume();
    const context = await Context.create('asyncify', { idbName });
    const { byteLength } = at(segment()).value as ArrayBuffer;
    const { fileBytes, blocksChecked } = await context.vfs.verify('test.db');
    const trailer = byteLength - (byteLength % 4096);
    const positions = sample(byteLength, 60);
    positions.push(...Array.from({ length: byteLength - trailer }, (_, i) => trailer + i));
    const look = async (position: number) => {
      const report = await context.vfs.verify('test.db');
      expect(report, `byte ${position}`).toMatchObject({ fileBytes, blocksChecked });
      expect(report.defects.length).toBeGreaterThan(0);
      for (const { error } of report.defects) expectNamed(error, segment());
      if (position >= trailer || position % 7 !== 0) return;
      expect(await codeOf(readAll(context))).toBe(IOERR);
      expectNamed(context.errors.at(-1), segment());
    };
    await eachFlip(idbName, segment(), look, positions);
    await expectWhole(await context.open());
    await context.close();
  });

  test('anywhere in a spill owner record makes it nobody’s', () => {
    const owner = { file: 1 as FileId, version: 9 as Version, nonce: [3, 4] as const };
    const bytes = encodeSpillOwner(owner);
    expect(decodeSpillOwner(bytes, owner.file)).toMatchObject({ ok: true, value: owner });
    for (let position = 0; position < bytes.byteLength; position++) {
      for (let bit = 0; bit < 8; bit++) {
        const decoded = decodeSpillOwner(flipped(bytes, position, bit), owner.file);
        expect(decoded.ok, `byte ${position}, bit ${bit}`).toBe(false);
      }
    }
  });
});

async function readAll(context: Context): Promise<void> {
  const db = await context.open();
  try {
    await contentOf(db);
  } finally {
    await db.close();
  }
}

describe('the database is shut, and nothing is written, when', () => {
  type Case = readonly [what: string, place: () => Place, damage: (name: string) => Promise<void>];
  const set = (place: () => Place, value: (now: ArrayBuffer) => unknown) => (name: string) =>
    put(name, [{ ...place(), value: value(at(place()).value as ArrayBuffer) }]);
  const lost = (place: () => Place) => (name: string) => drop(name, place());
  const shorter = (now: ArrayBuffer) => now.slice(0, now.byteLength - 1);
  const old = (place: Place) =>
    set(
      () => place,
      () => at(place, earlier).value,
    );
  const from = (place: () => Place, other: () => Place) => set(place, () => at(other()).value);
  const everyCommit = async (name: string) => {
    for (const { store, key } of records) if (store === 'commits') await drop(name, { store, key });
  };
  const places: readonly (readonly [string, () => Place, () => Place])[] = [
    ['the file record', () => FILE, () => VOLUME],
    ['the commit marker', () => commit(0), () => commit(1)],
    ['a middle commit record', () => commit(2), () => commit(0)],
    ['the directory', () => DIRECTORY, () => FIRST_CHUNK],
    ['a map chunk', () => CHUNK, () => FIRST_CHUNK],
  ];
  const cases: readonly Case[] = [
    ...places.flatMap(([name, place, other]): Case[] => [
      [`${name} is truncated`, place, set(place, shorter)],
      [`${name} is empty`, place, set(place, () => new ArrayBuffer(0))],
      [`${name} is of another type`, place, set(place, () => 'text')],
      [`${name} is another record`, place, from(place, other)],
      [`${name} is lost`, place, lost(place)],
    ]),
    ['the directory is an older one', () => DIRECTORY, old(DIRECTORY)],
    ['a map chunk is an older one', () => FIRST_CHUNK, old(FIRST_CHUNK)],
  ];
  test.each(cases)('%s', async (_, place, damage) => {
    const idbName = await copyOfVolume();
    await damage(idbName);
    await expectShut(idbName, place());
  });

  test('two map chunks lie under each other’s keys', async () => {
    const idbName = await copyOfVolume();
    const [first, second] = [at(FIRST_CHUNK).value, at(CHUNK).value];
    await put(idbName, [
      { ...FIRST_CHUNK, value: second },
      { ...CHUNK, value: first },
    ]);
    await expectShut(idbName, FIRST_CHUNK);
  });

  test.each(['moved', 'copied'])('a map chunk is %s to another key', async (how) => {
    const idbName = await copyOfVolume();
    await put(idbName, [{ store: 'maps', key: [1, 5], value: at(CHUNK).value }]);
    if (how === 'moved') await drop(idbName, CHUNK);
    await expectShut(idbName, { store: 'maps', key: [1, 5] });
  });

  test('every commit record is lost', async () => {
    const idbName = await copyOfVolume();
    await everyCommit(idbName);
    const before = await digest(idbName);
    const context = await Context.create('asyncify', { idbName });
    expect(await codeOf(createTable(context))).toBe(IOERR);
    expect(context.errors.at(-1)).toMatchObject({ location: { store: 'commits', key: [1] } });
    await context.close();
    expect(await digest(idbName)).toEqual(before);
  });
});

describe('a statement that needs a segment fails, and others go on, when it', () => {
  const cases: readonly (readonly [string, (now: ArrayBuffer) => unknown])[] = [
    ['is lost', () => undefined],
    ['is truncated', (now) => now.slice(0, 100)],
    ['is empty', () => new ArrayBuffer(0)],
    ['is of another type', () => 'text'],
    ['is an older one', () => at({ store: 'segments', key: victimOf(1) }).value],
  ];
  /** A segment of the big insert: pages in the middle of the table, none of them the header. */
  const victimOf = (offset: number): IDBValidKey => [1, 2, 20 + offset];

  test.each(cases)('%s', async (_, damage) => {
    const idbName = await copyOfVolume();
    const place: Place = { store: 'segments', key: victimOf(0) };
    const value = damage(at(place).value as ArrayBuffer);
    if (value === undefined) await drop(idbName, place);
    else await put(idbName, [{ ...place, value }]);
    const before = await digest(idbName);
    const context = await Context.create('asyncify', { idbName });
    const db = await context.open();
    await context.sqlite3.exec(db.handle, 'SELECT count(*) FROM sqlite_schema');
    expect((await db.failure('SELECT sum(length(v)) FROM t')) & PRIMARY).toBe(IOERR);
    expectNamed(context.errors.at(-1), place);
    expect(await digest(idbName)).toEqual(before);
    expect(await db.value('SELECT length(v) FROM t WHERE id = 1')).toBe(3000);
    const { defects } = await context.vfs.verify('test.db');
    expect(defects.length).toBeGreaterThan(0);
    for (const { error } of defects) expectNamed(error, place);
    expect((await db.failure('DELETE FROM t')) & PRIMARY).toBe(IOERR);
    expect(await digest(idbName)).toEqual(before);
    await db.run("UPDATE t SET v = 'new' WHERE id = 1");
    expect(await db.value('SELECT v FROM t WHERE id = 1')).toBe('new');
    await context.close();
  });

  test('… except for those who have it in memory', async () => {
    const idbName = await copyOfVolume();
    const context = await Context.create('asyncify', { idbName });
    const db = await context.open();
    await expectWhole(db);
    for (const { store, key } of records) {
      if (store === 'segments') await put(idbName, [{ store, key, value: new ArrayBuffer(0) }]);
    }
    const other = await context.open();
    await expectWhole(db);
    await expectWhole(other);
    expect(context.errors).toEqual([]);
    await context.close();
  });
});

// A volume record of before a file was made would give that file's id once more.
test('an older volume record gives no id twice: the first database keeps all it has', async () => {
  const idbName = freshVolume('damage');
  const context = await Context.create('asyncify', { idbName });
  const before = at(VOLUME, await dump(idbName));
  const first = await context.open('first.db');
  await first.run(`CREATE TABLE t(id INTEGER PRIMARY KEY, v); ${insert(20)}`);
  await first.run('PRAGMA synchronous=NORMAL');
  for (let i = 0; i < 140; i++) await first.run('UPDATE t SET v = ? WHERE id = 1', [i]);
  const expected = await contentOf(first);
  await context.close();
  await put(idbName, [before]);

  const later = await Context.create('asyncify', { idbName });
  const second = await later.open('second.db');
  expect((await second.failure('CREATE TABLE t(x)')) & PRIMARY).toBe(IOERR);
  expectNamed(later.errors.at(-1), VOLUME);
  const again = await later.open('first.db');
  expect(await contentOf(again)).toEqual(expected);
  await again.expectIntact();
  await later.close();
});

test('a file record lost while the database is open is damage, not an empty database', async () => {
  const idbName = await copyOfVolume();
  const faults = new FaultInjector();
  const options = { idbName, indexedDB: faults.factory };
  const context = await Context.create('asyncify', options);
  const db = await context.open();
  await drop(idbName, FILE);
  faults.closeAll();
  const before = await digest(idbName);
  for (let i = 0; i < 3; i++) {
    expect((await db.failure('CREATE TABLE IF NOT EXISTS t(x)')) & PRIMARY).toBe(IOERR);
    expectNamed(context.errors.at(-1), FILE);
  }
  expect(await digest(idbName)).toEqual(before);
  await context.close();
});
