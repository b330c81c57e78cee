/**
 * The faults that can be planned: the 24 kinds of the fault model, and one beside them.
 *
 * Each strikes at certain points only (points.ts); a plan counts no other points.
 */
import type { PointKind } from './points.js';

/** Which record a damage hits. What is left out is drawn from the seed. */
export interface Victim {
  /** Default: one of the stores in the idbTx's scope that has a fitting record. */
  readonly store?: string;
  /** Default: drawn among the store's keys where the damage is possible. */
  readonly key?: IDBValidKey;
}

/** Damage that is really stored, before the idbTx at whose `transaction` call it strikes. */
export type Damage =
  /** 16: the record is gone. */
  | ({ readonly tag: 'record-dropped' } & Victim)
  /** 17: the record is there a second time. `to`: the other key, default one close by that is free. */
  | ({ readonly tag: 'record-duplicated'; readonly to?: IDBValidKey } & Victim)
  /** 18: the record is as it was before it was last changed. Needs the option `history`. */
  | ({ readonly tag: 'record-stale' } & Victim)
  /** 19: one bit of the value is inverted. `bit`: which, default drawn. */
  | ({ readonly tag: 'bit-flip'; readonly bit?: number } & Victim)
  /** 20: the value is cut. `length`: bytes (or characters) left, default drawn. */
  | ({ readonly tag: 'truncation'; readonly length?: number } & Victim)
  /** 21: the value is of another type. `value`: the new one; default a string, or a number for one. */
  | ({ readonly tag: 'wrong-type'; readonly value?: unknown } & Victim)
  /** 24: the store is empty. */
  | { readonly tag: 'store-cleared'; readonly store?: string };

/** What happens to IndexedDB. */
export type Fault =
  | Damage
  /** 1: the request fails without an effect, and its idbTx unless the error is prevented. */
  | { readonly tag: 'request-error'; readonly name?: string }
  /** 2: the same, each time the plan's point is reached. */
  | { readonly tag: 'request-error-persistent'; readonly name?: string }
  /** 3: the idbTx aborts when the request would have succeeded. `name`: of `idbTx.error`, default null. */
  | { readonly tag: 'abort'; readonly name?: string | null }
  /** 4: every request succeeds, then the idbTx aborts. `name`: of `idbTx.error`, default null. */
  | { readonly tag: 'abort-at-commit'; readonly name?: string | null }
  /** 5: a `put`, `add` or `update` fails with QuotaExceededError. */
  | { readonly tag: 'quota-at-put' }
  /** 6: every request succeeds, then the idbTx aborts with QuotaExceededError. */
  | { readonly tag: 'quota-at-commit' }
  /** 7: the browser closes the connection: all its idbTxs abort, then `close`. */
  | { readonly tag: 'close' }
  /** 8: the idbTx lands, but is told `abort`, as are the connection's others; then `close`. */
  | { readonly tag: 'close-after-landing' }
  /**
   * 9: another tab wants the database in a new version, or deleted, with the events that brings.
   * `then`: what it does once it is alone, default `nothing` (the version stays what it is).
   */
  | { readonly tag: 'versionchange'; readonly then?: 'nothing' | 'upgrade' | 'delete' }
  /** 10: another tab is in the way: `blocked`, and the answer `rounds` later, default 10. */
  | { readonly tag: 'open-blocked'; readonly rounds?: number }
  /** 11: opening or deleting fails; nothing was created or upgraded. */
  | { readonly tag: 'open-error'; readonly name?: string }
  /** 12: no answer, until `release()`. An idbTx waits open, as do those behind it. */
  | { readonly tag: 'no-answer' }
  /**
   * 13: the answer comes late: by `rounds` (default 10) or by `ms` of real time. Of a request: all
   * later events of its idbTx wait too. At `commit`: `complete` waits.
   */
  | { readonly tag: 'delay'; readonly rounds?: number; readonly ms?: number }
  /** 14: `complete` waits for that of an independent idbTx, `rounds` long at most, default 50. */
  | { readonly tag: 'reorder'; readonly rounds?: number }
  /**
   * 15: connections close by force, and the last completed idbTxs since the last strict one are undone.
   * `idbTxs`: how many, default all. Needs the option `history`.
   */
  | { readonly tag: 'relaxed-suffix-lost'; readonly idbTxs?: number }
  /** 22: no event comes through, until `thaw()` or for `rounds`. */
  | { readonly tag: 'freeze'; readonly rounds?: number }
  /** Beside the 24: asked for an idbTx, the connection throws. `name`: default InvalidStateError. */
  | { readonly tag: 'connection-dead'; readonly name?: string };

