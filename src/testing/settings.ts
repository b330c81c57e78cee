/** What a simulation can be told to do: options, quota, and faults. */

/** Limit for the bytes of all databases of a simulation. */
export interface Quota {
  /** Of keys and values. */
  readonly bytes: number;
  /**
   * Where it is noticed. `put`: the request fails with QuotaExceededError, and with it the idbTx
   * unless the error is prevented. `commit`: the idbTx aborts, no request fails.
   */
  readonly noticedAt: 'put' | 'commit';
}

/** A request about to be carried out. */
export interface RequestSite {
  /** Name of the IndexedDB database. */
  readonly database: string;
  /** Name of the object store. */
  readonly store: string;
  /** e.g. `put`, `getAll`, `openCursor`. */
  readonly operation: string;
  /** Of its idbTx. */
  readonly mode: IDBTransactionMode;
}

/** An idbTx about to commit. */
export interface CommitSite {
  /** Name of the IndexedDB database. */
  readonly database: string;
  /** Object stores in its scope. */
  readonly stores: readonly string[];
  /** Its mode. */
  readonly mode: IDBTransactionMode;
  /** The durability it was asked for with. */
  readonly durability: IDBTransactionDurability;
}

/** Each is asked when its moment comes; what it returns happens. */
export interface Faults {
  /** The request fails with this error. */
  readonly request?: ((site: RequestSite) => DOMException | undefined) | undefined;
  /** The idbTx aborts with this error; no request fails. */
  readonly commit?: ((site: CommitSite) => DOMException | undefined) | undefined;
  /** Opening fails with this error, or is never answered. */
  readonly open?: ((name: string) => DOMException | 'never' | undefined) | undefined;
}

/** How a simulation runs. */
export interface SimulationOptions {
  /** Draws the order of what is independent. The same seed gives the same trace. Default 1. */
  readonly seed?: number;
  /** Whether to keep a trace. Default true. */
  readonly trace?: boolean;
}

/** Whether an idbTx in its commit window lands when its connection goes; `drawn` from the seed. */
export type InFlight = 'lands' | 'lost' | 'drawn';
