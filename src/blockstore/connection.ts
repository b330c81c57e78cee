/**
 * The volume's one IndexedDB connection: opened anew when it is lost, within a budget.
 *
 *   I9  One call finds at most LOSSES_MAX connections dead, and each is opened in at most
 *       1 + REOPEN_WAITS_MS.length attempts; what never answers is repeated once (watchdog.ts).
 *       Closing waits for what is open no longer than for an answer.
 *
 *   closed ──open──▶ open ──lost (close, InvalidStateError, no answer, versionchange)──▶ closed
 *      └──────close──────▶ closing ──all idbTxs ended, or overdue──▶ shut
 */
import {
  BlockStoreError,
  ConnectionLostError,
  fromDomException,
  isConnectionLoss,
  isTimeout,
} from '../errors.js';
import type { StoreName } from '../format/keys.js';
import type { Timer } from '../timer.js';
import { type OpeningOptions, openVolume } from './opening.js';
import { abort, type RequestCounters, Requests } from './requests.js';
import { type Watch, Watchdog } from './watchdog.js';

/** A dead connection is often one of several: a browser that restarts its storage takes a while. */
const REOPEN_WAITS_MS = [10, 50, 200] as const;
const LOSSES_MAX = 3;

export interface ConnectionOptions extends OpeningOptions {
  /** Milliseconds without any answer after which IndexedDB is taken for dead. */
  readonly requestTimeoutMs: number;
  readonly timer: Timer;
}

/** Counts of what was asked of IndexedDB, and how often a lost connection was opened anew. */
export interface ConnectionCounters extends RequestCounters {
  reopens: number;
}

export class Connection {
  readonly name: string;
  readonly counters: ConnectionCounters = {
    requests: 0,
    transactions: 0,
    bytesWritten: 0,
    reopens: 0,
  };
  readonly #options: ConnectionOptions;
  readonly #watchdog: Watchdog;
  readonly #watches: Map<IDBTransaction, Watch> = new Map();
  #db: IDBDatabase | undefined;
  #opening: Promise<IDBDatabase> | undefined;
  /** What `#opening` waits for now, if that is IndexedDB. */
  #attempt: Promise<IDBDatabase> | undefined;
  #everOpen = false;
  #shut = false;
  #closing: Promise<void> | undefined;
  /** Called when an idbTx has ended. */
  #wake: (() => void) | undefined;
  /** Called when another context wants to upgrade or delete the volume and we let go. */
  onversionchange: (() => void) | undefined;
  /** Called when the browser closed the connection, or it was found dead. */
  onlost: ((why: string) => void) | undefined;
  /** Called when there is a new connection in the place of a lost one. */
  onhealed: ((reopens: number) => void) | undefined;

  constructor(options: ConnectionOptions) {
    this.name = options.name;
    this.#options = options;
    this.#watchdog = new Watchdog(options.requestTimeoutMs, options.timer);
  }

  /** True once it was closed for good. */
  get isShut(): boolean {
    return this.#shut;
  }

  /** Opens the volume, creating it if it does not exist. */
  async open(): Promise<void> {
    await this.#get();
  }

  #get(): Promise<IDBDatabase> {
    if (this.#db) return Promise.resolve(this.#db);
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** I9: an opening that fails as a dead connection does is tried again. */
  async #open(): Promise<IDBDatabase> {
    for (let attempt = 0; ; attempt++) {
      this.#assertNotShut();
      try {
        this.#attempt = openVolume(this.#options, this.#watchdog);
        return this.#adopt(await this.#attempt);
      } catch (cause) {
        const wait = REOPEN_WAITS_MS[attempt];
        // One that never answered stands in the next one's way.
        const again = isConnectionLoss(cause) && !isTimeout(cause) && !this.#shut;
        if (wait === undefined || !again) throw cause;
        await new Promise<void>((resolve) => {
          this.#options.timer(wait, resolve);
        });
      }
    }
  }

  #assertNotShut(): void {
    if (this.#shut) throw new ConnectionLostError(this.name, 'the VFS was closed');
  }

