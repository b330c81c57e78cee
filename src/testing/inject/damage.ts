/**
 * Damage to stored records: 16 to 21 and 24 of the fault model, on any IndexedDB.
 *
 * It is stored by an idbTx of its own, like that of any script of the page: whoever reads afterwards, through
 * whatever connection, reads the damage.
 */
import { describeKey, requireKey } from '../keys.js';
import { Random } from '../random.js';
import { flipBit, type Inside, retype, truncate, withKey } from './alter.js';
import { type Damage, InjectionError } from './faults.js';
import { completed, promised } from './genuine.js';
import type { History } from './history.js';

/** What was damaged. */
export interface Damaged {
  /** How. */
  readonly tag: Damage['tag'];
  /** Name of the IndexedDB database. */
  readonly database: string;
  /** Name of the object store. */
  readonly store: string;
  /** The record; undefined for a cleared store. */
  readonly key: IDBValidKey | undefined;
  /** Of a duplicate: where it is. */
  readonly to?: IDBValidKey;
}

export interface DamageOptions {
  /** Draws what the damage leaves open. */
  readonly seed: number;
  readonly history: History | undefined;
}

/**
 * Damages one record of one of the idbTx's stores, or clears one.
 * @throws InjectionError `NO_VICTIM` if there is no fitting record
 */
export async function damageWithin(
  idbTx: IDBTransaction,
  damage: Damage,
  options: DamageOptions,
): Promise<Damaged> {
  const random = new Random(options.seed);
  const draw = (limit: number) => random.below(limit);
  const names = damage.store === undefined ? [...idbTx.objectStoreNames] : [damage.store];
  while (names.length > 0) {
    const [name = ''] = names.splice(draw(names.length), 1);
    const done = await new Damager(idbTx.objectStore(name), { ...options, draw }).apply(damage);
    if (done) return done;
  }
  throw new InjectionError(
    'NO_VICTIM',
    `"${damage.tag}" found no fitting record in "${idbTx.db.name}": name a store and a key that exist.`,
  );
}

/**
 * Damages a stored record of a database, through a connection of its own.
 * @param factory where the database is: the browser's or a simulated one
 * @throws InjectionError `NO_VICTIM`; `NEEDS_HISTORY` for `record-stale`, which only a
 *   {@link FaultInjector} with a history can do
 */
export async function damageRecord(
  factory: IDBFactory,
  database: string,
  damage: Damage,
  options: { readonly seed?: number } = {},
): Promise<Damaged> {
  if (damage.tag === 'record-stale') {
    throw new InjectionError('NEEDS_HISTORY', 'Only an injector knows what the record was before.');
  }
  return await damageStored(factory, database, damage, {
    seed: options.seed ?? 1,
    history: undefined,
  });
}

/** As `damageRecord`, with what an injector knows. */
export async function damageStored(
  factory: IDBFactory,
  database: string,
  damage: Damage,
  options: DamageOptions,
): Promise<Damaged> {
  const db = await promised(factory.open(database));
  try {
    const idbTx = db.transaction([...db.objectStoreNames], 'readwrite', { durability: 'strict' });
    const ended = completed(idbTx);
    const done = await damageWithin(idbTx, damage, options);
    await ended;
    return done;
  } finally {
    db.close();
  }
}

class Damager {
  readonly #store: IDBObjectStore;
  readonly #options: DamageOptions & Pick<Inside, 'draw'>;
  readonly #keyPaths: readonly string[];

  constructor(store: IDBObjectStore, options: DamageOptions & Pick<Inside, 'draw'>) {
    this.#store = store;
    this.#options = options;
    const { keyPath } = store;
    this.#keyPaths = keyPath === null ? [] : [keyPath].flat();
  }

