/** Stores as a simulation left them, to be damaged record by record and opened again. */
import type { Connection } from '../../src/blockstore/connection.js';
import { type Salvage, salvage } from '../../src/recovery/salvage.js';
import {
  editRecords,
  type Outcome,
  type RecordEditor,
  SimulatedIndexedDB,
} from '../../src/testing/index.js';
import type { Durability } from '../../src/types.js';
import { writeSalvaged } from '../../src/vfs/salvage.js';
import { type Change, type Content, Store, type StoreOptions, VOLUME } from './store-dsl.ts';

export const PATH = 'one.db';

type Options = Partial<StoreOptions>;

/** A change that fills `count` blocks from `first` on, each with a mark of its own. */
export function blocks(first: number, count: number, mark: number, path: string = PATH): Change {
  const writes = new Map<number, number>();
  for (let block = first; block < first + count; block++) writes.set(block, mark * 65536 + block);
  return { path, writes };
}

/** Works on a store and says what is left when the page is gone. */
export async function after(
  work: (store: Store) => Promise<void>,
  options: Options & { readonly from?: Outcome } = {},
): Promise<Outcome> {
  const { from, ...rest } = options;
  const factory = new SimulatedIndexedDB({ seed: 1 }, from?.databases);
  const store = await open(factory, rest);
  await work(store);
  await store.close();
  return await outcomeOf(factory);
}

/** What a page that opens the store would find. */
export async function outcomeOf(factory: SimulatedIndexedDB): Promise<Outcome> {
  await factory.idle();
  return factory.outcomes('process')[0] as Outcome;
}

/** Commits each change in turn. */
export async function committed(
  changes: readonly Change[],
  options: Options & { readonly from?: Outcome; readonly durability?: Durability } = {},
): Promise<Outcome> {
  const { durability = 'strict', ...rest } = options;
  return await after(async (store) => {
    for (const change of changes) await store.commit([change], durability);
  }, rest);
}

export function simulated(outcome: Outcome): SimulatedIndexedDB {
  return new SimulatedIndexedDB({ seed: 2 }, outcome.databases);
}

export function open(factory: IDBFactory, options: Options = {}): Promise<Store> {
  return Store.open({ paths: [PATH], ...options, factory });
}

/** A connection to a store of which nothing is open. */
export async function connectedTo(factory: IDBFactory): Promise<Connection> {
  return (await open(factory, { paths: [] })).volume.connection;
}

export function keysOf(outcome: Outcome, store: string): IDBValidKey[] {
  return editRecords(outcome, VOLUME).keys(store);
}

/** Salvages the file into another path of the same store. */
export async function salvaged(
  factory: SimulatedIndexedDB,
): Promise<{ readonly report: Salvage['report']; readonly content: Content }> {
  const to = 'saved.db';
  const store = await open(factory, { paths: [to] });
  const found = await salvage(store.volume.connection, PATH);
  const options = { spillBytes: 65536, cacheBytes: 65536, checksum: 'xxhash32' } as const;
  let nonces = 0;
  await writeSalvaged(found, {
    file: store.file(to),
    committer: store.volume.committer,
    options: { ...options, nonce: () => [7, ++nonces] },
  });
  const content = await store.read(to);
  await store.close();
  return { report: found.report, content };
}

/** One way a record comes to harm. */
export interface Harm {
  readonly name: string;
  readonly inflict: (outcome: Outcome, store: string, key: IDBValidKey) => Outcome;
}

/** The store with its records changed behind the block store's back. */
export function edited(outcome: Outcome, edit: (records: RecordEditor) => unknown): Outcome {
  const editor = editRecords(outcome, VOLUME);
  edit(editor);
  return editor.outcome();
}

export const LOST: Harm = {
  name: 'lost',
  inflict: (outcome, store, key) => edited(outcome, (e) => e.drop(store, key)),
};

/** What leaves a record in its place that is none. */
export const DAMAGES: readonly Harm[] = [
  {
    name: 'changed in one bit',
    inflict: (outcome, store, key) => edited(outcome, (e) => e.flipBit(store, key, 8 * 30 + 3)),
  },
  {
    name: 'cut short',
    inflict: (outcome, store, key) => edited(outcome, (e) => e.truncate(store, key, 30)),
  },
  {
    name: 'of another type',
    inflict: (outcome, store, key) => edited(outcome, (e) => e.set(store, key, 'text')),
  },
];

/** Has something happen between the next reads of exactly these object stores and what they lead to. */
export function afterReads(
  connection: Connection,
  stores: readonly string[],
  act: () => Promise<unknown>,
  times = 1,
): void {
  const read = connection.read.bind(connection);
  let left = times;
  connection.read = async (asked, body) => {
    const found = await read(asked, body);
    if (left > 0 && String(asked) === String(stores)) {
      left--;
      await act();
    }
    return found;
  };
}
