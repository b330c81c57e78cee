/** What control page, seats and runner say to each other. */
import type { HistoryPlan, SeatJob } from './plan.ts';
import type { Op } from './record.ts';

/** Contexts hear each other on this BroadcastChannel, which outlives each of them. */
export const CHANNEL = 'histories';
/** Each seat holds a Web Lock with this and its number for a name, so that it can be told by its locks. */
export const SEAT_LOCK = 'seat ';

/** To a seat, to the window of a page, or to control. */
export type Said =
  | { readonly to: 'seat'; readonly seat: number; readonly ask: SeatQuestion }
  | {
      readonly to: 'page';
      readonly page: number;
      readonly ask: PageQuestion;
      readonly seat: number;
    }
  | { readonly to: 'control'; readonly seat: number; readonly tell: SeatAnswer };

export type SeatQuestion =
  | { readonly kind: 'run'; readonly job: SeatJob }
  /** Lets go of a lock without telling the library. */
  | { readonly kind: 'release'; readonly lock: string };

/** Starts or ends a worker. */
export type PageQuestion = 'start' | 'terminate';

export type SeatAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'terminated' }
  | { readonly kind: 'records'; readonly history: number; readonly records: readonly SeatRecord[] }
  | { readonly kind: 'done'; readonly history: number }
  | { readonly kind: 'failed'; readonly why: string };

/** How a sqliteTx went, as its seat saw it. */
export interface SeatRecord {
  readonly sequence: number;
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  readonly startedAt: number;
  readonly endedAt: number;
  readonly snapshot: number | undefined;
  /** The version that the library's `commit` event told. */
  readonly commit: number | undefined;
  /** As far as it came. */
  readonly ops: readonly Op[];
  /** Why it failed. */
  readonly error: string | undefined;
}

/** What is there when all seats are done. */
export interface Finale {
  readonly log: readonly (readonly [version: number, id: number])[];
  /** Of each key. */
  readonly lists: readonly (readonly number[])[];
  readonly startedAt: number;
  readonly endedAt: number;
  /** Of integrity_check and verify; empty if nothing is wrong. */
  readonly defects: readonly string[];
}

/** When a lock was taken away from one of these seats, which had answered whoever asked for it. */
export interface Deception {
  readonly seats: readonly number[];
  readonly at: number;
}

export interface Recording {
  readonly plan: HistoryPlan;
  readonly startedAt: number;
  /** By seat. */
  readonly records: Readonly<Record<number, readonly SeatRecord[]>>;
  /** Seats that were killed. */
  readonly dead: readonly number[];
  /** What was done to them, in order, and whether there was anything to do it to. */
  readonly struck: readonly string[];
  readonly deceived: readonly Deception[];
  readonly finale: Finale;
}

/** What the control page can be asked for by its runner. */
export interface Control {
  /** Resolves when all these seats are ready for a history; starts workers that are not. */
  seated(seats: readonly number[]): Promise<void>;
  run(plan: HistoryPlan): Promise<Recording>;
}
