/**
 * Points: every call of the code under test and every event it is told, in one sequence from 1 on.
 *
 *   I1  A call is numbered when it is made, an event when it is delivered.
 *   I2  What the injector asks for itself has no number.
 */
import { describeBounds, toBounds } from '../key-range.js';
import { hashText } from '../values.js';
import type { Fault } from './faults.js';

/**
 * `open`, `delete`: calls of the factory. `transaction`, `close`: of a connection. `request`: of a store,
 * index or cursor. `step`: a cursor is moved. `commit`: the idbTx is about to commit, because it was told
 * to or because nothing is left to do (then only if it may write and had a request). `abort`: of an idbTx.
 */
export type PointKind =
  | 'open'
  | 'delete'
  | 'transaction'
  | 'request'
  | 'step'
  | 'commit'
  | 'abort'
  | 'close'
  | 'event';

/** An event of IndexedDB. */
export type PointEvent =
  | 'success'
  | 'error'
  | 'complete'
  | 'abort'
  | 'upgradeneeded'
  | 'blocked'
  | 'versionchange'
  | 'close';

/** A moment at which a fault can strike: a call of IndexedDB, or an event of it. */
export interface Point {
  /** Place in the sequence, from 1. */
  readonly number: number;
  /** What happens there. */
  readonly kind: PointKind;
  /** Of an event: which; otherwise empty. */
  readonly event: PointEvent | '';
  /** Name of the IndexedDB database. */
  readonly database: string;
  /** Which idbTx, from 1 in the order they were made; 0 where there is none. */
  readonly idbTx: number;
  /** Of the idbTx; `readonly` where there is none. */
  readonly mode: IDBTransactionMode;
  /** Stores in the idbTx's scope. */
  readonly stores: readonly string[];
  /**
   * Of a request, a step, and their events: the method. Of a commit: `commit` if the idbTx was told to,
   * `auto` if nothing was left to do. Of what an opening is told: `open` or `delete`.
   */
  readonly method: string;
  /** Of a request, a step, and their events. */
  readonly store: string;
  /** Key or range that the request names, undefined if none. */
  readonly key: unknown;
}

/** A point without what most have not. */
export type Place = Partial<Omit<Point, 'number' | 'kind'>> & Pick<Point, 'kind'>;

/** A point that was passed. */
export interface TraceEntry extends Point {
  /** What was injected there. */
  readonly fault: Fault | undefined;
}

export const NOWHERE: Omit<Point, 'number' | 'kind'> = {
  event: '',
  database: '',
  idbTx: 0,
  mode: 'readonly',
  stores: [],
  method: '',
  store: '',
  key: undefined,
};

/** One line for people: `12 request put a 7 #3`. */
export function describePoint(entry: Point & { readonly fault?: Fault | undefined }): string {
  const { number, kind, event, method, store, idbTx, database, fault } = entry;
  const call = method === kind ? '' : method;
  const where = idbTx === 0 ? database : [call, store, describeQuery(entry.key)].join(' ').trim();
  const scope = kind === 'transaction' ? `${entry.mode} ${entry.stores.join(',')}` : where;
  const parts = [number, kind, event, scope, idbTx === 0 ? '' : `#${idbTx}`];
  const line = parts.filter((part) => part !== '').join(' ');
  return fault ? `${line} ← ${fault.tag}` : line;
}

export function hashLines(lines: readonly string[]): string {
  return (hashText(lines.join('\n')) >>> 0).toString(16).padStart(8, '0');
}

function describeQuery(query: unknown): string {
  if (query === undefined || query === null) return '';
  try {
    return describeBounds(toBounds(query, true));
  } catch {
    return '?';
  }
}
