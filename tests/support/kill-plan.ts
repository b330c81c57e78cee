/**
 * What a kill test asks of its page, and what the page tells: shared by both sides.
 *
 *   trial    one run of a workload, ended by SIGKILL, and the inspection of what it left
 *   step     one sqliteTx of a workload, numbered from 1 for a fresh database: step 1 creates it
 *   bounds   least: the last step acknowledged · most: the last step begun
 */
import type { TraceName } from '../../tools/idb-trace.ts';
import type { RawVolume } from '../../tools/raw-volume.ts';
import type { WorkloadName } from './kill-model.ts';
import type { BuildName } from './sqlite.ts';

/** The workload's own points, in one order with those of IndexedDB. */
export type StepName = 'step:begun' | 'step:executed' | 'step:committed';
export type PointName = TraceName | StepName;

export interface Point {
  readonly name: PointName;
  /** Counted from 1 in each step. */
  readonly nth: number;
  readonly sequence: number;
}

export type KillMoment =
  /** The page is held at the nth such point of its first `step` steps, and killed there. */
  | {
      readonly at: 'point';
      readonly name: PointName;
      readonly nth: number;
      /** Counted from 1 in this run; 0 for a point before the first step, while it opens. */
      readonly step: number;
    }
  /** The page is held at its nth point of any name: enumerates all there are. */
  | { readonly at: 'sequence'; readonly sequence: number }
  /** The page runs freely and is killed so long after it was ready. */
  | { readonly at: 'time'; readonly ms: number };

export interface Trial {
  readonly id: number;
  /** Of the workload's contents: the same for all trials on one volume. */
  readonly seed: number;
  readonly volume: string;
  readonly workload: WorkloadName;
  readonly build: BuildName;
  readonly durability: 'strict' | 'relaxed';
  /** Steps after which the page stops and waits to be killed. */
  readonly stepsMax: number;
  readonly kill: KillMoment;
  /** Every process, the page's process, or only its tab, closed as its user would. */
  readonly victim: 'browser' | 'renderer' | 'tab';
  /** False: the next trial meets the volume as this one left it. */
  readonly inspect: boolean;
}

/** What one page does, in this order. */
export interface PagePlan {
  readonly inspect: Trial | undefined;
  readonly run: Trial | undefined;
}

export interface RecoveryFound {
  readonly path: string;
  readonly version: number;
  readonly foundAbove: boolean;
  readonly deletedAbove: boolean;
  readonly durationMs: number;
}

export interface Inspection {
  /** Steps found. */
  readonly found: number;
  /** The volume before anything was opened; undefined if there was none. */
  readonly before: RawVolume | undefined;
  /** The volume after one more step. */
  readonly after: RawVolume | undefined;
  readonly recoveries: readonly RecoveryFound[];
  readonly problems: readonly string[];
}

/** The page's messages; each bears its trial's id. */
export interface Messages {
  ready: { steps: number };
  begin: { step: number };
  ack: { step: number };
  /** Sent without waiting, in any order. */
  trace: Point;
  /** The page stands at the point it is to be killed at. */
  held: Point;
  done: { steps: number };
  inspected: Inspection;
}

export type MessageKind = keyof Messages;
export type MessageOf<K extends MessageKind> = Messages[K] & { readonly trial: number };