/** The name of a kind of fault. */
export type FaultTag = Fault['tag'];

/** One of the 24 kinds. */
export interface FaultKind {
  /** Its number in the fault model; 0 for the one beside it. */
  readonly number: number;
  /** Of 23, the tag of a {@link LockFault}. */
  readonly tag: FaultTag | 'lock-released';
  /** Points it strikes at; none for 23, which `FaultyLocks` injects. */
  readonly at: readonly PointKind[];
  /** True if it needs the option `history`. */
  readonly needsHistory: boolean;
}

const REQUEST: readonly PointKind[] = ['request', 'step'];
const CONNECTED: readonly PointKind[] = ['transaction', 'request', 'commit', 'event'];
const TABLE: readonly (readonly [FaultKind['tag'], readonly PointKind[]])[] = [
  ['connection-dead', ['transaction']],
  ['request-error', REQUEST],
  ['request-error-persistent', REQUEST],
  ['abort', REQUEST],
  ['abort-at-commit', ['commit']],
  ['quota-at-put', ['request']],
  ['quota-at-commit', ['commit']],
  ['close', ['transaction', ...REQUEST, 'commit', 'event']],
  ['close-after-landing', ['commit']],
  ['versionchange', CONNECTED],
  ['open-blocked', ['open', 'delete']],
  ['open-error', ['open', 'delete']],
  ['no-answer', ['open', 'delete', ...REQUEST, 'commit']],
  ['delay', ['open', 'delete', ...REQUEST, 'commit']],
  ['reorder', ['commit']],
  ['relaxed-suffix-lost', CONNECTED],
  ['record-dropped', ['transaction']],
  ['record-duplicated', ['transaction']],
  ['record-stale', ['transaction']],
  ['bit-flip', ['transaction']],
  ['truncation', ['transaction']],
  ['wrong-type', ['transaction']],
  ['freeze', CONNECTED],
  ['lock-released', []],
  ['store-cleared', ['transaction']],
];
const NEED_HISTORY: readonly string[] = ['relaxed-suffix-lost', 'record-stale'];

/** The 24 kinds by number, after the one beside them. */
export const FAULT_KINDS: readonly FaultKind[] = TABLE.map(([tag, at], number) => ({
  number,
  tag,
  at,
  needsHistory: NEED_HISTORY.includes(tag),
}));

const BY_TAG = new Map(FAULT_KINDS.map((kind) => [kind.tag, kind]));
const DAMAGE: readonly string[] = FAULT_KINDS.filter(
  ({ number }) => (number >= 16 && number <= 21) || number === 24,
).map(({ tag }) => tag);

export function kindOf({ tag }: { readonly tag: FaultTag }): FaultKind {
  const kind = BY_TAG.get(tag);
  if (!kind) throw new InjectionError('UNKNOWN_KIND', `There is no fault kind "${tag}".`);
  return kind;
}

export function isDamage(fault: Fault): fault is Damage {
  return DAMAGE.includes(fault.tag);
}

/**
 * `UNKNOWN_KIND`: there is no such fault. `NEEDS_HISTORY`: it needs the option `history`. `NO_VICTIM`:
 * there is no record to damage. `BAD_PLAN`: the plan can never strike, or a replay cannot be read.
 * `NO_FACTORY`: there is no IndexedDB, or there are no Web Locks.
 */
export type InjectionErrorCode =
  | 'UNKNOWN_KIND'
  | 'NEEDS_HISTORY'
  | 'NO_VICTIM'
  | 'BAD_PLAN'
  | 'NO_FACTORY';

/** A fault that cannot be injected as it was asked for. The message says why. */
export class InjectionError extends Error {
  /** Name of the class. */
  override readonly name = 'InjectionError';
  /** Stable, for programs. */
  readonly code: InjectionErrorCode;

  constructor(code: InjectionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
