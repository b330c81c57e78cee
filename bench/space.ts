/** What a database takes up in its storage: the bytes of its IndexedDB records, or of its OPFS files. */
import { openDB } from 'idb';
import { byteCountOf } from './write-counter.ts';

const RECORDS_EACH = 100;

/** @param database as contenders are given it; they may have replaced its slashes. */
export async function storedBytes(database: string): Promise<number> {
  const names = [database, database.replaceAll('/', '-')];
  let bytes = 0;
  for (const { name } of await indexedDB.databases()) {
    if (name !== undefined && names.includes(name)) bytes += await bytesOfRecords(name);
  }
  const root = await navigator.storage.getDirectory?.();
  if (!root) return bytes;
  for await (const [name, handle] of entriesOf(root)) {
    if (names.some((ours) => name.startsWith(ours))) bytes += await bytesOfFiles(handle);
  }
  return bytes;
}

async function bytesOfRecords(name: string): Promise<number> {
  const db = await openDB(name);
  let bytes = 0;
  for (const store of db.objectStoreNames) {
    for (let range: IDBKeyRange | null = null, full = true; full; ) {
      const [keys, values]: [IDBValidKey[], unknown[]] = await Promise.all([
        db.getAllKeys(store, range, RECORDS_EACH),
        db.getAll(store, range, RECORDS_EACH),
      ]);
      bytes += values.reduce<number>((sum, value) => sum + byteCountOf(value), 0);
      full = keys.length === RECORDS_EACH;
      if (full) range = IDBKeyRange.lowerBound(keys.at(-1), true);
    }
  }
  db.close();
  return bytes;
}

async function bytesOfFiles(handle: FileSystemHandle): Promise<number> {
  if (handle.kind === 'file') return (await (handle as FileSystemFileHandle).getFile()).size;
  let bytes = 0;
  for await (const [, inner] of entriesOf(handle as FileSystemDirectoryHandle)) {
    bytes += await bytesOfFiles(inner);
  }
  return bytes;
}

/** The types know directories without their entries. */
function entriesOf(folder: FileSystemDirectoryHandle) {
  return (
    folder as FileSystemDirectoryHandle & {
      entries(): AsyncIterable<[string, FileSystemHandle]>;
    }
  ).entries();
}
