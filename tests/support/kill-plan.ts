/**
 * What a kill test asks of its page, and what the page tells: shared by both sides.
 *
 *   trial    one run of a workload, ended by SIGKILL, and the inspection of what it left
 *   step     one sqliteTx of a workload, numbered from 1 for a fresh database: step 1 creates it
 *   burst    steps that are announced together before, and acknowledged together after
 *   bounds   least: the last step acknowledged · most: the last step begun
 */
import type { CommitRange, TraceName } from '../../tools/idb-trace.ts';
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
  /** The step under way or done last, numbered as in the database; 0 before the first one. */
  readonly step: number;
  /** The commits that its idbTx has so far. */
  readonly commits: readonly CommitRange[];
  /** Commits of one file in the largest idbTx of this run so far. */
  readonly largestGroup: number;
}

export type KillMoment =
  /** The page is held at the nth such point of its first `step` steps, and killed there. */
  | {
      readonly at: 'point';
      readonly name: PointName;
      readonly nth: number;
      /** Counted from 1 in this run, prelude included; 0 for a point while it opens. */
      readonly step: number;
      /** A later step will do, if the point does not come in that one. Default false. */
      readonly orLater?: boolean;
    }
  /** The page is held at its nth point of any name: enumerates all there are. */
  | { readonly at: 'sequence'; readonly sequence: number }
  /** The page runs freely and is killed so long after it was ready. */
  | { readonly at: 'time'; readonly ms: number };

/**
 * What gets SIGKILL: every process; the page's process; in WebKit the process of the network and of
 * IndexedDB, which the page outlives. Or only the page's tab is closed, as its user would.
 */
export const VICTIMS = ['browser', 'renderer', 'network', 'tab'] as const;
export type Victim = (typeof VICTIMS)[number];

/** What the page takes as proof that a step will stay. */
export type Claim =
  /** COMMIT returned; with deferred durability, `durable()` resolved after it. */
  | 'promised'
  /** COMMIT is about to be called: a false claim. */
  | 'executed';

export interface Trial {
  readonly id: number;
  /** Of the workload's contents: the same for all trials on one volume. */
  readonly seed: number;
  readonly volume: string;
  readonly workload: WorkloadName;
  readonly build: BuildName;
  /** Opens what is left, for the checks. */
  readonly reader: BuildName;
  readonly durability: 'strict' | 'relaxed' | 'deferred';
  /** False: commits that return early wait for each other longer, and more of them share an idbTx. */
  readonly autoSync: boolean;
  /** How long they wait without `autoSync`, if nobody waits for them. */
  readonly maxDelayMs: number;
  /** Other than 'promised' only to see that a broken promise is found out. */
  readonly claim: Claim;
  /** Steps done in one burst before the page is ready. */
  readonly prelude: number;
  /** Steps of each later burst. */
  readonly burst: number;
  /** Steps after which the page stops and waits to be killed. */
  readonly stepsMax: number;
  readonly kill: KillMoment;
  readonly victim: Victim;
  /** False: the next trial meets the volume as this one left it. */
  readonly inspect: boolean;
}

/** Longer than a trial takes: however slow the machine is, commits go together when they are waited for. */
export const NEVER_MS = 3_600_000;

/** What a trial is unless it says otherwise: killed at once in its first small step, then looked at. */
export const PLAIN_TRIAL = {
  workload: 'small',
  build: 'asyncify',
  reader: 'asyncify',
  durability: 'strict',
  autoSync: true,
  maxDelayMs: NEVER_MS,
  claim: 'promised',
  prelude: 0,
  burst: 1,
  stepsMax: 1000,
  kill: { at: 'time', ms: 0 },
  victim: 'browser',
  inspect: true,
} as const satisfies Partial<Trial>;

/** What one page does, in this order. */
export interface PagePlan {
  readonly inspect: Trial | undefined;
  /** Volumes that nobody needs any more. */
  readonly discard: readonly string[];
  readonly run: Trial | undefined;
}

