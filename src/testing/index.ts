/**
 * A testing kit for programs that store data in IndexedDB: a simulated one whose every step can be
 * watched and crashed after, and a search over all crash points of a workload.
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
export type { OnTurn } from './turns.js';
