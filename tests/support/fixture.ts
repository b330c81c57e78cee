/** A whole volume as JSON: how a released format is kept for ever. */
import { editRecords, type Outcome, SimulatedIndexedDB } from '../../src/testing/index.js';
import { Store, VOLUME } from './store-dsl.ts';
import type { Files } from './store-model.ts';

export interface Fixture {
  /** Per store: key as JSON → bytes in hexadecimal. */
  readonly stores: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What its files hold. */
  readonly files: Readonly<Record<string, FixtureFile>>;
}

interface FixtureFile {
  readonly version: number;
  readonly blockBytes: number;
  /** Null for zeros. */
  readonly marks: readonly (number | null)[];
}

export function toFixture(outcome: Outcome, files: Files): Fixture {
  const editor = editRecords(outcome, VOLUME);
  const stores: Record<string, Record<string, string>> = {};
  for (const store of editor.stores()) {
    const records: Record<string, string> = {};
    for (const key of editor.keys(store)) {
      const value = editor.get(store, key) as ArrayBuffer;
      records[JSON.stringify(key)] = Buffer.from(value).toString('hex');
    }
    stores[store] = records;
  }
  const told: Record<string, FixtureFile> = {};
  for (const [path, { version, blockBytes, marks }] of files) {
    told[path] = { version, blockBytes, marks: marks.map((mark) => mark ?? null) };
  }
  return { stores, files: told };
}

export function filesOf(fixture: Fixture): Files {
  return new Map(
    Object.entries(fixture.files).map(([path, { version, blockBytes, marks }]) => [
      path,
      { version, blockBytes, marks: marks.map((mark) => mark ?? undefined) },
    ]),
  );
}

/** A store with exactly the fixture's records. */
export async function outcomeOfFixture({ stores }: Fixture): Promise<Outcome> {
  const sim = new SimulatedIndexedDB({ trace: false });
  await (await Store.open({ factory: sim, paths: [] })).close();
  await sim.idle();
  const [empty] = sim.outcomes('process');
  if (!empty) throw new Error('There is no volume.');
  const editor = editRecords(empty, VOLUME);
  for (const [store, records] of Object.entries(stores)) {
    for (const [key, hex] of Object.entries(records)) {
      const value = new Uint8Array(Buffer.from(hex, 'hex')).buffer;
      editor.set(store, JSON.parse(key) as IDBValidKey, value);
    }
  }
  return editor.outcome();
}
