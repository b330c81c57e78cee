/** What the hooks over one factory's objects share. */
import type { Damage, Fault } from './faults.js';
import type { History } from './history.js';
import type { Holds } from './holds.js';
import type { Place, Point, PointKind } from './points.js';

/** A fault that was injected. */
export interface Struck {
  /** The number of its point. */
  readonly number: number;
  /** What was injected. */
  readonly fault: Fault;
  /** Where it struck. */
  readonly point: Point;
}

export interface Context {
  readonly factory: IDBFactory;
  readonly holds: Holds;
  /** Undefined without the option `history`. */
  readonly history: History | undefined;
  /** Numbers a point. @returns the fault that strikes there */
  pass(place: Place): Fault | undefined;
  nextIdbTx(): number;
  /** Starts another tab's version change. */
  rival(db: IDBDatabase, then: 'nothing' | 'upgrade' | 'delete'): void;
  /** Damages a store within `idbTx`, which is not the code's own. */
  damage(idbTx: IDBTransaction, fault: Damage): void;
  freeze(rounds: number | undefined): void;
  loseRelaxed(database: string, idbTxs: number | undefined): void;
}

/** What an idbTx needs of its connection. */
export interface Owner {
  readonly context: Context;
  forceClose(): void;
  /** The idbTx is over. */
  forget(idbTx: object): void;
  /** Does what strikes at once. @returns false if the fault is left to be injected */
  strikeNow(fault: Fault | undefined, at: PointKind): boolean;
}
