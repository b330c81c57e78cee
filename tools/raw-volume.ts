/** Looks into a volume's stores without the code that wrote them: evidence of its own. */

export interface RawVolume {
  /** Path → id of every file that has a record. */
  readonly files: Readonly<Record<string, number>>;
  /** Id → version of the newest commit record. */
  readonly markers: Readonly<Record<number, number>>;
  /** Id → number of segments above the marker: of a sqliteTx that did not commit. */
  readonly segmentsAbove: Readonly<Record<number, number>>;
  readonly commits: number;
  readonly segments: number;
  /** Bytes of all values of all stores; undefined if they were not asked for. */
  readonly bytes: number | undefined;
}

const STORES = ['files', 'segments', 'commits', 'maps'] as const;
/** Byte offset of the file id in a file record (docs/FORMAT.md §3). */
const FILE_ID_OFFSET = 16;
/** Values of one `getAll`: at most 15 MB of segments. */
const VALUES_PER_REQUEST = 256;

/**
 * Undefined if the volume does not exist, or was never completely created.
 * @param options `bytes`: count them, which reads everything. Default true.
 */
export async function readRawVolume(
  name: string,
  options: { readonly bytes: boolean } = { bytes: true },
): Promise<RawVolume | undefined> {
  if (!(await exists(name))) return undefined;
  const database = await answer(indexedDB.open(name));
  try {
    if (!STORES.every((store) => database.objectStoreNames.contains(store))) return undefined;
    const idbTx = database.transaction(STORES, 'readonly');
    const files = await readFiles(idbTx.objectStore('files'));
    const commitKeys = await keysOf(idbTx.objectStore('commits'));
    const segmentKeys = await keysOf(idbTx.objectStore('segments'));
    const markers: Record<number, number> = {};
    for (const [file = 0, version = 0] of commitKeys) markers[file] = version;
    const segmentsAbove: Record<number, number> = {};
    for (const [file = 0, version = 0] of segmentKeys) {
      if (version > (markers[file] ?? 0)) segmentsAbove[file] = (segmentsAbove[file] ?? 0) + 1;
    }
    const bytes = options.bytes ? await bytesOfAll(idbTx) : undefined;
    const counts = { commits: commitKeys.length, segments: segmentKeys.length };
    return { files, markers, segmentsAbove, ...counts, bytes };
  } finally {
    database.close();
  }
}

/** One number for all records of a volume: two volumes with the same have the same records. */
export async function digestVolume(name: string): Promise<string> {
  if (!(await exists(name))) return 'none';
  const database = await answer(indexedDB.open(name));
  const parts: BlobPart[] = [];
  try {
    const stores = [...database.objectStoreNames].sort();
    const idbTx = database.transaction(stores, 'readonly');
    for (const store of stores) {
      await forEachBatch(idbTx.objectStore(store), (keys, values) => {
        const lengths = values.map(({ byteLength }) => byteLength);
        parts.push(JSON.stringify([store, keys, lengths]), ...values);
      });
    }
  } finally {
    database.close();
  }
  const bytes = await new Blob(parts).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** WebKit also lists one whose making was interrupted, as version 0; to open that would make it. */
async function exists(name: string): Promise<boolean> {
  const known = await indexedDB.databases();
  return known.some((database) => database.name === name && database.version !== 0);
}

async function readFiles(store: IDBObjectStore): Promise<Record<string, number>> {
  const paths = await answer(store.getAllKeys());
  const values = (await answer(store.getAll())) as ArrayBuffer[];
  const files: Record<string, number> = {};
  paths.forEach((path, i) => {
    const value = values[i];
    if (path === '' || !value) return;
    files[String(path)] = new DataView(value).getUint32(FILE_ID_OFFSET, true);
  });
  return files;
}

async function keysOf(store: IDBObjectStore): Promise<number[][]> {
  return (await answer(store.getAllKeys())) as number[][];
}

async function bytesOfAll(idbTx: IDBTransaction): Promise<number> {
  let bytes = 0;
  for (const store of STORES) {
    await forEachBatch(idbTx.objectStore(store), (_keys, values) => {
      for (const value of values) bytes += value.byteLength;
    });
  }
  return bytes;
}

/** Visits all records of a store, in order. */
async function forEachBatch(
  store: IDBObjectStore,
  visit: (keys: readonly IDBValidKey[], values: readonly ArrayBuffer[]) => void,
): Promise<void> {
  for (let after: IDBKeyRange | undefined; ; ) {
    const [keys, values] = await Promise.all([
      answer(store.getAllKeys(after, VALUES_PER_REQUEST)),
      answer(store.getAll(after, VALUES_PER_REQUEST)) as Promise<ArrayBuffer[]>,
    ]);
    visit(keys, values);
    if (keys.length < VALUES_PER_REQUEST) return;
    after = IDBKeyRange.lowerBound(keys.at(-1), true);
  }
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
