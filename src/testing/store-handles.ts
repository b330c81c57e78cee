/** The stores of one idbTx: which are in scope, by their names of now, and one handle for each. */
import { exception } from './exceptions.js';
import { SimulatedObjectStore } from './object-store.js';
import type { TransactionPort } from './port.js';
import type { StoreState } from './state.js';
import { StringList } from './string-list.js';

export class StoreHandles {
  /** Ids of stores by name. */
  readonly #ids: Map<string, number>;
  readonly #handles = new Map<number, SimulatedObjectStore>();
  readonly #port: TransactionPort;
  readonly #find: (id: number) => StoreState | undefined;

  /** `find`: a store's state before the idbTx has changed its schema. */
  constructor(
    port: TransactionPort,
    ids: ReadonlyMap<string, number>,
    find: (id: number) => StoreState | undefined,
  ) {
    this.#port = port;
    this.#ids = new Map(ids);
    this.#find = find;
  }

  get names(): StringList {
    return StringList.sorted(this.#ids.keys());
  }

  has(name: string): boolean {
    return this.#ids.has(name);
  }

  /** @throws NotFoundError */
  named(name: string): SimulatedObjectStore {
    const id = this.#ids.get(name);
    if (id === undefined) throw exception('NotFoundError', `No store "${name}" in its scope.`);
    let handle = this.#handles.get(id);
    if (!handle) {
      const state = this.#find(id);
      if (!state) throw exception('NotFoundError', `Store "${name}" is gone.`);
      handle = new SimulatedObjectStore(this.#port, state);
      this.#handles.set(id, handle);
    }
    return handle;
  }

  create(state: StoreState): SimulatedObjectStore {
    const handle = new SimulatedObjectStore(this.#port, state, true);
    this.#handles.set(state.id, handle);
    this.#ids.set(state.name, state.id);
    return handle;
  }

  /** Takes a store out of the schema; @returns its id */
  remove(name: string): number {
    const handle = this.named(name);
    handle.deleted = true;
    this.#ids.delete(name);
    return handle.storeId;
  }

  rename(from: string, to: string): void {
    if (this.#ids.has(to)) throw exception('ConstraintError', `Store "${to}" exists.`);
    const id = this.#ids.get(from);
    this.#ids.delete(from);
    if (id !== undefined) this.#ids.set(to, id);
  }

  /** The upgrade was aborted: every handle is what it was before. */
  revert(): void {
    for (const handle of this.#handles.values()) handle.revert();
  }
}
