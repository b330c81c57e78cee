/**
 * An IDBFactory that does what the real one does, except where a test planned a fault.
 *
 * Requests, idbTxs and connections are the browser's own objects; those that pass through here carry
 * own properties over their methods. So what the code under test unwraps, listens to and stores is genuine.
 *
 * Every idbTx passes *points*, in this order: one `transaction`, one `request` per request, one `commit`.
 * An `open` is a point too. A fault names the points it waits for and what happens there.
 */

export interface Point {
  readonly kind: 'open' | 'transaction' | 'request' | 'commit';
  readonly mode: IDBTransactionMode;
  /** Stores in the idbTx's scope. */
  readonly stores: readonly string[];
  /** Of a request: its method and store. */
  readonly method: string;
  readonly store: string;
  readonly key: unknown;
}

export type Fault =
  /** The request fails with this error, and its idbTx aborts; an `open` or `transaction` fails. */
  | { readonly tag: 'error'; readonly name: string }
  /** The idbTx aborts, with only an `abort` event. `name` is that of `idbTx.error`, null without. */
  | { readonly tag: 'abort'; readonly name: string | null }
  /** The browser closes the connection: its idbTxs abort, then `close`. Not of the idbTx's doing. */
  | { readonly tag: 'close' }
  /** As `close`, but the idbTx had landed: only nobody hears so. At `commit`. */
  | { readonly tag: 'close-after-landing' };

type Hit = (point: Point) => boolean;

interface Plan {
  readonly hit: Hit;
  readonly fault: Fault;
  skip: number;
  times: number;
}

const METHODS = ['add', 'put', 'delete', 'get', 'getKey', 'getAll', 'getAllKeys', 'count'] as const;
const NO_TX = { mode: 'readonly', stores: [], method: '', store: '', key: undefined } as const;

export const isWrite: Hit = (point) => point.kind === 'request' && point.mode === 'readwrite';
export const isCommit: Hit = (point) => point.kind === 'commit' && point.stores.includes('commits');
export const isOpen: Hit = (point) => point.kind === 'open';

export class FaultyIDB {
  /** Every point passed. */
  readonly points: Point[] = [];
  /** Faults that happened. */
  readonly struck: Fault[] = [];
  readonly #real: IDBFactory;
  readonly #live: Map<IDBDatabase, Set<IDBTransaction>> = new Map();
  #plans: Plan[] = [];

  constructor(real: IDBFactory = indexedDB) {
    this.#real = real;
  }

  /** What to give to `VFSOptions.indexedDB`. */
  get factory(): IDBFactory {
    return {
      open: (name: string, version?: number) => this.#open(name, version),
      deleteDatabase: (name: string) => this.#real.deleteDatabase(name),
      databases: () => this.#real.databases(),
      cmp: (a: unknown, b: unknown) => this.#real.cmp(a, b),
    } as IDBFactory;
  }

  /** Plans a fault for points that `hit` accepts: after `skip` of them, `times` times. */
  plan(hit: Hit, fault: Fault, options: { skip?: number; times?: number } = {}): void {
    this.#plans.push({ hit, fault, skip: options.skip ?? 0, times: options.times ?? 1 });
  }

  /** Forgets plans and what happened. */
  reset(): void {
    this.#plans = [];
    this.points.length = 0;
    this.struck.length = 0;
  }

  count(hit: Hit): number {
    return this.points.filter(hit).length;
  }

  /** The browser closes every connection now. */
  closeAll(): void {
    for (const db of [...this.#live.keys()]) this.#forceClose(db);
  }

  #at(point: Point): Fault | undefined {
    this.points.push(point);
    for (const plan of this.#plans) {
      if (plan.times === 0 || !plan.hit(point)) continue;
      if (plan.skip-- > 0) continue;
      plan.skip = 0;
      plan.times--;
      this.struck.push(plan.fault);
      return plan.fault;
    }
    return undefined;
  }

  #open(name: string, version: number | undefined): IDBOpenDBRequest {
    const fault = this.#at({ ...NO_TX, kind: 'open' });
    const request = this.#real.open(name, version);
    request.addEventListener('success', (event) => {
      const db = request.result;
      if (fault) {
        event.stopImmediatePropagation();
        db.close();
        const cause = 'name' in fault ? fault.name : null;
        define(request, 'error', errorOf(cause ?? 'UnknownError'));
        request.dispatchEvent(new Event('error', { cancelable: true }));
      } else {
        this.#hook(db);
      }
    });
    return request;
  }

  #hook(db: IDBDatabase): void {
    const live = new Set<IDBTransaction>();
    this.#live.set(db, live);
    const begin = db.transaction.bind(db);
    define(db, 'transaction', (...args: Parameters<IDBDatabase['transaction']>) => {
      const [names, mode = 'readonly'] = args;
      const stores = typeof names === 'string' ? [names] : [...names];
      const fault = this.#at({ ...NO_TX, kind: 'transaction', mode, stores });
      if (fault?.tag === 'error') throw errorOf(fault.name);
      if (fault) this.#forceClose(db);
      const tx = begin(...args);
      live.add(tx);
      for (const end of ['complete', 'abort']) tx.addEventListener(end, () => live.delete(tx));
      new HookedTx(db, tx, { mode, stores }, this.#deps).hook();
      return tx;
    });
  }

