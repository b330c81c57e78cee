/**
 * Crashes a workload after every turn, under every outcome the medium allows, and recovers.
 *
 *   I1  The workload runs once; what was acknowledged at a turn goes with the outcomes of that turn.
 *   I2  Each (outcome, acknowledgements, kind) is checked once: the states are shared, so equal ones
 *       are told by identity.
 *   I3  A violation names seed, turn, kind and outcome; `replayCrashPoint` runs that one again.
 */
import type { CrashKind, Outcome } from './medium.js';
import type { SimulationOptions } from './settings.js';
import { SimulatedIndexedDB } from './simulated-indexeddb.js';

/** What the workload works on. */
export interface WorkloadContext<Ack> {
  /** What the workload stores in. */
  readonly factory: SimulatedIndexedDB;
  /** Says that something was promised: from the turn under way on, `check` is told. */
  acknowledge(value: Ack): void;
}

/** What a check is told. */
export interface CrashContext<Ack, Recovered> {
  /** What `recover` came to. */
  readonly recovered: Recovered;
  /** The simulation that `recover` ran on. */
  readonly factory: SimulatedIndexedDB;
  /** Everything acknowledged when the crash came, in order. */
  readonly acknowledged: readonly Ack[];
  /** `power` if any of the crashes in a row took the power. */
  readonly kind: CrashKind;
}

/** A program to be crashed. */
export interface CrashPlan<Ack, Recovered> {
  /** Called once for the whole run, and once for each replay. */
  readonly workload: (context: WorkloadContext<Ack>) => Promise<void>;
  /** Starts the program on what the crash left. A rejection is a violation. */
  readonly recover: (factory: SimulatedIndexedDB) => Promise<Recovered>;
  /** Rejects or throws if what was recovered is not allowed. */
  readonly check: (context: CrashContext<Ack, Recovered>) => Promise<void> | void;
}

/** Which crashes are tried, and when the search ends. */
export interface CrashOptions extends SimulationOptions {
  /** What dies: the browser, or the power with it. Default both. */
  readonly kinds?: readonly CrashKind[];
  /** How many crashes in a row: 1, the default, is that of the workload; 2 adds that of its recovery. */
  readonly depth?: number;
  /** What the workload starts from. Default nothing. */
  readonly from?: Outcome;
  /** Stops after so many violations. Default 10. */
  readonly violationsMax?: number;
  /** Milliseconds of real time that one recovery with its check may take. Default 10,000. */
  readonly timeoutMs?: number;
}

/** Where a crash falls. */
export interface CrashPoint {
  /** After which turn of the simulation. */
  readonly turn: number;
  /** What dies. */
  readonly kind: CrashKind;
  /** Place in `outcomes(kind)` at that turn. */
  readonly outcome: number;
}

/** A crash after which `recover` or `check` failed. */
export interface Violation {
  /** Of the simulation. */
  readonly seed: number;
  /** The crash; with `depth` 2, that of the workload and that of the recovery. */
  readonly points: readonly CrashPoint[];
  /** What happened last before each crash. */
  readonly after: readonly string[];
  /** What it failed with. */
  readonly error: unknown;
  /** One line for people: `replay: {…}`. */
  readonly line: string;
}

/** What a search over all crash points came to. */
export interface CrashReport {
  /** Turns that the workload took. */
  readonly turns: number;
  /** Recoveries run and checked. */
  readonly recoveries: number;
  /** Empty if every promise was kept. */
  readonly violations: readonly Violation[];
  /** Hash of the workload's trace: equal for equal seeds. */
  readonly traceHash: string;
}

/** Runs `plan` and crashes it everywhere. */
export async function everyCrashPoint<Ack, Recovered>(
  plan: CrashPlan<Ack, Recovered>,
  options: CrashOptions = {},
): Promise<CrashReport> {
  const explorer = new Explorer(plan, options);
  const factory = explorer.start();
  const crashes = await explorer.record(factory);
  await explorer.explore(crashes, []);
  const { recoveries, violations } = explorer;
  return { turns: factory.turn, recoveries, violations, traceHash: factory.traceHash() };
}

/**
 * Runs the crash that a violation names, and only that.
 * @throws what `recover` or `check` throws
 */
export async function replayCrashPoint<Ack, Recovered>(
  plan: CrashPlan<Ack, Recovered>,
  points: readonly CrashPoint[],
  options: CrashOptions = {},
): Promise<void> {
  const explorer = new Explorer(plan, options);
  await explorer.replay(await explorer.record(explorer.start()), points);
}

/** One outcome of one turn. */
interface Crash<Ack> {
  readonly point: CrashPoint;
  readonly outcome: Outcome;
  readonly acknowledged: readonly Ack[];
  readonly after: string;
}

const KINDS: readonly CrashKind[] = ['process', 'power'];

class Explorer<Ack, Recovered> {
  readonly #plan: CrashPlan<Ack, Recovered>;
  readonly #options: CrashOptions;
  readonly #seed: number;
  recoveries = 0;
  readonly violations: Violation[] = [];

  constructor(plan: CrashPlan<Ack, Recovered>, options: CrashOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#seed = options.seed ?? 1;
  }

