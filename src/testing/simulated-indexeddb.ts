/**
 * An IndexedDB in memory whose every step can be watched, and crashed after.
 *
 * It behaves as the specification says, and a suite run on it and on browsers alike checks that it
 * does. What happens next among independent things is drawn from a seed, so a run can be repeated.
 * The medium below it (medium.ts) knows what a crash at any moment may leave.
 *
 * Not modelled:
 *   - Blobs, files and CryptoKeys beyond what `structuredClone` of the host does with them;
 *     SharedArrayBuffers are refused only as a value, not deep within one.
 *   - Time: nothing takes longer for being big, nothing times out.
 *   - Storage buckets, partitions and eviction; `IDBFactory` of one origin only.
 *   - Requests whose data reaches the medium before their events were dispatched, after an explicit
 *     `commit()`: here the commit window opens when the last event has been.
 *   - Two idbTxs of one database that become durable in another order than they completed, half an
 *     idbTx, damage: see `editRecords` for what no browser promises and a test may want all the same.
 *   - In a browser (not in Node) a task of another origin than this simulation, e.g. a timer, may find
 *     an idbTx still active that was made in the task before.
 *   - What only some browsers do, such as one writer per database (docs/TESTING.md, "Conformance").
 *   - `event.isTrusted` is false and `event.timeStamp` 0; there is no `window.event`.
 */
import { Jobs, SimulatedTab } from './factory.js';
import type { CrashKind, Outcome } from './medium.js';
import type { Faults, InFlight, Quota, SimulationOptions } from './settings.js';
import type { DatabaseState } from './state.js';
import type { OnTurn } from './turns.js';
import { hashText } from './values.js';
import { World } from './world.js';

const NOTHING: ReadonlyMap<string, DatabaseState> = new Map();

/** The simulated IndexedDB of one origin, as its first tab sees it. */
export class SimulatedIndexedDB extends SimulatedTab {
  /** What its draws come from. */
  readonly seed: number;
  readonly #world: World;
  readonly #jobs: Jobs;

  constructor(options: SimulationOptions = {}, databases: Outcome['databases'] = NOTHING) {
    const { seed = 1, trace = true } = options;
    const world = new World({ seed, traced: trace, databases });
    const jobs = new Jobs();
    super(world, jobs);
    this.seed = seed;
    this.#world = world;
    this.#jobs = jobs;
  }

  /** Another tab of the same origin. */
  openTab(): SimulatedTab {
    return new SimulatedTab(this.#world, this.#jobs);
  }

  /** Every state that a crash at this moment may leave, each once. */
  outcomes(kind: CrashKind): Outcome[] {
    return this.#world.medium.outcomes(kind);
  }

  /** A fresh simulation that starts from what a crash left. This one goes on unless it is halted. */
  fork(outcome: Outcome, options: SimulationOptions = {}): SimulatedIndexedDB {
    return new SimulatedIndexedDB({ seed: this.seed, ...options }, outcome.databases);
  }

  /** Calls `onlooker` after each turn. @returns a function that ends it */
  onTurn(onlooker: OnTurn): () => void {
    return this.#world.turns.onTurn(onlooker);
  }

  /** Turns run so far. */
  get turn(): number {
    return this.#world.turns.number;
  }

  /** One line for each turn. */
  trace(): readonly string[] {
    return this.#world.turns.trace;
  }

  /** The trace as one short number in hexadecimal. */
  traceHash(): string {
    return (hashText(this.trace().join('\n')) >>> 0).toString(16).padStart(8, '0');
  }

  /** Resolves when nothing is left to do. */
  idle(): Promise<void> {
    return this.#world.turns.idle();
  }

  /** Stops for good: nothing is answered any more, as after a crash. */
  halt(): void {
    this.#world.turns.halt();
  }

  /** Closes connections as a browser does when its storage fails or is cleared. */
  forceClose(options: { readonly name?: string; readonly inFlight?: InFlight } = {}): void {
    const { name, inFlight = 'drawn' } = options;
    for (const connection of this.#world.connections(name)) connection.forceClose(inFlight);
  }

  /** Limits the bytes of all databases; undefined, the default, lifts the limit. */
  get quota(): Quota | undefined {
    return this.#world.quota;
  }
  set quota(quota: Quota | undefined) {
    this.#world.quota = quota;
  }

  /** What is to fail. Default nothing. */
  get faults(): Faults {
    return this.#world.faults;
  }
  set faults(faults: Faults) {
    this.#world.faults = faults;
  }

  /** Bytes of all databases, as counted towards the quota. */
  get usedBytes(): number {
    return this.#world.medium.bytes;
  }
}
