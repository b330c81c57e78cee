/** A volume's records as IndexedDB has them, past all code under test. */
import { FORMAT_VERSION, STORES, type StoreName } from '../../src/format/keys.js';

export interface RawRecord {
  readonly store: StoreName;
  readonly key: IDBValidKey;
  readonly value: unknown;
}

/** Opens the database as it is. Close it: it would block a deletion. */
export function openRaw(name: string, version?: number): Promise<IDBDatabase> {
  return promised(indexedDB.open(name, version));
}

export function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export function completed(tx: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error);
  });
}

/** All records of a volume. */
export async function dump(name: string): Promise<RawRecord[]> {
  const db = await openRaw(name, FORMAT_VERSION);
  try {
    const tx = db.transaction([...STORES], 'readonly');
    const records: RawRecord[] = [];
    for (const store of STORES) {
      const [keys, values] = await Promise.all([
        promised(tx.objectStore(store).getAllKeys()),
        promised(tx.objectStore(store).getAll() as IDBRequest<unknown[]>),
      ]);
      records.push(...keys.map((key, i) => ({ store, key, value: values[i] })));
    }
    return records;
  } finally {
    db.close();
  }
}

/** The dump as text, to be compared: one line per record, its key and its bytes. */
export async function picture(name: string): Promise<string[]> {
  return (await dump(name)).map(({ store, key, value }) => {
    const text = value instanceof ArrayBuffer ? hex(value) : `${typeof value} ${String(value)}`;
    return `${store} ${JSON.stringify(key)} ${text}`;
  });
}

/** Keys of one store, as text. */
export async function keysOf(name: string, store: StoreName): Promise<string[]> {
  const records = await dump(name);
  return records.filter((r) => r.store === store).map(({ key }) => JSON.stringify(key));
}

/** Changes records in one idbTx. */
export async function edit(name: string, change: (tx: IDBTransaction) => void): Promise<void> {
  const db = await openRaw(name, FORMAT_VERSION);
  try {
    const tx = db.transaction([...STORES], 'readwrite');
    const done = completed(tx);
    change(tx);
    await done;
  } finally {
    db.close();
  }
}

export async function put(name: string, records: readonly RawRecord[]): Promise<void> {
  await edit(name, (tx) => {
    for (const { store, key, value } of records) tx.objectStore(store).put(value, key);
  });
}

export async function drop(name: string, at: Omit<RawRecord, 'value'>): Promise<void> {
  await edit(name, (tx) => tx.objectStore(at.store).delete(at.key));
}

/** Makes a volume of these records, without any code under test. */
export async function create(name: string, records: readonly RawRecord[]): Promise<void> {
  const request = indexedDB.open(name, FORMAT_VERSION);
  request.onupgradeneeded = () => {
    for (const store of STORES) request.result.createObjectStore(store);
  };
  (await promised(request)).close();
  await put(name, records);
}

/** Puts every record back, and nothing else. */
export async function restore(name: string, records: readonly RawRecord[]): Promise<void> {
  await edit(name, (tx) => {
    for (const store of STORES) tx.objectStore(store).clear();
    for (const { store, key, value } of records) tx.objectStore(store).put(value, key);
  });
}

/** A copy with one bit of one byte flipped. */
export function flipped(value: unknown, at: number, bit: number): ArrayBuffer {
  const copy = (value as ArrayBuffer).slice(0);
  const bytes = new Uint8Array(copy);
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  return copy;
}

function hex(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
