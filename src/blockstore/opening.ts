/**
 * Opens a volume: creates it if it is new, refuses what is not ours or newer, touches neither.
 */
import { type IDBPDatabase, unwrap, wrap } from 'idb';
import {
  type BlockStoreError,
  FormatVersionError,
  fromDomException,
  NotAVolumeError,
} from '../errors.js';
import { encodeVolume } from '../format/files.js';
import { FORMAT_VERSION, STORES, VOLUME_KEY } from '../format/keys.js';
import type { Watchdog } from './watchdog.js';

export interface OpeningOptions {
  readonly name: string;
  readonly factory: IDBFactory;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** @throws FormatVersionError, NotAVolumeError, ConnectionLostError, QuotaError, StorageError */
export async function openVolume(
  options: OpeningOptions,
  watchdog: Watchdog,
): Promise<IDBDatabase> {
  const { name } = options;
  const db = await request(options, watchdog).catch(async (cause: unknown) => {
    throw await whyNotOpened(options, watchdog, cause);
  });
  const missing = STORES.filter((store) => !db.objectStoreNames.contains(store));
  if (missing.length > 0 || db.objectStoreNames.length !== STORES.length) {
    db.close();
    throw new NotAVolumeError(name, 'its object stores are not ours');
  }
  return db;
}

async function request(options: OpeningOptions, watchdog: Watchdog): Promise<IDBDatabase> {
  const opening = options.factory.open(options.name, FORMAT_VERSION);
  const refusal: { error?: DOMException | null } = {};
  opening.onupgradeneeded = (event) => {
    const transaction = opening.transaction as IDBTransaction;
    transaction.addEventListener('abort', () => {
      refusal.error = transaction.error;
    });
    upgrade(transaction, event.oldVersion, options);
  };
  const opened = wrap(opening).then((db) => unwrap(db as IDBPDatabase));
  try {
    return await watchdog.limit(opened);
  } catch (cause) {
    // If it comes after all, nobody waits for it: left open it would stand in others' way.
    opened.then(
      (db) => db.close(),
      () => undefined,
    );
    // The request says only that the upgrade was aborted; its idbTx says why.
    throw refusal.error ?? cause;
  }
}

/** One versionchange idbTx, so an interrupted one leaves what was there before. */
function upgrade(transaction: IDBTransaction, oldVersion: number, { now }: OpeningOptions): void {
  // Version 1 is our first: whatever has another is not a volume of ours to be changed.
  if (oldVersion !== 0) {
    transaction.abort();
    return;
  }
  for (const store of STORES) transaction.db.createObjectStore(store);
  const volume = encodeVolume({ nextFileId: 1, createdMs: now() });
  transaction.objectStore('files').put(volume, VOLUME_KEY);
}

async function whyNotOpened(
  { name, factory }: OpeningOptions,
  watchdog: Watchdog,
  cause: unknown,
): Promise<BlockStoreError> {
  if ((cause as DOMException | null)?.name !== 'VersionError') {
    return fromDomException(cause, name, 'opening the volume');
  }
  const listed = Promise.resolve(factory.databases?.());
  const all = await watchdog.limit(listed).catch(() => undefined);
  const found = all?.find((db) => db.name === name)?.version ?? FORMAT_VERSION + 1;
  return new FormatVersionError(name, { found, supported: FORMAT_VERSION });
}
