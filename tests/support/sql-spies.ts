/** What tests see of IndexedDB behind the VFS's back. */

/** One idbTx as it was asked for. */
export interface SeenIdbTx {
  readonly volume: string;
  readonly stores: readonly string[];
  readonly mode: IDBTransactionMode;
  readonly durability: IDBTransactionDurability;
  readonly tx: IDBTransaction;
}

export interface IdbTxSpy {
  readonly seen: SeenIdbTx[];
  /** Readwrite idbTxs that may add commit records. */
  commits(): SeenIdbTx[];
  /** Forgets what was seen. */
  clear(): void;
  restore(): void;
}

/**
 * Notes every idbTx on `volume` until `restore`. `onBegin` may act on it: hold it open, abort it.
 * Patches the prototype, so that the VFS gets genuine objects.
 */
export function spyIdbTxs(volume: string, onBegin?: (begun: SeenIdbTx) => void): IdbTxSpy {
  const original = IDBDatabase.prototype.transaction;
  const seen: SeenIdbTx[] = [];
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, stores, mode, options) {
    const tx = original.call(this, stores, mode, options);
    if (this.name === volume) {
      const begun: SeenIdbTx = {
        volume: this.name,
        stores: [...tx.objectStoreNames],
        mode: tx.mode,
        durability: tx.durability,
        tx,
      };
      seen.push(begun);
      onBegin?.(begun);
    }
    return tx;
  };
  return {
    seen,
    commits: () => seen.filter(isCommit),
    clear: () => {
      seen.length = 0;
    },
    restore: () => {
      IDBDatabase.prototype.transaction = original;
    },
  };
}

export function isCommit(begun: SeenIdbTx): boolean {
  return begun.mode === 'readwrite' && begun.stores.includes('commits');
}

/** Aborts the next idbTx that may add commit records. */
export function failNextCommit(volume: string): IdbTxSpy {
  let armed = true;
  return spyIdbTxs(volume, (begun) => {
    if (!armed || !isCommit(begun)) return;
    armed = false;
    queueMicrotask(() => begun.tx.abort());
  });
}

export interface RawFile {
  readonly commits: readonly number[];
  /** Versions of the segments above the greatest commit record. */
  readonly orphans: readonly number[];
  readonly segments: number;
}

/** A file's records as they stand in the store, read without the VFS. */
export async function rawFile(volume: string, file = 1): Promise<RawFile> {
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(volume);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
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

function keysOf(db: IDBDatabase, store: string): Promise<IDBValidKey[]> {
  return new Promise((resolve, reject) => {
    const request = db.transaction(store).objectStore(store).getAllKeys();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