  /** @returns undefined if no record of this store fits */
  async apply(damage: Damage): Promise<Damaged | undefined> {
    const done = this.#report(damage, undefined);
    const keys = await promised(this.#store.getAllKeys());
    if (damage.tag === 'store-cleared') {
      if (keys.length === 0 && damage.store === undefined) return undefined;
      await promised(this.#store.clear());
      return done;
    }
    if (damage.tag === 'record-stale') return await this.#makeStale(damage);
    const wanted = damage.key;
    const victims = wanted === undefined ? keys : keys.filter((key) => same(key, wanted));
    while (victims.length > 0) {
      const [key] = victims.splice(this.#options.draw(victims.length), 1);
      if (key === undefined) return undefined;
      const hit = await this.#hit(damage, key, keys);
      if (hit) return hit;
    }
    return undefined;
  }

  async #hit(
    damage: Exclude<Damage, { tag: 'store-cleared' | 'record-stale' }>,
    key: IDBValidKey,
    keys: readonly IDBValidKey[],
  ): Promise<Damaged | undefined> {
    if (damage.tag === 'record-dropped') {
      await promised(this.#store.delete(key));
      return this.#report(damage, key);
    }
    const value: unknown = await promised(this.#store.get(key));
    if (damage.tag === 'record-duplicated') {
      const to = damage.to ?? freeKey(key, keys);
      if (to === undefined) return undefined;
      await this.#put(to, value);
      return { ...this.#report(damage, key), to };
    }
    const altered = this.#alter(damage, value);
    if (!altered) return undefined;
    await this.#put(key, altered.value);
    return this.#report(damage, key);
  }

  #alter(
    damage: Extract<Damage, { tag: 'bit-flip' | 'truncation' | 'wrong-type' }>,
    value: unknown,
  ): { readonly value: unknown } | undefined {
    const inside = { keyPaths: this.#keyPaths, draw: this.#options.draw };
    if (damage.tag === 'bit-flip') return flipBit(value, damage.bit, inside);
    if (damage.tag === 'truncation') return truncate(value, damage.length, inside);
    return { value: retype(value, this.#keyPaths, damage.value) };
  }

  async #makeStale(damage: Damage & { tag: 'record-stale' }): Promise<Damaged | undefined> {
    const { history, draw } = this.#options;
    const { key: wanted } = damage;
    const earlier = (
      history?.earlier(this.#store.transaction.db.name, this.#store.name) ?? []
    ).filter(({ key }) => wanted === undefined || same(key, wanted));
    const found = wanted === undefined ? earlier[draw(earlier.length || 1)] : earlier.at(-1);
    if (!found) return undefined;
    await this.#put(found.key, found.value);
    return this.#report(damage, found.key);
  }

  async #put(key: IDBValidKey, value: unknown): Promise<void> {
    const { keyPath } = this.#store;
    await promised(
      keyPath === null
        ? this.#store.put(value, key)
        : this.#store.put(withKey(value, keyPath, key)),
    );
  }

  #report({ tag }: Damage, key: IDBValidKey | undefined): Damaged {
    return { tag, database: this.#store.transaction.db.name, store: this.#store.name, key };
  }
}

/** A key near `key` that no record has. */
function freeKey(key: IDBValidKey, keys: readonly IDBValidKey[]): IDBValidKey | undefined {
  let free = next(key);
  while (free !== undefined && keys.some((other) => same(other, free as IDBValidKey))) {
    free = next(free);
  }
  return free;
}

function next(key: IDBValidKey): IDBValidKey | undefined {
  if (typeof key === 'number') return Number.isFinite(key) ? key + 1 : undefined;
  if (typeof key === 'string') return `${key}~`;
  if (key instanceof Date) return new Date(key.getTime() + 1);
  if (!Array.isArray(key)) return undefined;
  const last = key.length === 0 ? 0 : next(key.at(-1) as IDBValidKey);
  return last === undefined ? undefined : [...key.slice(0, -1), last];
}

function same(a: IDBValidKey, b: IDBValidKey): boolean {
  return describeKey(requireKey(a)) === describeKey(requireKey(b));
}
