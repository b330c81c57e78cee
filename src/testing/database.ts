/**
 * IDBDatabase: one connection.
 *
 *   I1  After `close` it takes no new idbTx; those under way end as if nothing had happened.
 *   I2  It is gone for the others when its last idbTx has ended.
 *   I3  Closed by force, everything under way aborts, then `close` fires.
 *
 *   open ──close──▶ closing ──last idbTx ended──▶ gone
 *     └──forceClose──▶ aborting ──all aborted, `close` fired──▶ gone
 */
import { SimulatedEvent, SimulatedEventTarget, SimulatedVersionChangeEvent } from './events.js';
import { exception } from './exceptions.js';
import { graft } from './graft.js';
import { isKeyPath } from './key-path.js';
import type { InFlight } from './settings.js';
import { Sorted } from './sorted.js';
import { EMPTY_DATABASE, freshId, type StoreState } from './state.js';
import { StringList } from './string-list.js';
import { type Owner, SimulatedTransaction } from './transaction.js';
import type { Connected, Hub, World } from './world.js';

type Handler = ((this: IDBDatabase, event: Event) => unknown) | null;
type VersionHandler = ((this: IDBDatabase, event: IDBVersionChangeEvent) => unknown) | null;

export class SimulatedDatabase
  extends SimulatedEventTarget
  implements IDBDatabase, Connected, Owner
{
  readonly world: World;
  readonly hub: Hub;
  readonly tab: object;
  /** Called when the upgrade is over, after its last event. */
  onupgraded: ((committed: boolean) => void) | undefined;
  readonly #transactions = new Set<SimulatedTransaction>();
  #upgrade: SimulatedTransaction | undefined;
  #version: number;
  #names: StringList;
  #closing = false;
  #forced = false;

  constructor(world: World, hub: Hub, tab: object) {
    super();
    this.world = world;
    this.hub = hub;
    this.tab = tab;
    const state = hub.log.head ?? EMPTY_DATABASE;
    this.#version = state.version;
    this.#names = StringList.sorted([...state.stores.values()].map(({ name }) => name));
    hub.connections.add(this);
  }

  get api(): IDBDatabase {
    return this;
  }
  get target(): SimulatedEventTarget {
    return this;
  }
  get name(): string {
    return this.hub.name;
  }
  get version(): number {
    return this.#version;
  }
  get closing(): boolean {
    return this.#closing;
  }
  get objectStoreNames(): StringList {
    return this.#upgrade ? this.#upgrade.objectStoreNames : this.#names;
  }

  get onabort(): Handler {
    return this.handler('abort');
  }
  set onabort(callback: Handler) {
    this.handle('abort', callback);
  }
  get onclose(): Handler {
    return this.handler('close');
  }
  set onclose(callback: Handler) {
    this.handle('close', callback);
  }
  get onerror(): Handler {
    return this.handler('error');
  }
  set onerror(callback: Handler) {
    this.handle('error', callback);
  }
  get onversionchange(): VersionHandler {
    return this.handler('versionchange');
  }
  set onversionchange(callback: VersionHandler) {
    this.handle('versionchange', callback);
  }

  transaction(
    storeNames: string | Iterable<string>,
    mode: IDBTransactionMode = 'readonly',
    options: IDBTransactionOptions = {},
  ): IDBTransaction {
    const names =
      typeof storeNames === 'object' ? [...storeNames].map(String) : [String(storeNames)];
    const { durability = 'default' } = options;
    requireOneOf(['readonly', 'readwrite', 'versionchange'], mode);
    requireOneOf(['default', 'relaxed', 'strict'], durability);
    if (this.#upgrade) throw exception('InvalidStateError', 'An upgrade is running.');
    if (this.#closing) throw exception('InvalidStateError', 'The connection is closing.');
    const stores = this.#idsOf(names);
    if (stores.size === 0) throw exception('InvalidAccessError', 'The scope is empty.');
    if (mode === 'versionchange') throw new TypeError('Only opening a database starts an upgrade.');
    const idbTx = new SimulatedTransaction(this, { stores, mode, durability });
    this.#transactions.add(idbTx);
    return idbTx;
  }

  #idsOf(names: readonly string[]): Map<string, number> {
    const known = new Map<string, number>();
    for (const { name, id } of this.hub.log.head?.stores.values() ?? []) known.set(name, id);
    const ids = new Map<string, number>();
    for (const name of names) {
      const id = known.get(name);
      if (id === undefined) throw exception('NotFoundError', `There is no store "${name}".`);
      ids.set(name, id);
    }
    return ids;
  }

  createObjectStore(name: string, options: IDBObjectStoreParameters | null = {}): IDBObjectStore {
    const upgrade = this.#activeUpgrade();
    const { autoIncrement = false } = options ?? {};
    const keyPath = toKeyPath(options?.keyPath);
    if (keyPath !== null && !isKeyPath(keyPath)) {
      throw exception('SyntaxError', 'The key path is not valid.');
    }
    const storeName = String(name);
    if (upgrade.handles.has(storeName)) {
      throw exception('ConstraintError', `Store "${storeName}" exists.`);
    }
    if (autoIncrement && (keyPath === '' || typeof keyPath === 'object') && keyPath !== null) {
      throw exception('InvalidAccessError', 'A key generator needs a key path that is one name.');
    }
    const records: StoreState['records'] = Sorted.empty();
    const empty = { nextKey: 1, records, indexes: new Map(), bytes: 0 };
    const id = freshId();
    const generates = Boolean(autoIncrement);
    return upgrade.createStore({
      ...empty,
      id,
      name: storeName,
      keyPath,
      autoIncrement: generates,
    });
  }

  deleteObjectStore(name: string): void {
    const upgrade = this.#activeUpgrade();
    const storeName = String(name);
    if (!upgrade.handles.has(storeName)) {
      throw exception('NotFoundError', `There is no store "${storeName}".`);
    }
    upgrade.deleteStore(storeName);
  }

  #activeUpgrade(): SimulatedTransaction {
    if (!this.#upgrade) throw exception('InvalidStateError', 'No upgrade is running.');
    this.#upgrade.assertActive();
    return this.#upgrade;
  }

  /** Starts the upgrade to `version`. */
  beginUpgrade(version: number): SimulatedTransaction {
    const stores = new Map<string, number>();
    for (const { name, id } of this.hub.log.head?.stores.values() ?? []) stores.set(name, id);
    const options = { stores, mode: 'versionchange', durability: 'default', version } as const;
    const upgrade = new SimulatedTransaction(this, options);
    this.#transactions.add(upgrade);
    this.#upgrade = upgrade;
    this.#version = version;
    return upgrade;
  }

  aborting(idbTx: SimulatedTransaction): void {
    if (idbTx === this.#upgrade) this.#version = this.hub.log.head?.version ?? 0;
  }

  ended(idbTx: SimulatedTransaction, committed: boolean): void {
    this.#transactions.delete(idbTx);
    if (idbTx === this.#upgrade) {
      if (committed) this.#names = idbTx.objectStoreNames;
      this.#upgrade = undefined;
      this.onupgraded?.(committed);
    }
    this.#leaveIfDone();
  }

  close(): void {
    this.#closing = true;
    this.#leaveIfDone();
  }

  #leaveIfDone(): void {
    if (!this.#closing || this.#transactions.size > 0) return;
    if (!this.#forced) {
      this.hub.disconnect(this);
      return;
    }
    this.world.turns.post(
      this,
      () => `${this.name} close`,
      async () => {
        await new SimulatedEvent('close').travel([this]);
        return () => this.hub.disconnect(this);
      },
    );
  }

  announceVersionChange(oldVersion: number, newVersion: number | null): void {
    this.world.turns.post(
      this,
      () => `${this.name} versionchange ${oldVersion} → ${newVersion}`,
      async () => {
        if (this.#closing) return undefined;
        const event = new SimulatedVersionChangeEvent('versionchange', { oldVersion, newVersion });
        await event.travel([this]);
        return undefined;
      },
    );
  }

  /** I3 */
  forceClose(inFlight: InFlight): void {
    if (this.#forced || !this.hub.connections.has(this)) return;
    this.#closing = true;
    this.#forced = true;
    for (const idbTx of this.#transactions) idbTx.forceAbort(inFlight);
    this.#leaveIfDone();
  }

  die(inFlight: InFlight): void {
    this.#closing = true;
    for (const idbTx of this.#transactions) idbTx.die(inFlight);
    this.#transactions.clear();
    this.world.turns.cancel(this);
    this.hub.disconnect(this);
  }
}
graft(SimulatedDatabase, 'IDBDatabase');

function requireOneOf(known: readonly string[], value: string): void {
  if (!known.includes(value)) throw new TypeError(`"${value}" is not one of ${known.join(', ')}.`);
}

function toKeyPath(path: unknown): string | readonly string[] | null {
  if (path === undefined || path === null) return null;
  return Array.isArray(path) ? path.map(String) : String(path);
}
