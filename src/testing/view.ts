/**
 * What one idbTx sees and changes: the stores in its scope, taken over when it starts.
 *
 *   I1  Nobody else sees a change before the commit puts the view on top of what is there then.
 */
import { type DatabaseState, EMPTY_DATABASE, type StoreState } from './state.js';

export class TransactionView {
  readonly #base: DatabaseState;
  readonly #version: number | undefined;
  readonly #scope: ReadonlySet<number>;
  #stores = new Map<number, StoreState>();

  /** `version`: the one an upgrade leads to. */
  constructor(
    base: DatabaseState | undefined,
    scope: ReadonlySet<number>,
    version: number | undefined,
  ) {
    this.#base = base ?? EMPTY_DATABASE;
    this.#scope = new Set(scope);
    this.#version = version;
    for (const id of scope) {
      const store = this.#base.stores.get(id);
      if (store) this.#stores.set(id, store);
    }
  }

  get(id: number): StoreState | undefined {
    return this.#stores.get(id);
  }

  set(store: StoreState): void {
    this.#stores.set(store.id, store);
  }

  remove(id: number): void {
    this.#stores.delete(id);
  }

  /** Takes a point to go back to. */
  save(): () => void {
    const stores = new Map(this.#stores);
    return () => {
      this.#stores = stores;
    };
  }

  /** Bytes that it adds to what all databases hold. */
  get growth(): number {
    let growth = 0;
    for (const [id, store] of this.#stores) {
      growth += store.bytes - (this.#base.stores.get(id)?.bytes ?? 0);
    }
    return growth;
  }

  /** The database after it, given what it is without it; `base` itself if it changes nothing. */
  appliedTo(base: DatabaseState | undefined): DatabaseState | undefined {
    const changed = [...this.#stores.values()].filter((s) => this.#base.stores.get(s.id) !== s);
    const removed = [...this.#base.stores.keys()].filter(
      (id) => this.#scope.has(id) && !this.#stores.has(id),
    );
    const version = this.#version ?? base?.version ?? 0;
    if (changed.length === 0 && removed.length === 0 && version === base?.version) return base;
    const stores = new Map(base?.stores);
    for (const id of removed) stores.delete(id);
    for (const store of changed) stores.set(store.id, store);
    return { version, stores };
  }
}
