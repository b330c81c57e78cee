/**
 * A testing kit for programs that store data in IndexedDB: a simulated one whose every step can be
 * watched and crashed after, a search over all crash points of a workload, and an injector of faults
 * over the simulated one or the browser's own.
 */
export {
  type CrashContext,
  type CrashOptions,
  type CrashPlan,
  type CrashPoint,
  type CrashReport,
  everyCrashPoint,
  replayCrashPoint,
  type Violation,
  type WorkloadContext,
} from './crash-points.js';
export type { SimulatedTab } from './factory.js';
export { installGlobals } from './globals.js';
export type { Struck } from './inject/context.js';
export { type Damaged, damageRecord } from './inject/damage.js';
export {
  type Damage,
  FAULT_KINDS,
  type Fault,
  type FaultKind,
  type FaultTag,
  InjectionError,
  type InjectionErrorCode,
  type Victim,
} from './inject/faults.js';
export { FaultInjector, type InjectorOptions } from './inject/injector.js';
export {
  FaultyLocks,
  type LockFault,
  type LockPoint,
  type LockTraceEntry,
  type LockWhere,
} from './inject/lock-faults.js';
export type { Hit, RandomPlan, Where } from './inject/plans.js';
export type { Point, PointEvent, PointKind, TraceEntry } from './inject/points.js';
export { formatReplay, parseReplay, type Replay } from './inject/replay.js';
export { SimulatedKeyRange } from './key-range.js';
export type { CrashKind, Outcome } from './medium.js';
export { editRecords, type RecordEditor } from './record-editor.js';
export type {
  CommitSite,
  Faults,
  InFlight,
  Quota,
  RequestSite,
  SimulationOptions,
} from './settings.js';
export { SimulatedIndexedDB } from './simulated-indexeddb.js';
export { SimulatedLocks } from './simulated-locks.js';
export type { OnTurn } from './turns.js';