  #adopt(db: IDBDatabase): IDBDatabase {
    if (this.#shut) db.close();
    this.#assertNotShut();
    db.onclose = () => this.#lose(db, 'the browser closed it');
    db.onversionchange = () => {
      this.#lose(db, 'another context upgrades or deletes the volume');
      this.onversionchange?.();
    };
    // Captured, for a success does not bubble: one listener sees every answer.
    for (const type of ['success', 'error']) db.addEventListener(type, this.#feed, true);
    for (const type of ['complete', 'abort']) db.addEventListener(type, this.#end, true);
    this.#db = db;
    if (this.#everOpen) {
      this.counters.reopens++;
      this.onhealed?.(this.counters.reopens);
    }
    this.#everOpen = true;
    return db;
  }

  readonly #feed = ({ target }: Event): void => {
    const { transaction } = target as IDBRequest;
    if (transaction) this.#watches.get(transaction)?.feed();
  };

  readonly #end = ({ target }: Event): void => {
    this.#watches.get(target as IDBTransaction)?.end();
    this.#forget(target as IDBTransaction);
  };

  #forget(tx: IDBTransaction): void {
    this.#watches.delete(tx);
    this.#wake?.();
  }

  #lose(db: IDBDatabase, why: string): void {
    if (this.#db !== db) return;
    this.#db = undefined;
    db.close();
    this.onlost?.(why);
  }

  /** Runs `body` in a readonly idbTx; a lost connection is reopened and the body run again. */
  read<T>(stores: readonly StoreName[], body: (r: Requests) => Promise<T>): Promise<T> {
    return this.#retrying(async (db) => {
      const r = this.#requests(db, db.transaction(stores, 'readonly'));
      return await r.inTime(body(r));
    });
  }

  /**
   * Runs `body` in a readwrite idbTx and waits for `complete`. Not repeated: whether it landed is
   * for the caller to find out when the connection was lost.
   */
  async write(
    stores: readonly StoreName[],
    durability: IDBTransactionDurability,
    body: (r: Requests) => void,
  ): Promise<void> {
    await complete(await this.begin(stores, durability), body);
  }

  /** As `write`, for a body that changes nothing when it is run twice: repeated as a read is. */
  rewrite(
    stores: readonly StoreName[],
    durability: IDBTransactionDurability,
    body: (r: Requests) => void,
  ): Promise<void> {
    return this.#retrying((db) =>
      complete(this.#requests(db, db.transaction(stores, 'readwrite', { durability })), body),
    );
  }

  /** A readwrite idbTx, on a fresh connection if the old one is dead. */
  begin(stores: readonly StoreName[], durability: IDBTransactionDurability): Promise<Requests> {
    return this.#retrying(async (db) =>
      this.#requests(db, db.transaction(stores, 'readwrite', { durability })),
    );
  }

  #requests(db: IDBDatabase, tx: IDBTransaction): Requests {
    const watch = this.#watchdog.watch();
    this.#watches.set(tx, watch);
    watch.overdue.catch((cause: Error) => {
      this.#forget(tx);
      abort(tx);
      this.#lose(db, cause.message);
    });
    return new Requests(tx, this.counters, watch);
  }

  async #retrying<T>(use: (db: IDBDatabase) => Promise<T>): Promise<T> {
    for (let losses = 0; ; losses++) {
      const db = await this.#get();
      try {
        return await use(db);
      } catch (cause) {
        if (cause instanceof BlockStoreError) throw cause;
        // A forced close aborts the idbTx before its event comes: look again, on the same
        // connection if it still is one.
        const aborted = (cause as DOMException | null)?.name === 'AbortError';
        const lost = this.#db !== db || isConnectionLoss(cause);
        if (!lost && !(aborted && losses === 0)) {
          throw fromDomException(cause, this.name, 'a request');
        }
        if (lost) this.#lose(db, messageOf(cause));
        if (losses >= (isTimeout(cause) ? 1 : LOSSES_MAX)) {
          const why = `${messageOf(cause)}, on ${losses + 1} connections in a row`;
          throw new ConnectionLostError(this.name, why, { cause });
        }
      }
    }
  }

  /**
   * Closes for good. Resolves when all idbTxs have ended: in WebKit the connection of a worker that is
   * terminated before stays open, and nobody can delete the volume.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#shut = true;
    this.#db?.close();
    this.#db = undefined;
    // What it opens is closed when it is adopted.
    await this.#attempt?.catch(() => undefined);
    while (this.#watches.size > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#watchdog.stop();
  }
}

/** Resolves when the idbTx is complete with what `body` asks of it. */
async function complete(r: Requests, body: (r: Requests) => void): Promise<void> {
  const done = r.completion();
  try {
    body(r);
  } catch (cause) {
    done.catch(() => undefined);
    abort(r.tx);
    throw cause;
  }
  await done;
}

function messageOf(cause: unknown): string {
  return (cause as Error | null)?.message || 'it was found dead';
}
