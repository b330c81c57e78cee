/**
 * One short run drawn from a seed: a workload, faults in it, a crash somewhere, sometimes a second one
 * in the recovery. What is found at the end is checked as after every crash.
 */
import { type CrashKind, type Outcome, SimulatedIndexedDB } from '../../src/testing/index.js';
import { onlyOutcome, planFor, type StorePlan } from './crash-plan.ts';
import { Program } from './fault-run.ts';
import { pathsOf } from './operations.ts';
import { drawSteps } from './random-steps.ts';
import { Seeded } from './seeded.ts';
import { Store } from './store-dsl.ts';
import type { Notice, Step } from './store-model.ts';

/** What is to happen, as it can be printed. */
export interface WalkPlan {
  readonly seed: number;
  readonly names: readonly string[];
  readonly faults: readonly Fault[];
  readonly crash: CrashPlanned;
  readonly recoveryCrash: CrashPlanned | undefined;
}

interface CrashPlanned {
  /** The end of the work, if that comes first. */
  readonly turn: number;
  readonly kind: CrashKind;
  /** Modulo the number of outcomes. */
  readonly outcome: number;
}

type Fault =
  | { readonly tag: 'request' | 'commit'; readonly nth: number; readonly name: string }
  | { readonly tag: 'close'; readonly turn: number; readonly inFlight: 'lands' | 'lost' }
  | {
      readonly tag: 'quota';
      readonly turn: number;
      readonly bytesLeft: number;
      readonly noticedAt: 'put' | 'commit';
    };

export interface WalkReport {
  readonly plan: WalkPlan;
  readonly crashedBeforeTheEnd: boolean;
  /** Errors that the program saw. */
  readonly errors: number;
  /** Of the traces of all simulations; empty if they were not traced. */
  readonly hash: string;
}

const NAMES = ['UnknownError', 'QuotaExceededError', 'DataError', 'AbortError'];

/** Does what the seed says. @throws with the plan and how to run it again */
export async function walk(seed: number, trace = false): Promise<WalkReport> {
  const random = new Seeded(seed, 10);
  const faulty = random.chance(0.6);
  const { steps, names } = drawSteps(random, {
    steps: { least: 2, most: 5 },
    durabilities: faulty ? ['strict', 'relaxed'] : ['strict', 'relaxed', 'deferred'],
    // A fault makes deferred commits vanish that the model has; closing may be what fails.
    without: faulty ? ['deferred', 'reopen'] : [],
  });
  const plan: WalkPlan = {
    seed,
    names,
    faults: faulty ? drawFaults(random) : [],
    crash: drawCrash(random, 100),
    recoveryCrash: random.chance(0.25) ? drawCrash(random, 25) : undefined,
  };
  try {
    return await new Walk(plan, steps, trace).run();
  } catch (cause) {
    throw new Error(`${JSON.stringify(plan)}\n${String(cause)}\n${replayOf(seed)}`, { cause });
  }
}

function replayOf(seed: number): string {
  return `Run it again: GATE_SEED=${seed} npx vitest run --project node gate-walk`;
}

function drawFaults(random: Seeded): Fault[] {
  return Array.from({ length: random.between(1, 2) }, () => {
    const tag = random.pick(['request', 'commit', 'close', 'quota'] as const);
    if (tag === 'close') {
      const inFlight = random.pick(['lands', 'lost'] as const);
      return { tag, turn: random.between(1, 90), inFlight };
    }
    if (tag === 'quota') {
      const noticedAt = random.pick(['put', 'commit'] as const);
      return { tag, turn: random.between(1, 60), bytesLeft: random.between(0, 5000), noticedAt };
    }
    const nth = random.between(1, tag === 'commit' ? 10 : 60);
    return { tag, nth, name: random.pick(NAMES) };
  });
}

function drawCrash(random: Seeded, turnMax: number): CrashPlanned {
  const kind = random.pick(['process', 'power'] as const);
  return { turn: random.between(1, turnMax), kind, outcome: random.bits() };
}

class Walk {
  readonly #plan: WalkPlan;
  readonly #steps: readonly Step[];
  readonly #paths: readonly string[];
  readonly #crashes: StorePlan;
  readonly #trace: boolean;
  readonly #acknowledged: Notice[] = [];
  readonly #hashes: string[] = [];

