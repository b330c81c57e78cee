/** IDBKeyRange, and ranges in general: of the simulation's own class or the browser's. */
import { exception } from './exceptions.js';
import { graft } from './graft.js';
import { compareKeys, describeKey, fromKey, type Key, requireKey, toKey } from './keys.js';
import type { Before } from './sorted.js';

/** A range of keys; a missing bound leaves that side open. */
export interface Bounds {
  readonly lower: Key | undefined;
  readonly upper: Key | undefined;
  readonly lowerOpen: boolean;
  readonly upperOpen: boolean;
}

export const EVERYTHING: Bounds = {
  lower: undefined,
  upper: undefined,
  lowerOpen: true,
  upperOpen: true,
};

export function only(key: Key): Bounds {
  return { lower: key, upper: key, lowerOpen: false, upperOpen: false };
}

export function contains(bounds: Bounds, key: Key): boolean {
  return !isBelow(bounds)({ key }) && isWithin(bounds)({ key });
}

/** True for entries below the range. */
export function isBelow(bounds: Bounds): Before<{ readonly key: Key }> {
  const { lower, lowerOpen } = bounds;
  if (lower === undefined) return () => false;
  return ({ key }) => {
    const sign = compareKeys(key, lower);
    return sign < 0 || (sign === 0 && lowerOpen);
  };
}

/** True for entries below the range or in it. */
export function isWithin(bounds: Bounds): Before<{ readonly key: Key }> {
  const { upper, upperOpen } = bounds;
  if (upper === undefined) return () => true;
  return ({ key }) => {
    const sign = compareKeys(key, upper);
    return sign < 0 || (sign === 0 && !upperOpen);
  };
}

/** True for what can only be a key range, this simulation's or the browser's. */
export function isRange(value: unknown): value is IDBKeyRange {
  if (value instanceof SimulatedKeyRange) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { lowerOpen, upperOpen } = value as Partial<IDBKeyRange>;
  return typeof lowerOpen === 'boolean' && typeof upperOpen === 'boolean';
}

/**
 * The range a query asks for.
 * @throws DataError if it is neither key nor range, or nothing where something is needed
 */
export function toBounds(query: unknown, needed: boolean): Bounds {
  if (query === undefined || query === null) {
    if (needed) throw exception('DataError', 'No key or key range specified.');
    return EVERYTHING;
  }
  if (!isRange(query)) return only(requireKey(query));
  const { lower, upper, lowerOpen, upperOpen } = query;
  return { lower: toKey(lower), upper: toKey(upper), lowerOpen, upperOpen };
}

/** The simulation's IDBKeyRange. */
export class SimulatedKeyRange implements IDBKeyRange {
  readonly #bounds: Bounds;

  private constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** As `IDBKeyRange.only`. @throws DataError for what is no key */
  static only(value: unknown): SimulatedKeyRange {
    return new SimulatedKeyRange(only(requireKey(value)));
  }

  /** As `IDBKeyRange.lowerBound`. @throws DataError for what is no key */
  static lowerBound(lower: unknown, open = false): SimulatedKeyRange {
    return new SimulatedKeyRange({ ...EVERYTHING, lower: requireKey(lower), lowerOpen: open });
  }

  /** As `IDBKeyRange.upperBound`. @throws DataError for what is no key */
  static upperBound(upper: unknown, open = false): SimulatedKeyRange {
    return new SimulatedKeyRange({ ...EVERYTHING, upper: requireKey(upper), upperOpen: open });
  }

  /** As `IDBKeyRange.bound`. @throws DataError for what is no key, or a range that holds none */
  static bound(
    lower: unknown,
    upper: unknown,
    lowerOpen = false,
    upperOpen = false,
  ): SimulatedKeyRange {
    const bounds = { lower: requireKey(lower), upper: requireKey(upper), lowerOpen, upperOpen };
    const sign = compareKeys(bounds.lower, bounds.upper);
    if (sign > 0 || (sign === 0 && (lowerOpen || upperOpen))) {
      throw exception('DataError', 'The lower key is greater than the upper, or the range empty.');
    }
    return new SimulatedKeyRange(bounds);
  }

  /** The lower bound; undefined if there is none. */
  get lower(): unknown {
    return this.#bounds.lower === undefined ? undefined : fromKey(this.#bounds.lower);
  }

  /** The upper bound; undefined if there is none. */
  get upper(): unknown {
    return this.#bounds.upper === undefined ? undefined : fromKey(this.#bounds.upper);
  }

  /** True if the lower bound itself is not in the range. */
  get lowerOpen(): boolean {
    return this.#bounds.lowerOpen;
  }

  /** True if the upper bound itself is not in the range. */
  get upperOpen(): boolean {
    return this.#bounds.upperOpen;
  }

  /** As `IDBKeyRange.includes`. @throws DataError for what is no key */
  includes(key: unknown): boolean {
    return contains(this.#bounds, requireKey(key));
  }
}
graft(SimulatedKeyRange, 'IDBKeyRange');

/** For traces. */
export function describeBounds(bounds: Bounds): string {
  const { lower, upper, lowerOpen, upperOpen } = bounds;
  if (lower !== undefined && upper !== undefined && compareKeys(lower, upper) === 0) {
    return describeKey(lower);
  }
  const from = lower === undefined ? '…' : describeKey(lower);
  const to = upper === undefined ? '…' : describeKey(upper);
  return `${lowerOpen ? '(' : '['}${from} to ${to}${upperOpen ? ')' : ']'}`;
}
