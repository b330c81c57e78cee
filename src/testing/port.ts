/** What stores, indexes and cursors need of their idbTx. */
import type { Answerable, SimulatedRequest } from './request.js';
import type { StoreState } from './state.js';

/** One thing to be done, in its turn. */
export interface Operation {
  /** e.g. `put`. */
  readonly name: string;
  /** Name of the store it is about. */
  readonly store?: string;
  /** For traces. */
  readonly detail: () => string;
  /** Does it; a DOMException thrown is the request's error. */
  readonly run: () => unknown;
}

export interface TransactionPort extends IDBTransaction {
  readonly isUpgrade: boolean;
  readonly finished: boolean;
  /** @throws ConstraintError if there is a store `to` */
  renameStore(from: string, to: string): void;
  /** @throws TransactionInactiveError */
  assertActive(): void;
  /** The store as this idbTx sees it. */
  read(store: number): StoreState;
  write(store: StoreState): void;
  /** A structured clone, made while the idbTx takes no requests. */
  cloneIn(value: unknown): unknown;
  /** Queues a new request. */
  place<T>(
    source: IDBObjectStore | IDBIndex | IDBCursor,
    operation: Operation,
  ): SimulatedRequest<T>;
  /** Queues a cursor's request, which is used again for each step. */
  placeAgain(request: Answerable, operation: Operation): void;
  /** Queues a change of the schema. */
  alter(name: string, run: () => unknown): void;
}