/** What must hold after every recovery (docs/TESTING.md), in the order it is looked at. */
export const CHECKS = [
  'opens',
  'integrity',
  'invariant',
  'version',
  'verify',
  'idempotent',
  'export',
  'commits',
] as const;
export type Check = (typeof CHECKS)[number];

export interface RecoveryFound {
  readonly path: string;
  readonly version: number;
  readonly foundAbove: boolean;
  readonly deletedAbove: boolean;
  readonly durationMs: number;
}

/** What a database holds, as SQL tells it. */
export interface State {
  /** Steps found. */
  readonly found: number;
  /** `PRAGMA integrity_check` of each database. */
  readonly integrity: readonly string[];
  /** Where the rows are not those that `found` steps leave. */
  readonly differences: readonly string[];
}

export interface VerifyFound {
  readonly path: string;
  readonly version: number;
  readonly defects: readonly string[];
  readonly pendingSegments: number;
  readonly unlistedSegments: number;
}

/** A second recovery of what the first one left. */
export interface Again {
  readonly recoveries: readonly RecoveryFound[];
  /** Digests of all records, before and after it. */
  readonly digests: readonly [before: string, after: string];
  readonly found: number;
}

/** A call that failed after the process of IndexedDB was killed. */
export interface CallFailure {
  /** What the page was doing. */
  readonly doing: 'opening' | 'a step' | 'looking';
  readonly message: string;
  /** Codes of the errors that the VFS told of until then, and not with an earlier failure. */
  readonly codes: readonly string[];
}

/** How a page has outlived the process of IndexedDB. */
export interface Survival {
  /** `gone`: the browser gives this context no other connection; it takes a new page. */
  readonly storage: 'gone' | 'there';
  /** Undefined if it could not be looked at. */
  readonly state: State | undefined;
  readonly failures: readonly CallFailure[];
  /** Connections that the VFS has opened anew. */
  readonly healed: number;
}

/** What the page saw. A field is undefined from the check that failed on. */
export interface Inspection {
  readonly failed: { readonly check: Check; readonly error: string } | undefined;
  /** The volume before anything was opened; undefined if there was none. */
  readonly before: RawVolume | undefined;
  readonly recoveries: readonly RecoveryFound[] | undefined;
  readonly state: State | undefined;
  readonly verified: readonly VerifyFound[] | undefined;
  /** The volume after recovery. */
  readonly recovered: RawVolume | undefined;
  readonly again: Again | undefined;
  /** Paths of the databases whose bytes were sent to the host. */
  readonly exported: readonly string[] | undefined;
  /** After one more step. */
  readonly next: State | undefined;
  /** The volume after one more step. */
  readonly after: RawVolume | undefined;
}

/** The page's messages; each bears its trial's id. */
export interface Messages {
  /** `found` when it was opened, `steps` after the prelude. */
  ready: { found: number; steps: number };
  /** All steps up to this one may be there from now on. */
  begin: { step: number };
  ack: { step: number };
  /** Sent without waiting, in any order. */
  trace: Point;
  /** Sent now and then, for whoever wonders whether the page works or waits. */
  alive: { step: number; last: PointName | undefined; requests: number };
  /** The page stands at the point it is to be killed at. */
  held: Point;
  done: { steps: number };
  /** What was left when the process of IndexedDB had died, and the next statements were made. */
  bereft: Survival;
  /** What there is after some more steps, where the storage is there again. */
  survived: Survival;
  /** What the page has come to while it inspects, for whoever wonders where it waits. */
  looks: { at: string };
  inspected: Inspection;
}

export type MessageKind = keyof Messages;
export type MessageOf<K extends MessageKind> = Messages[K] & { readonly trial: number };

/** Where the page posts the bytes of databases to, with the trial's id and the path in its query. */
export const EXPORT_ROUTE = '/__kill/export';

export function describeTrial(trial: Trial): string {
  return JSON.stringify(trial);
}