  readonly #deps = {
    at: (point: Point): Fault | undefined => this.#at(point),
    close: (db: IDBDatabase): void => this.#forceClose(db),
  };

  /** What a browser does when it takes a connection away: abort all, close, say so. */
  #forceClose(db: IDBDatabase): void {
    const live = this.#live.get(db);
    if (!live) return;
    this.#live.delete(db);
    const ends = [...live].map((tx) => ended(tx));
    for (const tx of live) abortWith(tx, 'AbortError');
    db.close();
    const told = () => db.dispatchEvent(new Event('close'));
    Promise.all(ends).then(told, told);
  }
}

interface Deps {
  at(point: Point): Fault | undefined;
  close(db: IDBDatabase): void;
}

class HookedTx {
  readonly #db: IDBDatabase;
  readonly #tx: IDBTransaction;
  readonly #scope: { readonly mode: IDBTransactionMode; readonly stores: readonly string[] };
  readonly #deps: Deps;
  /** A fault is under way: an early commit() would rob it of its idbTx. */
  #doomed = false;
  /** It lands, and nobody is told. */
  #unheard = false;

  constructor(
    db: IDBDatabase,
    tx: IDBTransaction,
    scope: { readonly mode: IDBTransactionMode; readonly stores: readonly string[] },
    deps: Deps,
  ) {
    this.#db = db;
    this.#tx = tx;
    this.#scope = scope;
    this.#deps = deps;
  }

  hook(): void {
    const tx = this.#tx;
    // Before the code under test listens, so that it does not hear what it should not.
    tx.addEventListener('complete', (event) => {
      if (this.#unheard) this.#silence(event);
    });
    const objectStore = tx.objectStore.bind(tx);
    const seen = new Set<IDBObjectStore>();
    define(tx, 'objectStore', (name: string) => {
      const store = objectStore(name);
      if (!seen.has(store)) this.#hookStore(store);
      seen.add(store);
      return store;
    });
    const commit = tx.commit.bind(tx);
    define(tx, 'commit', () => this.#commit(commit, objectStore));
  }

  #hookStore(store: IDBObjectStore): void {
    for (const method of METHODS) {
      const real = (store[method] as (...args: unknown[]) => IDBRequest).bind(store);
      define(store, method, (...args: unknown[]) => {
        const key = method === 'add' || method === 'put' ? args[1] : args[0];
        const place = { method, store: store.name, key };
        const fault = this.#deps.at({ ...NO_TX, ...this.#scope, ...place, kind: 'request' });
        const request = real(...args);
        if (fault) this.#strike(request, fault);
        return request;
      });
    }
  }

  /** The fault comes when the request would have succeeded. */
  #strike(request: IDBRequest, fault: Fault): void {
    this.#doomed = true;
    request.addEventListener('success', (event) => {
      event.stopImmediatePropagation();
      // A request that is pending when its idbTx aborts is told so.
      define(request, 'error', errorOf(fault.tag === 'error' ? fault.name : 'AbortError'));
      request.dispatchEvent(new Event('error', { bubbles: true, cancelable: true }));
      if (fault.tag === 'error' || fault.tag === 'abort') abortWith(this.#tx, fault.name);
      else this.#deps.close(this.#db);
    });
  }

  #commit(commit: () => void, objectStore: (name: string) => IDBObjectStore): void {
    if (this.#doomed) return;
    const fault = this.#deps.at({ ...NO_TX, ...this.#scope, kind: 'commit' });
    this.#unheard = fault?.tag === 'close-after-landing';
    if (!fault || fault.tag === 'close-after-landing') {
      commit();
      return;
    }
    // Requests are served in order: when this one is, all others of the commit have succeeded.
    const [first = ''] = this.#scope.stores;
    const last = IDBObjectStore.prototype.count.call(objectStore(first));
    this.#strike(last, asAbort(fault));
  }

  #silence(complete: Event): void {
    complete.stopImmediatePropagation();
    define(this.#tx, 'error', errorOf('AbortError'));
    this.#tx.dispatchEvent(new Event('abort', { bubbles: true }));
    this.#deps.close(this.#db);
  }
}

/** At `commit` there is no request to fail: the idbTx aborts with the error. */
function asAbort(fault: Fault): Fault {
  return fault.tag === 'error' ? { tag: 'abort', name: fault.name } : fault;
}

function ended(tx: IDBTransaction): Promise<void> {
  return new Promise((resolve) => {
    for (const end of ['complete', 'abort']) tx.addEventListener(end, () => resolve());
  });
}

function abortWith(tx: IDBTransaction, name: string | null): void {
  if (name !== null) define(tx, 'error', errorOf(name));
  try {
    tx.abort();
  } catch {
    // It is past aborting: it completes, as it does for a browser that comes too late.
  }
}

function errorOf(name: string): DOMException {
  return new DOMException(`planned ${name}`, name);
}

function define(target: object, property: string, value: unknown): void {
  Object.defineProperty(target, property, { value, configurable: true });
}
