/**
 * An IDBFactory over another one, the browser's or a simulated one, where faults can be planned.
 *
 * Requests, idbTxs and connections stay the genuine objects: those that pass through here carry own
 * properties over their methods, and their events are seen first by a capturing listener. So what the
 * code under test unwraps, stores or tests with `instanceof` is what it would get without.
 */
import { Connection } from './connection.js';
import type { Context, Struck } from './context.js';
import { type Damaged, damageStored, damageWithin } from './damage.js';
import { type Damage, type Fault, InjectionError } from './faults.js';
import { completed } from './genuine.js';
import { History } from './history.js';
import { Holds } from './holds.js';
import { Opening, startRival } from './opening.js';
import { type Hit, Plans, type RandomPlan, type Where } from './plans.js';
import {
  describePoint,
  hashLines,
  NOWHERE,
  type Place,
  type Point,
  type TraceEntry,
} from './points.js';
import { formatReplay, type Replay } from './replay.js';

/** What a `FaultInjector` injects by itself, and what it keeps in mind. */
export interface InjectorOptions {
  /** For what is drawn: random faults, and which record or bit a damage hits. Default 1. */
  readonly seed?: number;
  /** Faults at random points. Default none. */
  readonly random?: RandomPlan;
  /** Faults of an earlier run, at the points of that run. Its seed takes the place of `seed`. */
  readonly replay?: Replay;
  /**
   * Whether to read what each write changes, so that `relaxed-suffix-lost` and `record-stale` are
   * possible. It costs two requests for each write. Default false.
   */
  readonly history?: boolean;
}

/** Between the seeds of two draws, so that neighbouring seeds do not share them. */
const DRAW_STEP = 0x9e3779b1;

/** See {@link FaultKind} for what can be injected, and where. */
export class FaultInjector {
  /** What to give to the code under test. */
  readonly factory: IDBFactory;
  /** What its draws come from. */
  readonly seed: number;
  readonly #genuine: IDBFactory;
  readonly #context: Context;
  readonly #plans: Plans;
  readonly #holds: Holds;
  readonly #history: History | undefined;
  readonly #connections = new Set<Connection>();
  readonly #work = new Set<Promise<unknown>>();
  readonly #onlookers = new Set<(point: TraceEntry) => void>();
  readonly #failures: unknown[] = [];
  readonly #damaged: Damaged[] = [];
  #trace: TraceEntry[] = [];
  #struck: Struck[] = [];
  #number = 0;
  #idbTxs = 0;
  #damages = 0;

  /**
   * @param factory what does the work; default the global `indexedDB`
   * @throws InjectionError `NO_FACTORY`, `NEEDS_HISTORY`, `BAD_PLAN`, `UNKNOWN_KIND`
   */
  constructor(
    factory: IDBFactory | undefined = globalThis.indexedDB,
    options: InjectorOptions = {},
  ) {
    const { random, replay, history = false } = options;
    if (!factory) {
      throw new InjectionError('NO_FACTORY', 'There is no indexedDB here: pass a factory.');
    }
    this.seed = replay?.seed ?? options.seed ?? 1;
    this.#genuine = factory;
    this.#plans = new Plans({ seed: this.seed, random, replay, hasHistory: history });
    this.#holds = new Holds(factory);
    this.#history = history ? new History() : undefined;
    this.#context = this.#makeContext();
    this.factory = this.#makeFactory();
  }

  /**
   * Plans a fault. By default it strikes once, at the first point where it can.
   * @throws InjectionError `NEEDS_HISTORY`, `BAD_PLAN`, `UNKNOWN_KIND`
   */
  plan(fault: Fault, where?: Where): void {
    this.#plans.add(fault, where);
  }

  /** Every fault that was injected, in order. */
  get struck(): readonly Struck[] {
    return this.#struck;
  }

  /** What planned damage hit, in order. */
  get damaged(): readonly Damaged[] {
    return this.#damaged;
  }

  /** Points passed that `hit` accepts. */
  count(hit: Hit): number {
    return this.#trace.filter(hit).length;
  }

  /** Every call and event since the start or the last `reset`. */
  trace(): readonly TraceEntry[] {
    return this.#trace;
  }

  /** Calls `onlooker` at each point, before anything happens there. @returns a function that ends it */
  onPoint(onlooker: (point: TraceEntry) => void): () => void {
    this.#onlookers.add(onlooker);
    return () => this.#onlookers.delete(onlooker);
  }

  /** The trace, one line for each point. */
  lines(): string[] {
    return this.#trace.map(describePoint);
  }

  /** The trace as one short number in hexadecimal. On a simulation, equal for equal seeds. */
  traceHash(): string {
    return hashLines(this.lines());
  }

