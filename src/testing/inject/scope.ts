/** What an idbTx is about. */

export interface Scope {
  readonly database: string;
  /** Number of the idbTx: smaller ones were made earlier. */
  readonly idbTx: number;
  readonly mode: IDBTransactionMode;
  readonly stores: readonly string[];
}

/** True if the later one of the two has to wait for the earlier one. */
export function conflict(a: Scope, b: Scope): boolean {
  if (a.database !== b.database) return false;
  if (a.mode === 'versionchange' || b.mode === 'versionchange') return true;
  if (a.mode === 'readonly' && b.mode === 'readonly') return false;
  return a.stores.some((store) => b.stores.includes(store));
}
