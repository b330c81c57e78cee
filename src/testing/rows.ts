/** Reading a store or an index: lists, counts, and a cursor's next place. */
import { type Bounds, contains, isBelow, isWithin, only } from './key-range.js';
import { compareKeys, type Key } from './keys.js';
import type { Sorted } from './sorted.js';
import { isBeforeRow, type Row } from './state.js';

export function firstRow<R extends Row>(rows: Sorted<R>, bounds: Bounds): R | undefined {
  const found = rows.first(isBelow(bounds));
  return found && isWithin(bounds)(found) ? found : undefined;
}

export function countRows(rows: Sorted<Row>, bounds: Bounds): number {
  if (bounds.lower === undefined && bounds.upper === undefined) return rows.size;
  return rows.between(isBelow(bounds), isWithin(bounds)).length;
}

export function listRows<R extends Row>(
  rows: Sorted<R>,
  bounds: Bounds,
  options: { readonly direction: IDBCursorDirection; readonly countMax: number },
): R[] {
  const { direction, countMax } = options;
  if (direction === 'next') return rows.between(isBelow(bounds), isWithin(bounds), countMax);
  let found = rows.between(isBelow(bounds), isWithin(bounds));
  if (direction !== 'prev') found = found.filter((row, i) => isFirstOfKey(found[i - 1], row));
  if (direction.startsWith('prev')) found.reverse();
  return found.slice(0, countMax);
}

function isFirstOfKey(before: Row | undefined, row: Row): boolean {
  return !before || compareKeys(before.key, row.key) !== 0;
}

/** Where a cursor is to go from where it is. */
export interface Step {
  readonly bounds: Bounds;
  readonly direction: IDBCursorDirection;
  readonly position: Row | undefined;
  /** Not before this key. */
  readonly key?: Key | undefined;
  /** Together with `key`: not before this primary key within it. */
  readonly primaryKey?: Key | undefined;
}

/** The row a cursor moves to. */
export function nextRow<R extends Row>(rows: Sorted<R>, step: Step): R | undefined {
  const found = step.direction.startsWith('next') ? forward(rows, step) : backward(rows, step);
  if (!found || !contains(step.bounds, found.key)) return undefined;
  if (step.direction !== 'prevunique') return found;
  return rows.first(isBelow(only(found.key)));
}

/** The first row that fulfils every condition; each one is a place in the order. */
function forward<R extends Row>(rows: Sorted<R>, step: Step): R | undefined {
  const { bounds, direction, position, key, primaryKey } = step;
  const below = isBelow(bounds);
  const passed = position && isPassed(position, direction === 'nextunique');
  return rows.first((row) => {
    if (below(row) || passed?.(row)) return true;
    if (key === undefined) return false;
    const sign = compareKeys(row.key, key);
    if (sign !== 0 || primaryKey === undefined) return sign < 0;
    return compareKeys(row.primaryKey, primaryKey) < 0;
  });
}

function isPassed(position: Row, unique: boolean): (row: Row) => boolean {
  return (row) => {
    const sign = compareKeys(row.key, position.key);
    if (sign !== 0 || unique) return sign <= 0;
    return compareKeys(row.primaryKey, position.primaryKey) <= 0;
  };
}

function backward<R extends Row>(rows: Sorted<R>, step: Step): R | undefined {
  const { bounds, direction, position, key, primaryKey } = step;
  const within = isWithin(bounds);
  const unique = direction === 'prevunique';
  const ahead = position && isBeforeRow(position);
  return rows.last((row) => {
    if (!within(row)) return false;
    if (position && unique && compareKeys(row.key, position.key) >= 0) return false;
    if (ahead && !unique && !ahead(row)) return false;
    if (key === undefined) return true;
    const sign = compareKeys(row.key, key);
    if (sign !== 0 || primaryKey === undefined) return sign <= 0;
    return compareKeys(row.primaryKey, primaryKey) <= 0;
  });
}