  start(): SimulatedIndexedDB {
    const { from, trace = true } = this.#options;
    return new SimulatedIndexedDB({ seed: this.#seed, trace }, from?.databases);
  }

  /** Runs the workload and notes every crash it could have had. */
  async record(factory: SimulatedIndexedDB): Promise<Crash<Ack>[]> {
    const acknowledged: Ack[] = [];
    const notes = this.#watch(factory, () => acknowledged.length);
    const acknowledge = (value: Ack) => {
      acknowledged.push(value);
    };
    await this.#plan.workload({ factory, acknowledge });
    await factory.idle();
    notes.take(factory.turn, 'the end');
    factory.halt();
    return notes.taken.map(({ count, ...note }) => ({
      ...note,
      acknowledged: acknowledged.slice(0, count),
    }));
  }

  /** Takes down every distinct outcome of every turn. */
  #watch(factory: SimulatedIndexedDB, count: () => number) {
    const { kinds = KINDS } = this.#options;
    const taken: (Omit<Crash<Ack>, 'acknowledged'> & { readonly count: number })[] = [];
    const seen = new Distinct();
    const take = (turn: number, after: string) => {
      for (const kind of kinds) {
        for (const [i, outcome] of factory.outcomes(kind).entries()) {
          if (!seen.add(outcome, `${kind} ${count()}`)) continue;
          taken.push({ point: { turn, kind, outcome: i }, outcome, after, count: count() });
        }
      }
    };
    take(0, 'the start');
    factory.onTurn(take);
    return { taken, take };
  }

  async explore(crashes: readonly Crash<Ack>[], above: readonly Crash<Ack>[]): Promise<void> {
    const { violationsMax = 10, depth = 1 } = this.#options;
    for (const crash of crashes) {
      if (this.violations.length >= violationsMax) return;
      const path = [...above, crash];
      const deeper = path.length < depth;
      try {
        const next = await this.#recover(path, deeper);
        await this.explore(next, path);
      } catch (error) {
        this.violations.push(this.#violation(path, error));
      }
    }
  }

  /** Recovers and checks. @returns the crashes that the recovery itself could have had */
  async #recover(path: readonly Crash<Ack>[], deeper: boolean): Promise<Crash<Ack>[]> {
    const crash = path.at(-1);
    if (!crash) return [];
    const kind = path.some(({ point }) => point.kind === 'power') ? 'power' : 'process';
    const factory = this.#fork(crash);
    const notes = deeper ? this.#watch(factory, () => 0) : undefined;
    this.recoveries++;
    const { acknowledged } = crash;
    try {
      await this.#inTime(async () => {
        const recovered = await this.#plan.recover(factory);
        notes?.take(factory.turn, 'the end of the recovery');
        const length = notes?.taken.length;
        await this.#plan.check({ recovered, factory, acknowledged, kind });
        // What the check itself writes is no recovery: its crashes are nobody's.
        if (notes && length !== undefined) notes.taken.length = length;
      });
    } finally {
      factory.halt();
    }
    const unchanged = new Distinct();
    for (const label of KINDS) unchanged.add(crash.outcome, label);
    return (notes?.taken ?? [])
      .filter(({ outcome, point }) => unchanged.add(outcome, point.kind))
      .map(({ count: _, ...note }) => ({ ...note, acknowledged }));
  }

  async replay(
    crashes: readonly Crash<Ack>[],
    points: readonly CrashPoint[],
    above: readonly Crash<Ack>[] = [],
  ): Promise<void> {
    const [point, ...rest] = points;
    const crash = crashes.find(
      (c) =>
        c.point.turn === point?.turn &&
        c.point.kind === point.kind &&
        c.point.outcome === point.outcome,
    );
    if (!crash) throw new RangeError(`No crash at ${JSON.stringify(point)} with this seed.`);
    const path = [...above, crash];
    const next = await this.#recover(path, rest.length > 0);
    if (rest.length > 0) await this.replay(next, rest, path);
  }

  #fork(crash: Crash<Ack>): SimulatedIndexedDB {
    return new SimulatedIndexedDB({ seed: this.#seed, trace: false }, crash.outcome.databases);
  }

  async #inTime(run: () => Promise<void>): Promise<void> {
    const { timeoutMs = 10_000 } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`Recovery and check did not end within ${timeoutMs} ms.`);
      timer = setTimeout(() => reject(error), timeoutMs);
    });
    try {
      await Promise.race([run(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #violation(path: readonly Crash<Ack>[], error: unknown): Violation {
    const points = path.map(({ point }) => point);
    const after = path.map((crash) => `${crash.after} [${crash.outcome.description}]`);
    const line = `replay: ${JSON.stringify({ seed: this.#seed, points })}`;
    return { seed: this.#seed, points, after, error, line };
  }
}

/** Tells outcomes apart by the identity of their states. */
class Distinct {
  readonly #ids = new Map<object, number>();
  readonly #seen = new Set<string>();

  /** False if the same states were added with the same label. */
  add(outcome: Outcome, label: string): boolean {
    const states = [...outcome.databases].map(([name, state]) => `${name}=${this.#idOf(state)}`);
    const key = `${label} ${states.sort().join(' ')}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }

  #idOf(state: object): number {
    let id = this.#ids.get(state);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(state, id);
    }
    return id;
  }
}
