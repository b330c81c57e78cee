/** The lists that were read, and what is wrong with them before anybody looks for cycles. */
import { type Anomaly, describe, type History, type SqliteTx } from './record.ts';

export interface Reading {
  readonly by: SqliteTx;
  readonly key: number;
  /** As read, without what `by` itself had appended. */
  readonly values: readonly number[];
  /** Those of `values` that somebody else appended: all of them, if nothing is wrong. */
  readonly foreign: readonly number[];
  /** What `by` itself had appended stands at the end, in order. */
  readonly hasOwn: boolean;
}

/** Every reading of those whose reads are to be right: all that told of them. */
export function readings({ sqliteTxs }: History): Reading[] {
  return sqliteTxs.filter(({ outcome }) => outcome !== 'unknown').flatMap(readingsOf);
}

function readingsOf(by: SqliteTx): Reading[] {
  const own = new Map<number, number[]>();
  const found: Reading[] = [];
  for (const op of by.ops) {
    const appended = own.get(op.key) ?? [];
    if (op.op === 'append') {
      own.set(op.key, [...appended, op.value]);
      continue;
    }
    const end = op.values.length - appended.length;
    const hasOwn = end >= 0 && appended.every((value, i) => op.values[end + i] === value);
    const values = hasOwn ? op.values.slice(0, end) : op.values;
    const foreign = values.filter((value) => !appended.includes(value));
    found.push({ by, key: op.key, values, foreign, hasOwn });
  }
  return found;
}

export function longestReads(all: readonly Reading[]): Map<number, readonly number[]> {
  const longest = new Map<number, readonly number[]>();
  for (const { by, key, values } of all) {
    // A failed sqliteTx shows nothing that counts: if it saw more than others, that has to be explained.
    if (by.outcome !== 'committed') continue;
    if (values.length >= (longest.get(key)?.length ?? 0)) longest.set(key, values);
  }
  return longest;
}

export function checkReads(
  history: History,
  all: readonly Reading[],
  orders: ReadonlyMap<number, readonly number[]>,
): Anomaly[] {
  const appends = appendsOf(history);
  return [
    ...all.flatMap((reading) => readAnomalies(reading, { history, appends, orders })),
    ...lostUpdates(history, all),
  ];
}

interface Known {
  readonly history: History;
  readonly appends: ReadonlyMap<number, Append>;
  readonly orders: ReadonlyMap<number, readonly number[]>;
}

interface Append {
  readonly by: SqliteTx;
  readonly key: number;
  /** Its sqliteTx appended to this key once more. */
  readonly isIntermediate: boolean;
}

function appendsOf({ sqliteTxs }: History): Map<number, Append> {
  const appends = new Map<number, Append>();
  for (const by of sqliteTxs) {
    const added = by.ops.filter((op) => op.op === 'append');
    for (const [i, { key, value }] of added.entries()) {
      const isIntermediate = added.slice(i + 1).some((later) => later.key === key);
      appends.set(value, { by, key, isIntermediate });
    }
  }
  return appends;
}

function readAnomalies(reading: Reading, { history, appends, orders }: Known): Anomaly[] {
  const { by, key, values } = reading;
  const found: Anomaly[] = [];
  const add = (kind: string, text: string) =>
    found.push({ kind, text: `${text}: ${describe(by, history)}` });
  if (!reading.hasOwn) add('internal', `does not see its own appends to ${key}`);
  const order = orders.get(key) ?? [];
  if (values.some((value, i) => value !== order[i]))
    add('incompatible order', `key ${key} is not the beginning of [${order.join(' ')}]`);
  if (new Set(values).size < values.length) add('duplicate', `a value stands twice in ${key}`);
  for (const value of values) {
    const append = appends.get(value);
    if (!append || append.key !== key) add('garbage', `${value} was never appended to ${key}`);
    else if (append.by.outcome === 'aborted')
      add('G1a (aborted read)', `${value} in ${key} is of ${describe(append.by, history)}`);
  }
  const last = appends.get(values.at(-1) ?? 0);
  if (last?.isIntermediate && last.by !== by)
    add('G1b (intermediate read)', `key ${key} ends amid ${describe(last.by, history)}`);
  return found;
}

/** Two that read a list alike and both appended to it: one of them did not know of the other. */
function lostUpdates(history: History, all: readonly Reading[]): Anomaly[] {
  const updates = new Map<string, SqliteTx>();
  const found: Anomaly[] = [];
  for (const { by, key, values } of all) {
    if (by.outcome !== 'committed') continue;
    if (!by.ops.some((op) => op.op === 'append' && op.key === key)) continue;
    const state = `${key}: ${values.join(' ')}`;
    const other = updates.get(state);
    if (other && other !== by) {
      const text = `both read key ${key} as [${values.join(' ')}]`;
      const who = `${describe(other, history)}\n  ${describe(by, history)}`;
      found.push({ kind: 'lost update', text: `${text}\n  ${who}` });
    }
    updates.set(state, by);
  }
  return found;
}
