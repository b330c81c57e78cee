/**
 * Damage done to one record of a small store, and what becomes of it: the true content, an error of
 * ours, or, where the newest commit record is what was hit, the commit before it.
 *
 *   same     the content is as if nothing had happened
 *   refused  opening or reading failed with a typed error, and `verify` names a defect as well
 *   older    the commit before; only when the newest commit record itself was lost or damaged
 *
 * Anything else is an escape: wrong bytes were served.
 */
import { BlockStoreError, InvariantError } from '../../src/errors.js';
import { verifyRecords } from '../../src/recovery/verify.js';
import {
  editRecords,
  type Outcome,
  type RecordEditor,
  SimulatedIndexedDB,
} from '../../src/testing/index.js';
import { type Content, Store, VOLUME } from './store-dsl.ts';
import { changed, describe, type Files, sameContent } from './store-model.ts';

export type StoreName = 'files' | 'segments' | 'commits' | 'maps';
const STORES: readonly StoreName[] = ['files', 'segments', 'commits', 'maps'];

/** A store that is whole, and what it holds. */
export interface Specimen {
  readonly outcome: Outcome;
  readonly files: Files;
  /** What each file holds one commit earlier. */
  readonly before: Files;
  /** What each file held before: it may be fallen back to, if that is said. */
  readonly history: ReadonlyMap<string, readonly Content[]>;
  /** States it went through, for stale records. */
  readonly earlier: readonly Outcome[];
}

export interface RecordAt {
  readonly store: StoreName;
  readonly key: IDBValidKey;
  readonly bytes: number;
}

export interface Damage {
  readonly what: string;
  readonly at: RecordAt;
  readonly inflict: (editor: RecordEditor) => void;
  /** Of very many alike: only its own file is looked at, and not written to. */
  readonly light?: boolean;
}

export type Verdict = 'same' | 'refused' | 'older';

export function recordsOf(outcome: Outcome): RecordAt[] {
  const editor = editRecords(outcome, VOLUME);
  return STORES.flatMap((store) =>
    editor.keys(store).map((key) => {
      const value = editor.get(store, key);
      return { store, key, bytes: value instanceof ArrayBuffer ? value.byteLength : 0 };
    }),
  );
}

/** One bit, and all bits, of every `step`th byte. */
export function* flips(at: RecordAt, step = 1): Generator<Damage> {
  for (let byte = 0; byte < at.bytes; byte += step) {
    const inflict = (bits: readonly number[]) => (editor: RecordEditor) => {
      for (const bit of bits) editor.flipBit(at.store, at.key, byte * 8 + bit);
    };
    const light = byte % 8 !== 0;
    yield { what: `byte ${byte}: bit ${byte % 8}`, at, inflict: inflict([byte % 8]), light };
    const all = [0, 1, 2, 3, 4, 5, 6, 7];
    yield { what: `byte ${byte}: inverted`, at, inflict: inflict(all), light: true };
  }
}

export function* truncations(at: RecordAt, step = 1): Generator<Damage> {
  for (let length = 0; length < at.bytes; length += step) {
    const inflict = (editor: RecordEditor) => {
      editor.truncate(at.store, at.key, length);
    };
    yield { what: `cut to ${length} bytes`, at, inflict, light: length % 8 !== 0 };
  }
}

/** Dropped, of another type, one byte longer, or another length of zeros. */
export function* replacements(at: RecordAt): Generator<Damage> {
  const { store, key } = at;
  yield { what: 'dropped', at, inflict: (editor) => editor.drop(store, key) };
  const longer = (editor: RecordEditor) => {
    const bytes = new Uint8Array(at.bytes + 1);
    bytes.set(new Uint8Array(editor.get(store, key) as ArrayBuffer));
    editor.set(store, key, bytes.buffer);
  };
  yield { what: 'one byte longer', at, inflict: longer };
  const values = [
    'text',
    7,
    null,
    true,
    [],
    {},
    new Uint8Array(at.bytes),
    new ArrayBuffer(at.bytes),
  ];
  for (const value of values) {
    const what = `replaced by ${Object.prototype.toString.call(value)}`;
    yield { what, at, inflict: (editor) => editor.set(store, key, value) };
  }
}

/** Copied to each other key of its store, and to the keys beside its own; exchanged with others. */
export function* misplacements(at: RecordAt, all: readonly RecordAt[]): Generator<Damage> {
  const { store, key } = at;
  const others = all.filter((r) => r.store === store && r.key !== key).map((r) => r.key);
  for (const to of [...others, ...neighbours(key)]) {
    const what = `copied to ${JSON.stringify(to)}`;
    yield { what, at: atKey(all, at, to), inflict: (editor) => editor.duplicate(store, key, to) };
  }
  for (const other of others) {
    const what = `exchanged with ${JSON.stringify(other)}`;
    yield { what, at, inflict: (editor) => editor.swap(store, key, other) };
  }
}

/** The record that is overwritten is the one that is damaged. */
function atKey(all: readonly RecordAt[], at: RecordAt, key: IDBValidKey): RecordAt {
  const there = all.find((r) => r.store === at.store && String(r.key) === String(key));
  return there ?? { ...at, key };
}

