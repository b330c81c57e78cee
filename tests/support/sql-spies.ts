/** What tests see of IndexedDB behind the VFS's back. */

/** One idbTx as it was asked for. */
export interface SeenIdbTx {
  readonly stores: readonly string[];
  readonly mode: IDBTransactionMode;
  readonly durability: IDBTransactionDurability;
  readonly tx: IDBTransaction;
  /** It has added a commit record. */
  commits: boolean;
}

export interface IdbTxSpy {
  readonly seen: SeenIdbTx[];
  /** idbTxs that added commit records. */
  commits(): SeenIdbTx[];
  /** Forgets what was seen. */
  clear(): void;
  restore(): void;
}

/**
 * Notes every idbTx on `volume` until `restore`. The hooks may act on it: hold it open, abort it.
 * Patches the prototypes, so that the VFS gets genuine objects.
 */
export function spyIdbTxs(
  volume: string,
  hooks: { onBegin?(begun: SeenIdbTx): void; onCommit?(begun: SeenIdbTx): void } = {},
): IdbTxSpy {
  const { transaction } = IDBDatabase.prototype;
  const { add } = IDBObjectStore.prototype;
  const seen: SeenIdbTx[] = [];
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, stores, mode, options) {
    const tx = transaction.call(this, stores, mode, options);
    if (this.name !== volume) return tx;
    const { durability } = tx;
    const begun = {
      stores: [...tx.objectStoreNames],
      mode: tx.mode,
      durability,
      tx,
      commits: false,
    };
    seen.push(begun);
    hooks.onBegin?.(begun);
    return tx;
  };
  IDBObjectStore.prototype.add = function (this: IDBObjectStore, value, key) {
    const begun = this.name === 'commits' && seen.find(({ tx }) => tx === this.transaction);
    if (begun && !begun.commits) {
      begun.commits = true;
      hooks.onCommit?.(begun);
    }
    return add.call(this, value, key);
  };
  return {
    seen,
    commits: () => seen.filter(({ commits }) => commits),
    clear: () => {
      seen.length = 0;
    },
    restore: () => {
      IDBDatabase.prototype.transaction = transaction;
      IDBObjectStore.prototype.add = add;
    },
  };
}

/**
 * Lets every idbTx that adds a commit record end in `abort`, until `restore`: one alone is sent again.
 */
export function failCommits(volume: string): IdbTxSpy {
  const onCommit = ({ tx }: SeenIdbTx) => {
    tx.commit = () => tx.abort();
  };
  return spyIdbTxs(volume, { onCommit });
}

export interface RawFile {
  readonly commits: readonly number[];
  /** Versions of the segments above the greatest commit record. */
  readonly orphans: readonly number[];
  readonly segments: number;
}

/** A file's records as they stand in the store, read without the VFS. */
export async function rawFile(volume: string, file = 1): Promise<RawFile> {
  const db = await openRaw(volume);
  try {
    const [commitKeys, segmentKeys] = await Promise.all(
      ['commits', 'segments'].map((store) => keysOf(db, store)),
    );
    const own = (keys: IDBValidKey[] | undefined) =>
      ((keys ?? []) as number[][]).filter(([id]) => id === file).map(([, version]) => version ?? 0);
    const commits = own(commitKeys);
    const segments = own(segmentKeys);
    const marker = Math.max(0, ...commits);
    return {
      commits,
      orphans: segments.filter((version) => version > marker),
      segments: segments.length,
    };
  } finally {
    db.close();
  }
}

const HEADER_BYTES = 100;
const SQLITE_MAGIC = 'SQLite format 3\0';

/** Every SQLite header that lies in the volume, superseded ones included. */
export async function storedHeaders(volume: string): Promise<Uint8Array[]> {
  const db = await openRaw(volume);
  try {
    const segments = await answer(db.transaction('segments').objectStore('segments').getAll());
    return segments.flatMap((segment) => headersIn(new Uint8Array(segment as ArrayBuffer)));
  } finally {
    db.close();
  }
}

function headersIn(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; at += 512) {
    const magic = String.fromCharCode(...bytes.subarray(at, at + SQLITE_MAGIC.length));
    if (magic === SQLITE_MAGIC) found.push(bytes.subarray(at, at + HEADER_BYTES));
  }
  return found;
}

export function openRaw(volume: string): Promise<IDBDatabase> {
  return answer(indexedDB.open(volume));
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function keysOf(db: IDBDatabase, store: string): Promise<IDBValidKey[]> {
  return answer(db.transaction(store).objectStore(store).getAllKeys());
}

/** Keeps a readwrite idbTx of our own alive over all stores until the returned function is called. */
export async function holdVolume(name: string): Promise<() => void> {
  const db = await openRaw(name);
  const tx = db.transaction([...db.objectStoreNames], 'readwrite');
  let held = true;
  const again = () => {
    if (held) tx.objectStore('files').get('').onsuccess = again;
    else db.close();
  };
  await new Promise<void>((resolve) => {
    tx.objectStore('files').get('').onsuccess = () => {
      resolve();
      again();
    };
  });
  return () => {
    held = false;
  };
}
