/**
 * Plans: which fault strikes at which point.
 *
 *   I1  A plan counts only points it names and at which its fault can strike.
 *   I2  At most one fault strikes at a point: that of a replay, else of the first plan, else a drawn one.
 *   I3  What is drawn depends on the seed and on the points passed, on nothing else.
 */
import { Random } from '../random.js';
import { Countdowns } from './countdown.js';
import { FAULT_KINDS, type Fault, type FaultTag, InjectionError, kindOf } from './faults.js';
import type { Point } from './points.js';
import type { Replay } from './replay.js';

/** True for the points a plan waits for. */
export type Hit = (point: Point) => boolean;

/** Where and how often a fault strikes. Everything given must hold; nothing given holds everywhere. */
export interface Where {
  /** True for the points it is for. */
  readonly at?: Hit;
  /** What happens there. */
  readonly kind?: Point['kind'];
  /** Which event is delivered there. */
  readonly event?: Point['event'];
  /** The method, as `Point.method`. */
  readonly method?: string;
  /** Name of the object store. */
  readonly store?: string;
  /** Of the idbTx. */
  readonly mode?: IDBTransactionMode;
  /** Name of the IndexedDB database. */
  readonly database?: string;
  /** The first of them that is struck, from 1. Default 1. */
  readonly nth?: number;
  /** How many are struck. Default 1; Infinity for `request-error-persistent`. */
  readonly times?: number;
}

/** Faults drawn at random. */
export interface RandomPlan {
  /** How likely a fault is at a point where one can strike, 0 to 1. */
  readonly rate: number;
  /** What to draw from. Default every kind that needs no history and comes to an end by itself. */
  readonly kinds?: readonly FaultTag[];
  /** True for the points where one may strike. Default all. */
  readonly at?: Hit;
  /** At most so many. Default no limit. */
  readonly countMax?: number;
}

const ENDLESS: readonly string[] = ['no-answer', 'freeze', 'request-error-persistent'];

const DRAWN: readonly FaultTag[] = FAULT_KINDS.flatMap(({ tag, at, needsHistory }) =>
  tag === 'lock-released' || at.length === 0 || needsHistory || ENDLESS.includes(tag) ? [] : [tag],
);

export interface PlansOptions {
  readonly seed: number;
  readonly random?: RandomPlan | undefined;
  readonly replay?: Replay | undefined;
  readonly hasHistory: boolean;
}

export class Plans {
  readonly #options: PlansOptions;
  readonly #random: Random;
  #replay: ReadonlyMap<number, Fault>;
  readonly #planned = new Countdowns<Fault, Where>();
  #drawn = 0;
  #isDrawing = true;

  /** @throws InjectionError `NEEDS_HISTORY`, `BAD_PLAN` */
  constructor(options: PlansOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#replay = new Map(options.replay?.faults ?? []);
    const { kinds = [], rate = 0 } = options.random ?? {};
    if (!(rate >= 0 && rate <= 1)) throw badPlan(`The rate ${rate} is not between 0 and 1.`);
    const drawable = kinds.map((tag): Fault => ({ tag }));
    for (const fault of [...this.#replay.values(), ...drawable]) this.check(fault);
  }

  /** @throws InjectionError `NEEDS_HISTORY`, `BAD_PLAN`, `UNKNOWN_KIND` */
  add(fault: Fault, where: Where = {}): void {
    this.check(fault);
    const endless = fault.tag === 'request-error-persistent';
    const { nth = 1, times = endless ? Number.POSITIVE_INFINITY : 1 } = where;
    if (where.kind && !kindOf(fault).at.includes(where.kind)) {
      throw badPlan(`"${fault.tag}" cannot strike at "${where.kind}".`);
    }
    if (!this.#planned.add({ fault, where }, { nth, times }))
      throw badPlan(`nth ${nth}, times ${times} name no point.`);
  }

  /** No fault strikes any more, until another one is added. */
  stop(): void {
    this.#planned.clear();
    this.#replay = new Map();
    this.#isDrawing = false;
  }

  /** The fault that strikes at `point`: I2. */
  at(point: Point): Fault | undefined {
    return this.#replay.get(point.number) ?? this.#plannedAt(point) ?? this.#draw(point);
  }

  #plannedAt(point: Point): Fault | undefined {
    return this.#planned.pass(({ fault, where }) => canStrike(fault, point) && holds(where, point));
  }

  /** I3 */
  #draw(point: Point): Fault | undefined {
    const { random } = this.#options;
    if (!random || !this.#isDrawing || this.#drawn >= (random.countMax ?? Number.POSITIVE_INFINITY))
      return undefined;
    if (random.at && !random.at(point)) return undefined;
    const kinds = (random.kinds ?? DRAWN).filter((tag) => canStrike({ tag }, point));
    if (kinds.length === 0) return undefined;
    if (this.#random.below(PARTS) >= random.rate * PARTS) return undefined;
    const tag = kinds[this.#random.below(kinds.length)];
    if (!tag) return undefined;
    this.#drawn++;
    return { tag };
  }

  /** @throws InjectionError `NEEDS_HISTORY`, `UNKNOWN_KIND` */
  check(fault: Fault): void {
    if (!kindOf(fault).needsHistory || this.#options.hasHistory) return;
    const message = `"${fault.tag}" needs earlier values: create the injector with history: true.`;
    throw new InjectionError('NEEDS_HISTORY', message);
  }
}

/** A chance is drawn as one of so many. */
const PARTS = 1_000_000;
const OPENINGS = ['open', 'delete'];
const GROWING = ['put', 'add', 'update'];

function canStrike(fault: Fault, point: Point): boolean {
  if (!kindOf(fault).at.includes(point.kind)) return false;
  // What an opening is told belongs to no connection yet.
  if (point.kind === 'event' && OPENINGS.includes(point.method)) return false;
  if (fault.tag === 'quota-at-put') return GROWING.includes(point.method);
  const store = 'store' in fault ? fault.store : undefined;
  return store === undefined || point.stores.includes(store);
}

function holds(where: Where, point: Point): boolean {
  const { at, kind, event, method, store, mode, database } = where;
  return (
    (kind ?? point.kind) === point.kind &&
    (event ?? point.event) === point.event &&
    (method ?? point.method) === point.method &&
    (store ?? point.store) === point.store &&
    (mode ?? point.mode) === point.mode &&
    (database ?? point.database) === point.database &&
    (at?.(point) ?? true)
  );
}

function badPlan(message: string): InjectionError {
  return new InjectionError('BAD_PLAN', message);
}
