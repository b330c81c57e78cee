/** A small program on plain IndexedDB, which writes down what it is told. */
export interface PutOptions {
  readonly store?: string;
  readonly durability?: IDBTransactionDurability;
  /** Whether it calls commit(). Default false. */
  readonly commits?: boolean;
}

export class Program {
  readonly factory: IDBFactory;
  /** What openings and connections were told. */
  readonly heard: string[] = [];
  onversionchange: (() => void) | undefined;
  readonly #name: string;
  readonly #open: IDBDatabase[] = [];

  constructor(factory: IDBFactory, name: string) {
    this.factory = factory;
    this.#name = name;
  }

  async open(version: number | 'current' = 1): Promise<IDBDatabase> {
    const wanted = version === 'current' ? undefined : version;
    const request = this.factory.open(this.#name, wanted);
    request.addEventListener('upgradeneeded', () => {
      this.heard.push('upgradeneeded');
      for (const store of ['a', 'b']) {
        const isThere = request.result.objectStoreNames.contains(store);
        if (!isThere) request.result.createObjectStore(store);
      }
    });
    request.addEventListener('blocked', () => this.heard.push('blocked'));
    const db = await this.#result(request);
    this.heard.push('open');
    this.#open.push(db);
    db.onclose = () => this.heard.push('close');
    db.onversionchange = ({ oldVersion, newVersion }) => {
      this.heard.push(`versionchange ${oldVersion}→${newVersion}`);
      this.onversionchange?.();
    };
    return db;
  }

  async remove(): Promise<void> {
    await this.#result(this.factory.deleteDatabase(this.#name));
  }

  /** Events of the request and of its idbTx, in order. */
  async put(
    db: IDBDatabase,
    key: IDBValidKey,
    value: unknown,
    { store = 'a', durability = 'default', commits = false }: PutOptions = {},
  ): Promise<string> {
    const idbTx = db.transaction(store, 'readwrite', { durability });
    const answer = this.answer(idbTx.objectStore(store).put(value, key));
    const ended = this.ended(idbTx);
    if (commits) idbTx.commit();
    return `${await answer} ${await ended}`;
  }

  /** Reads and writes in one idbTx, each in the callback of the request before. */
  increment(db: IDBDatabase, key: IDBValidKey): Promise<string> {
    const idbTx = db.transaction('a', 'readwrite');
    const store = idbTx.objectStore('a');
    const read = store.get(key);
    read.onsuccess = () => store.put(((read.result as number | undefined) ?? 0) + 1, key);
    return this.ended(idbTx);
  }

  /** Records by key; bytes as lists. */
  async all(db: IDBDatabase, store = 'a'): Promise<Record<string, unknown>> {
    const idbTx = db.transaction(store);
    const records = idbTx.objectStore(store);
    const [keys, values] = [records.getAllKeys(), records.getAll()];
    await this.#result(values);
    const readable = (value: unknown) => (value instanceof Uint8Array ? [...value] : value);
    return Object.fromEntries(
      keys.result.map((key, i) => [String(key), readable(values.result[i])]),
    );
  }

  async wipe(db: IDBDatabase): Promise<void> {
    const idbTx = db.transaction(['a', 'b'], 'readwrite');
    for (const store of ['a', 'b']) idbTx.objectStore(store).clear();
    await this.ended(idbTx);
  }

  answer(request: IDBRequest): Promise<string> {
    return new Promise((resolve) => {
      request.onsuccess = () => resolve('success');
      request.onerror = () => resolve(`error:${request.error?.name}`);
    });
  }

  ended(idbTx: IDBTransaction): Promise<string> {
    return new Promise((resolve) => {
      idbTx.oncomplete = () => resolve('complete');
      idbTx.onabort = () => resolve(`abort:${idbTx.error?.name ?? null}`);
    });
  }

  closeAll(): void {
    for (const db of this.#open) db.close();
  }

  #result<T>(request: IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error));
    });
  }
}

/** Long enough for whatever is to happen by itself. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
