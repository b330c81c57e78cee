/**
 * Hooks over one connection: its idbTxs, and every event that passes it on the way to its target.
 *
 *   I1  The listeners here are the first of the connection, and capture: nobody hears anything sooner.
 *   I2  Closed by force, all idbTxs abort, and when they have, `close` is told; not if the code under
 *       test closed it before.
 */
import type { Context, Owner } from './context.js';
import { type Fault, isDamage } from './faults.js';
import { call, define, fire, isOurs, plannedError, shapeOf } from './genuine.js';
import { HookedTx } from './idb-tx.js';
import type { PointEvent, PointKind } from './points.js';
import type { Scope } from './scope.js';

const EVENTS = ['success', 'error', 'complete', 'abort', 'versionchange', 'close'];
/** At these points there is nothing to wait for. */
const AT_ONCE: readonly PointKind[] = ['transaction', 'event'];

export class Connection implements Owner {
  readonly context: Context;
  readonly db: IDBDatabase;
  readonly #idbTxs = new Map<object, HookedTx>();
  /** Closed, by the code under test or by force. */
  #closed = false;

  constructor(context: Context, db: IDBDatabase) {
    this.context = context;
    this.db = db;
    for (const type of EVENTS) db.addEventListener(type, (event) => this.#heard(event), true);
    define(db, 'transaction', (...args: Parameters<IDBDatabase['transaction']>) =>
      this.#begin(...args),
    );
    define(db, 'close', () => {
      this.context.pass({ kind: 'close', database: db.name });
      this.#closed = true;
      call(db, 'close');
    });
  }

  /** The upgrade that `db` was opened with. */
  adopt(upgrade: IDBTransaction): void {
    const { db } = this;
    const idbTx = this.#hook(upgrade, {
      database: db.name,
      idbTx: this.context.nextIdbTx(),
      mode: 'versionchange',
      stores: [...upgrade.objectStoreNames],
    });
    define(db, 'createObjectStore', (...args: unknown[]) =>
      idbTx.hookStore(call(db, 'createObjectStore', ...args)),
    );
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  #begin(...args: Parameters<IDBDatabase['transaction']>): IDBTransaction {
    const { db, context } = this;
    const [names, mode = 'readonly'] = args;
    const stores = typeof names === 'string' ? [names] : [...names];
    const scope = { database: db.name, idbTx: context.nextIdbTx(), mode, stores };
    const fault = context.pass({ ...scope, kind: 'transaction' });
    if (fault?.tag === 'connection-dead') throw plannedError(fault.name ?? 'InvalidStateError');
    this.strikeNow(fault, 'transaction');
    if (fault && isDamage(fault)) {
      // Made before the code's own, it comes before it.
      context.damage(call(db, 'transaction', stores, 'readwrite'), fault);
    }
    const idbTx = call<IDBTransaction>(db, 'transaction', ...args);
    this.#hook(idbTx, scope);
    return idbTx;
  }

  #hook(idbTx: IDBTransaction, scope: Scope): HookedTx {
    const hooked = new HookedTx(this, idbTx, scope);
    this.#idbTxs.set(idbTx, hooked);
    return hooked;
  }

  /** I1 */
  #heard(event: Event): void {
    if (isOurs(event)) return;
    const { target } = event;
    if (target === this.db) {
      this.#told(event);
      return;
    }
    const idbTx = target && ('transaction' in target ? target.transaction : target);
    const hooked = this.#idbTxs.get(idbTx as object);
    if (!hooked) return;
    if (idbTx !== target) hooked.answered(event);
    else if (event.type === 'complete') hooked.completed(event);
    else if (event.type === 'abort') hooked.aborted(event);
  }

  /** `versionchange`, and a `close` of the browser's own doing. */
  #told(event: Event): void {
    const { holds } = this.context;
    if (!holds.isFrozen) {
      this.#tell(event.type);
      return;
    }
    const shape = shapeOf(event);
    event.stopImmediatePropagation();
    holds.queue(() => {
      this.#tell(shape.type);
      fire(this.db, shape);
    });
  }

  #tell(type: string): void {
    const place = { kind: 'event', event: type as PointEvent, database: this.db.name } as const;
    this.strikeNow(this.context.pass(place), 'event');
  }

  forget(idbTx: object): void {
    this.#idbTxs.delete(idbTx);
  }

  strikeNow(fault: Fault | undefined, at: PointKind): boolean {
    const { context, db } = this;
    switch (fault?.tag) {
      case 'close':
        if (!AT_ONCE.includes(at)) return false;
        this.forceClose();
        return true;
      case 'versionchange':
        context.rival(db, fault.then ?? 'nothing');
        return true;
      case 'freeze':
        context.freeze(fault.rounds);
        return true;
      case 'relaxed-suffix-lost':
        context.loseRelaxed(db.name, fault.idbTxs);
        return true;
      default:
        return false;
    }
  }

  /** I2: what a browser does when it takes a connection away. */
  forceClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { db, context } = this;
    const idbTxs = [...this.#idbTxs.values()];
    for (const idbTx of idbTxs) idbTx.forceAbort();
    call(db, 'close');
    const close = { type: 'close', bubbles: false, cancelable: false };
    const deliver = () => {
      this.#tell('close');
      fire(db, close);
    };
    const told = () => {
      if (context.holds.isFrozen) context.holds.queue(deliver);
      else deliver();
    };
    const ends = Promise.all(idbTxs.map(({ ended }) => ended));
    // The listeners of the last abort come first.
    ends.then(() => (idbTxs.length > 0 ? context.holds.trip() : undefined)).then(told, told);
  }
}