function neighbours(key: IDBValidKey): IDBValidKey[] {
  if (!Array.isArray(key)) return ['other.db'];
  return key.flatMap((part, i) =>
    [-1, 1].map((by) => key.map((p, j) => (i === j ? Number(part) + by : p)) as IDBValidKey),
  );
}

/** As it was in each earlier state of the store in which it was different. */
export function* relapses(at: RecordAt, earlier: readonly Outcome[]): Generator<Damage> {
  for (const [i, outcome] of earlier.entries()) {
    const inflict = (editor: RecordEditor) => {
      editor.makeStale(at.store, at.key, outcome);
    };
    yield { what: `as it was after step ${i}`, at, inflict };
  }
}

/** @throws if it is an escape, or if `verify` finds nothing where reading failed */
export async function judge(specimen: Specimen, damage: Damage): Promise<Verdict> {
  const editor = editRecords(specimen.outcome, VOLUME);
  damage.inflict(editor);
  const outcome = editor.outcome();
  const verdicts = new Set<Verdict>();
  for (const path of pathsHit(specimen, damage)) {
    try {
      verdicts.add(await judgeFile(specimen, { outcome, path, damage }));
    } catch (cause) {
      const where = `${damage.at.store} ${JSON.stringify(damage.at.key)}: ${damage.what}`;
      throw new Error(`${where}: ${path}: ${String(cause)}`, { cause });
    }
  }
  return verdicts.has('refused') ? 'refused' : verdicts.has('older') ? 'older' : 'same';
}

/** Files are made in the order of their names: the first has id 1. */
function pathsHit({ files }: Specimen, { at, light = false }: Damage): string[] {
  const paths = [...files.keys()];
  const own = Array.isArray(at.key) ? paths[Number(at.key[0]) - 1] : undefined;
  return light && own !== undefined ? [own] : paths;
}

interface Case {
  readonly outcome: Outcome;
  readonly path: string;
  readonly damage: Damage;
}

async function judgeFile(specimen: Specimen, { outcome, path, damage }: Case): Promise<Verdict> {
  const factory = new SimulatedIndexedDB({ trace: false }, outcome.databases);
  let store: Store | undefined;
  try {
    store = await Store.open({ factory, paths: [path] });
    const served = await store.read(path);
    const verdict = verdictOn(specimen, { store, path, served, damage });
    if (store.file(path).fellBack) await expectReported(factory, store, path);
    if (!damage.light) await expectWritable(store, path, served);
    return verdict;
  } catch (cause) {
    expectTyped(cause);
    await expectReported(factory, store, path);
    return 'refused';
  } finally {
    factory.halt();
  }
}

/** @throws if neither the newest content was read nor, where that may be, an older one */
function verdictOn(
  { files, before, history }: Specimen,
  at: {
    readonly store: Store;
    readonly path: string;
    readonly served: Content;
    readonly damage: Damage;
  },
): Verdict {
  const { path, served, damage } = at;
  const newest = files.get(path);
  const older = before.get(path);
  if (!newest || !older) throw new Error('the specimen has no such file');
  const { fellBack } = at.store.file(path);
  // What is fallen back to bears the version that was lost, so that it is not given again.
  const found = fellBack ? { ...served, version: fellBack.marker.version } : served;
  if (sameContent(found, newest)) return 'same';
  if (fellBack && history.get(path)?.some((content) => sameContent(found, content))) return 'older';
  const mayBe = hitsMarker(files, path, damage) && older.version > 0;
  if (mayBe && sameContent(found, older)) return 'older';
  throw new Error(`other content was served: ${describe(new Map([[path, found]]))}`);
}

function expectTyped(cause: unknown): void {
  if (cause instanceof BlockStoreError && !(cause instanceof InvariantError)) return;
  throw cause;
}

/** What was read may be written to as well: that gives neither other bytes nor other errors. */
async function expectWritable(store: Store, path: string, before: Content): Promise<void> {
  const change = { path, writes: new Map([[0, 0xabcdef]]) };
  await store.commit([change], 'strict');
  for (const file of store.files.values()) file.reader.clear();
  const found = await store.read(path);
  if (sameContent(found, changed(before, change))) return;
  throw new Error(`one commit later: ${describe(new Map([[path, found]]))}`);
}

/** `verify` names a defect, or cannot so much as open the volume. */
async function expectReported(
  factory: SimulatedIndexedDB,
  opened: Store | undefined,
  path: string,
): Promise<void> {
  try {
    const store = opened ?? (await Store.open({ factory, paths: [] }));
    const defects = opened
      ? await opened.verify(path)
      : (await verifyRecords(store.volume.connection, path, { repair: false })).defects;
    if (defects.length === 0) throw new Error('verify found nothing.');
  } catch (cause) {
    expectTyped(cause);
  }
}

/** True if the damage is to the newest commit record of the file. */
function hitsMarker(files: Files, path: string, { at }: Damage): boolean {
  const id = [...files.keys()].indexOf(path) + 1;
  return at.store === 'commits' && String(at.key) === String([id, files.get(path)?.version]);
}