  constructor(plan: WalkPlan, steps: readonly Step[], trace: boolean) {
    this.#plan = plan;
    this.#steps = steps;
    this.#paths = pathsOf(steps);
    this.#crashes = planFor(steps, { paths: this.#paths });
    this.#trace = trace;
  }

  async run(): Promise<WalkReport> {
    const { plan } = this;
    const { faults, crash, recoveryCrash } = plan;
    const sim = new SimulatedIndexedDB({ seed: plan.seed, trace: this.#trace });
    const program = new Program(faults.length, () => {
      sim.quota = undefined;
    });
    const work = () => (faults.length > 0 ? this.#repeating(sim, program) : this.#plainly(sim));
    let { outcome, cut } = await this.#until(sim, crash, work);
    const kinds = [crash.kind];
    if (recoveryCrash) {
      const recovery = this.#fork(outcome);
      const recover = async () => {
        await this.#crashes.recover(recovery);
      };
      ({ outcome } = await this.#until(recovery, recoveryCrash, recover));
      kinds.push(recoveryCrash.kind);
    }
    const factory = this.#fork(outcome);
    const recovered = await this.#crashes.recover(factory);
    const kind = kinds.includes('power') ? 'power' : 'process';
    await this.#crashes.check({ recovered, factory, acknowledged: this.#acknowledged, kind });
    this.#hashes.push(factory.traceHash());
    const hash = this.#trace ? this.#hashes.join(' ') : '';
    return { plan, crashedBeforeTheEnd: cut, errors: program.errors.length, hash };
  }

  get plan(): WalkPlan {
    return this.#plan;
  }

  /** Runs `work` up to the crash. @returns what that leaves */
  async #until(
    sim: SimulatedIndexedDB,
    crash: CrashPlanned,
    work: () => Promise<void>,
  ): Promise<{ outcome: Outcome; cut: boolean }> {
    let outcome: Outcome | undefined;
    const crashed = new Promise<void>((resolve) => {
      sim.onTurn((turn) => {
        if (turn !== crash.turn) return;
        const outcomes = sim.outcomes(crash.kind);
        outcome = outcomes[crash.outcome % outcomes.length];
        // Nothing that runs on from here was ever told to anybody.
        sim.halt();
        resolve();
      });
    });
    await Promise.race([crashed, work().then(() => sim.idle())]);
    this.#hashes.push(sim.traceHash());
    const cut = outcome !== undefined;
    outcome ??= onlyOutcome(sim);
    sim.halt();
    return { outcome, cut };
  }

  #fork(outcome: Outcome): SimulatedIndexedDB {
    return new SimulatedIndexedDB({ seed: this.#plan.seed, trace: this.#trace }, outcome.databases);
  }

  #plainly(factory: SimulatedIndexedDB): Promise<void> {
    const acknowledge = (notice: Notice) => {
      this.#acknowledged.push(notice);
    };
    return this.#crashes.workload({ factory, acknowledge });
  }

  /** As a program does that repeats what fails. */
  async #repeating(factory: SimulatedIndexedDB, program: Program): Promise<void> {
    arm(factory, this.#plan.faults);
    const store = await program.attempt(() => Store.open({ factory, paths: this.#paths }));
    let commit = 0;
    for (const { changes, durability, rolledBack } of this.#steps) {
      if (rolledBack) {
        await program.attempt(() => store.rollBack(changes, rolledBack));
        continue;
      }
      commit++;
      this.#acknowledged.push({ commit, what: 'began', durability });
      await program.attempt(() => store.commit(changes, durability));
      this.#acknowledged.push({ commit, what: 'acknowledged', durability });
    }
    await store.close();
  }
}

function arm(sim: SimulatedIndexedDB, faults: readonly Fault[]): void {
  const asked = { request: 0, commit: 0 };
  const ask = (tag: 'request' | 'commit') => () => {
    asked[tag]++;
    const hit = faults.find((fault) => fault.tag === tag && fault.nth === asked[tag]);
    return hit && 'name' in hit ? new DOMException('on purpose', hit.name) : undefined;
  };
  sim.faults = { request: ask('request'), commit: ask('commit') };
  sim.onTurn((turn) => {
    for (const fault of faults) {
      if (!('turn' in fault) || fault.turn !== turn) continue;
      if (fault.tag === 'close') sim.forceClose({ inFlight: fault.inFlight });
      else sim.quota = { bytes: sim.usedBytes + fault.bytesLeft, noticedAt: fault.noticedAt };
    }
  });
}
