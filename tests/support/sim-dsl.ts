/** A small language for tests about the simulation itself. */
import type { CrashKind, Outcome, SimulatedIndexedDB } from '../../src/testing/index.js';

export const DB = 'db';

export function openDatabase(
  factory: IDBFactory,
  options: { readonly name?: string; readonly version?: number } = {},
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open(options.name ?? DB, options.version ?? 1);
    request.onupgradeneeded = () => {
      for (const store of ['a', 'b']) {
        if (!request.result.objectStoreNames.contains(store)) {
          request.result.createObjectStore(store);
        }
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export interface PutOptions {
  readonly store?: string;
  readonly durability?: IDBTransactionDurability;
}

/** Puts one record in an idbTx of its own; the idbTx is given back before it ends. */
export function startPut(
  db: IDBDatabase,
  [key, value]: readonly [key: IDBValidKey, value: unknown],
  { store = 'a', durability = 'strict' }: PutOptions = {},
): IDBTransaction {
  const tx = db.transaction(store, 'readwrite', { durability });
  tx.objectStore(store).put(value, key);
  return tx;
}

export async function put(
  db: IDBDatabase,
  record: readonly [key: IDBValidKey, value: unknown],
  options?: PutOptions,
): Promise<void> {
  await ended(startPut(db, record, options));
}

/** Rejects with the idbTx's error when it aborts. */
export function ended(tx: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.addEventListener('complete', () => resolve());
    tx.addEventListener('abort', () => reject(tx.error ?? new Error('aborted')));
  });
}

export function getAll(db: IDBDatabase, store = 'a'): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const request = db.transaction(store).objectStore(store).getAll();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The values of store `a` in each outcome, in the order of the outcomes. */
export async function contents(sim: SimulatedIndexedDB, kind: CrashKind): Promise<string[]> {
  return await Promise.all(sim.outcomes(kind).map((outcome) => contentOf(sim, outcome)));
}

export async function contentOf(sim: SimulatedIndexedDB, outcome: Outcome): Promise<string> {
  if (!outcome.databases.has(DB)) return 'nothing';
  const db = await openDatabase(sim.fork(outcome));
  return [...(await getAll(db)), ...(await getAll(db, 'b'))].join(' ');
}

/** Notes what a crash would leave after the first turn whose description has `text` in it. */
export function outcomesAfter(
  sim: SimulatedIndexedDB,
  text: string,
): (kind: CrashKind) => Promise<string[]> {
  const noted = new Map<CrashKind, Outcome[]>();
  const stop = sim.onTurn((_turn, description) => {
    if (!description.includes(text)) return;
    for (const kind of ['process', 'power'] as const) noted.set(kind, sim.outcomes(kind));
    stop();
  });
  return (kind) => Promise.all((noted.get(kind) ?? []).map((outcome) => contentOf(sim, outcome)));
}

/** Runs until a turn whose description has `text` in it is over. */
export function turnOf(sim: SimulatedIndexedDB, text: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = sim.onTurn((_turn, description) => {
      if (!description.includes(text)) return;
      stop();
      resolve();
    });
  });
}
