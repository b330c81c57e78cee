/**
 * The medium: what of each database would be there after a crash at this moment.
 *
 *   I1  Completed idbTxs are a list; a crash keeps a prefix of it, never a hole, never half an idbTx.
 *   I2  What is durable is kept by every crash; only `makeDurable` moves the limit, and only upwards.
 *   I3  An idbTx in its commit window may be kept or lost by any crash; after all that completed.
 *   I4  States are shared, never copied: asking for the outcomes costs next to nothing.
 *
 *   (running) ──open──▶ window ──land──▶ completed ──makeDurable──▶ durable
 *                         └──────drop──▶ gone
 */
import { type DatabaseState, databaseBytes } from './state.js';

/** Undefined stands for a database that does not exist. */
export type MaybeState = DatabaseState | undefined;

/** `process`: the browser dies, what it has told the system stays. `power`: the system dies too. */
export type CrashKind = 'process' | 'power';

/** One state that a crash may leave. */
export interface Outcome {
  /** What died. */
  readonly kind: CrashKind;
  /** The databases that exist, by name. */
  readonly databases: ReadonlyMap<string, DatabaseState>;
  /** How many completed idbTxs of each database are lost, and what became of the windows. */
  readonly description: string;
}

/** An idbTx that is being committed. */
export class Pending {
  readonly #apply: (base: MaybeState) => MaybeState;
  readonly #merged = new Map<MaybeState, MaybeState>();

  constructor(apply: (base: MaybeState) => MaybeState) {
    this.#apply = apply;
  }

  /** The state after it, on top of `base`; the same object whenever it is asked for. */
  on(base: MaybeState): MaybeState {
    if (!this.#merged.has(base)) this.#merged.set(base, this.#apply(base));
    return this.#merged.get(base);
  }
}

interface Variant {
  readonly state: MaybeState;
  readonly description: string;
}

/** The history of one database, from the durable state on. */
export class DatabaseLog {
  readonly name: string;
  /** The durable state, then one for each completed idbTx after it. */
  #states: MaybeState[];
  /** idbTxs completed before `#states[0]`. */
  #dropped = 0;
  readonly #windows = new Set<Pending>();

  constructor(name: string, state: MaybeState) {
    this.name = name;
    this.#states = [state];
  }

  /** What the next idbTx sees. */
  get head(): MaybeState {
    return this.#states.at(-1);
  }

  open(pending: Pending): void {
    this.#windows.add(pending);
  }

  drop(pending: Pending): void {
    this.#windows.delete(pending);
  }

  /** @returns the number of completed idbTxs, this one included */
  land(pending: Pending): number {
    this.#windows.delete(pending);
    const state = pending.on(this.head);
    if (state !== this.head) this.#states.push(state);
    return this.#dropped + this.#states.length - 1;
  }

  /** I2: the first `count` completed idbTxs stay, whatever happens. */
  makeDurable(count: number): void {
    const surplus = count - this.#dropped;
    if (surplus <= 0) return;
    this.#states = this.#states.slice(surplus);
    this.#dropped += surplus;
  }

  /** Puts another state in place of everything, durable at once: for damage done on purpose. */
  overwrite(state: MaybeState): void {
    this.#dropped += this.#states.length;
    this.#states = [state];
  }

  /** Each state a crash may leave, once. */
  variants(kind: CrashKind): Variant[] {
    const found = new Map<MaybeState, string>();
    const add = (state: MaybeState, description: string) => {
      if (!found.has(state)) found.set(state, description);
    };
    const windows = [...this.#windows];
    for (let set = 0; set < 2 ** windows.length; set++) {
      const kept = windows.filter((_, i) => (set & (1 << i)) !== 0);
      const state = kept.reduce((base, pending) => pending.on(base), this.head);
      add(state, windows.length === 0 ? 'all' : `window ${kept.length}/${windows.length}`);
    }
    if (kind === 'power') {
      for (let lost = 1; lost < this.#states.length; lost++) {
        add(this.#states[this.#states.length - 1 - lost], `lost ${lost}`);
      }
    }
    return [...found].map(([state, description]) => ({ state, description }));
  }
}

export class Medium {
  readonly #logs = new Map<string, DatabaseLog>();

  constructor(databases: ReadonlyMap<string, DatabaseState> = new Map()) {
    for (const [name, state] of databases) this.#logs.set(name, new DatabaseLog(name, state));
  }

  log(name: string): DatabaseLog {
    let log = this.#logs.get(name);
    if (!log) {
      log = new DatabaseLog(name, undefined);
      this.#logs.set(name, log);
    }
    return log;
  }

  /** The databases as the next idbTx sees them. */
  heads(): Map<string, DatabaseState> {
    const heads = new Map<string, DatabaseState>();
    for (const { name, head } of this.#logs.values()) if (head) heads.set(name, head);
    return heads;
  }

  /** Bytes of all databases, as counted towards the quota. */
  get bytes(): number {
    let bytes = 0;
    for (const { head } of this.#logs.values()) bytes += databaseBytes(head);
    return bytes;
  }

  /** Every combination of what each database may be left as: nothing orders two databases. */
  outcomes(kind: CrashKind): Outcome[] {
    let outcomes: Outcome[] = [{ kind, databases: new Map(), description: '' }];
    for (const log of this.#logs.values()) {
      const variants = log.variants(kind);
      outcomes = outcomes.flatMap((outcome) =>
        variants.map(({ state, description }) => ({
          kind,
          databases: state ? new Map(outcome.databases).set(log.name, state) : outcome.databases,
          description: `${outcome.description} ${log.name}: ${description}`.trim(),
        })),
      );
    }
    return outcomes;
  }
}