  /** What to give as `replay` to another injector over an equal factory, under the same program. */
  replay(): Replay {
    return { seed: this.seed, faults: this.#struck.map(({ number, fault }) => [number, fault]) };
  }

  /** The same as one line for people, `replay: {…}`, which `parseReplay` reads. */
  replayLine(): string {
    return formatReplay(this.replay());
  }

  /** No more faults, planned, drawn or of a replay, until another one is planned. */
  stop(): void {
    this.#plans.stop();
  }

  /** As `stop`, and forgets trace and faults. The numbers go on; what is held back stays held. */
  reset(): void {
    this.stop();
    this.#trace = [];
    this.#struck = [];
    this.#damaged.length = 0;
  }

  /** The browser closes every connection now. */
  closeAll(): void {
    for (const connection of this.#connections) connection.forceClose();
  }

  /** From now on no event comes through, but for `upgradeneeded`. */
  freeze(): void {
    this.#holds.freeze();
  }

  /** Everything comes through again, in its order. @returns when what waited was delivered */
  thaw(): Promise<void> {
    return this.#holds.thaw();
  }

  /** Answers what `no-answer` and endless waits hold back. */
  release(): void {
    this.#holds.release();
  }

  /**
   * Loses completed idbTxs since the last strict one, last first; connections are closed by force.
   * @returns how many were lost
   * @throws InjectionError `NEEDS_HISTORY`
   */
  async loseRelaxed(database: string, idbTxs: number = Number.POSITIVE_INFINITY): Promise<number> {
    const history = this.#history;
    if (!history) {
      throw new InjectionError(
        'NEEDS_HISTORY',
        'What was lost cannot be known: create the injector with history: true.',
      );
    }
    for (const { db } of this.#connections) if (db.name === database) this.#close(db);
    return await history.undo(this.#genuine, database, idbTxs);
  }

  /**
   * Damages a stored record now, through a connection of its own.
   * @throws InjectionError `NO_VICTIM`, `NEEDS_HISTORY`
   */
  async damage(database: string, damage: Damage): Promise<Damaged> {
    this.#plans.check(damage);
    return await damageStored(this.#genuine, database, damage, this.#damageOptions());
  }

  /** Resolves when what planned faults started, e.g. a damage, is done. Rejects if it failed. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
    const [failure] = this.#failures.splice(0);
    if (failure !== undefined) throw failure;
  }

  #close(db: IDBDatabase): void {
    for (const connection of this.#connections) if (connection.db === db) connection.forceClose();
  }

  #pass(place: Place): Fault | undefined {
    this.#number++;
    const point: Point = { ...NOWHERE, ...place, number: this.#number };
    const fault = this.#plans.at(point);
    const entry: TraceEntry = { ...point, fault };
    this.#trace.push(entry);
    for (const onlooker of this.#onlookers) onlooker(entry);
    if (fault) this.#struck.push({ number: this.#number, fault, point });
    return fault;
  }

  #makeContext(): Context {
    return {
      factory: this.#genuine,
      holds: this.#holds,
      history: this.#history,
      pass: (place) => this.#pass(place),
      nextIdbTx: () => {
        this.#idbTxs++;
        return this.#idbTxs;
      },
      rival: (db, then) => startRival(this.#genuine, db, then),
      damage: (idbTx, damage) => this.#background(this.#damageWithin(idbTx, damage)),
      freeze: (rounds) => {
        this.freeze();
        if (rounds !== undefined) this.#background(this.#thawAfter(rounds));
      },
      loseRelaxed: (database, idbTxs) => this.#background(this.loseRelaxed(database, idbTxs)),
    };
  }

  async #damageWithin(idbTx: IDBTransaction, damage: Damage): Promise<void> {
    const ended = completed(idbTx);
    const [done] = await Promise.all([damageWithin(idbTx, damage, this.#damageOptions()), ended]);
    this.#damaged.push(done);
  }

  /** Another draw for each damage, the same in each run. */
  #damageOptions() {
    this.#damages++;
    return { seed: this.seed + DRAW_STEP * this.#damages, history: this.#history };
  }

  #background(work: Promise<unknown>): void {
    this.#work.add(work);
    const isOver = () => this.#work.delete(work);
    work.then(isOver, (failure: unknown) => {
      isOver();
      this.#failures.push(failure);
    });
  }

  async #thawAfter(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) await this.#holds.trip();
    await this.thaw();
  }

  #makeFactory(): IDBFactory {
    const genuine = this.#genuine;
    const methods: Pick<IDBFactory, 'open' | 'deleteDatabase' | 'databases' | 'cmp'> = {
      open: (name, version) => this.#open('open', String(name), () => genuine.open(name, version)),
      deleteDatabase: (name) =>
        this.#open('delete', String(name), () => genuine.deleteDatabase(name)),
      databases: () => genuine.databases(),
      cmp: (a, b) => genuine.cmp(a, b),
    };
    // So that `instanceof IDBFactory` holds.
    return Object.assign(Object.create(Object.getPrototypeOf(genuine)) as IDBFactory, methods);
  }

  #open(kind: 'open' | 'delete', name: string, issue: () => IDBOpenDBRequest): IDBOpenDBRequest {
    const fault = this.#pass({ kind, database: name });
    const onConnected = (db: IDBDatabase, upgrade: IDBTransaction | null) => {
      const connection = new Connection(this.#context, db);
      for (const other of this.#connections) if (!other.isOpen) this.#connections.delete(other);
      this.#connections.add(connection);
      if (upgrade) connection.adopt(upgrade);
    };
    return new Opening(this.#context, { kind, name, fault, issue, onConnected }).request;
  }
}
