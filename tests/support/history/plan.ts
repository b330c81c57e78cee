/** What a history is to do: drawn from a seed and a number, the same in the pages and in their runner. */
import type { Durability } from '../../../src/index.js';
import { Seeded } from '../seeded.ts';
import { PAGES, SEATS, seatAt } from './seats.ts';

export type Step =
  | { readonly op: 'read'; readonly key: number }
  | { readonly op: 'append'; readonly key: number; readonly value: number }
  /** An append within a savepoint that is rolled back: nobody is ever to see it. */
  | { readonly op: 'undone'; readonly key: number; readonly value: number };

export interface TxPlan {
  readonly id: number;
  /** `statement`: all of it in one statement, without BEGIN. */
  readonly style: 'statement' | 'begin' | 'immediate';
  readonly steps: readonly Step[];
  readonly rollsBack: boolean;
  /** It writes more than is kept in memory, so that it goes out ahead of its commit. */
  readonly spills: boolean;
  readonly pauseMs: number;
  /** The connection is closed and opened again after it. */
  readonly reopens: boolean;
}

/** The part of one seat. */
export interface SeatJob {
  readonly seat: number;
  readonly seed: number;
  readonly history: number;
  readonly path: string;
  readonly keys: number;
  readonly sqliteTxs: number;
  readonly durability: Durability;
  /** Deferred: so many sqliteTxs are acknowledged by one `durable()`. */
  readonly burst: number;
  /** Of SQLite. */
  readonly cachePages: number;
}

/** What goes wrong, when so many sqliteTxs have been heard of. */
export type Strike = { readonly after: number } & Deed;
export type Deed =
  | PageDeed
  | { readonly kind: 'terminate'; readonly seat: number }
  | { readonly kind: 'steal'; readonly ms: number }
  | { readonly kind: 'release' };
/** What can only be done from outside of the browser. */
export type PageDeed =
  | { readonly kind: 'close' | 'kill'; readonly page: number }
  | { readonly kind: 'freeze' | 'stop'; readonly page: number; readonly ms: number };
export type StrikeKind = Deed['kind'];
export const STRIKE_KINDS: readonly StrikeKind[] = [
  'terminate',
  'close',
  'kill',
  'freeze',
  'stop',
  'steal',
  'release',
];

export interface HistoryPlan {
  readonly seed: number;
  /** From 1. */
  readonly history: number;
  readonly path: string;
  readonly keys: number;
  readonly pageSize: number;
  readonly jobs: readonly SeatJob[];
  readonly strikes: readonly Strike[];
}

const SEATS_PER_HISTORY = [4, 7] as const;
const KEYS = [3, 8] as const;
const PAUSE_MS = [1, 8] as const;
/** The library's option. */
export const STEAL_AFTER_MS = 1000;
/** Often long enough for the lock to be stolen meanwhile. */
const FROZEN_MS = [100, 2500] as const;
const STOLEN_MS = [0, 20] as const;
const BURST = [1, 5] as const;
const STEPS = [1, 4] as const;
/** Those that cost the time to start a page again come rarely. */
const DRAWN_STRIKES: readonly StrikeKind[] = [
  ...Array<StrikeKind>(5).fill('steal'),
  ...Array<StrikeKind>(4).fill('release'),
  ...Array<StrikeKind>(3).fill('terminate'),
  'freeze',
  'stop',
  'close',
  'kill',
];
const STRIKES = [0, 4] as const;
const CHOSEN_STRIKES = [10, 20] as const;

export interface PlanOptions {
  /** Of all seats together. */
  readonly transactions: number;
  /** Kinds to draw from, more often than otherwise. Default: all of them, as they are worth their time. */
  readonly strikes?: readonly StrikeKind[];
}

export function planHistory(
  seed: number,
  history: number,
  { transactions, strikes: chosen }: PlanOptions,
): HistoryPlan {
  const random = new Seeded(seed, history);
  const seats = drawSeats(random);
  const path = `history-${seed}-${history}.db`;
  const keys = random.between(...KEYS);
  const jobs = seats.map((seat, i): SeatJob => {
    const durability = random.pick(['strict', 'relaxed', 'relaxed', 'deferred'] as const);
    return {
      seat,
      seed,
      history,
      path,
      keys,
      sqliteTxs: Math.floor((transactions + i) / seats.length),
      durability,
      burst: durability === 'deferred' ? random.between(...BURST) : 1,
      cachePages: random.pick([10, 2000]),
    };
  });
  const pageSize = random.pick([1024, 4096]);
  const [least, most] = chosen ? CHOSEN_STRIKES : STRIKES;
  const count = random.between(least, most);
  const strikes = Array.from({ length: count }, (): Strike => {
    const kind = random.pick(chosen ?? DRAWN_STRIKES);
    return { after: random.between(1, transactions), ...drawDeed(kind, random, seats) };
  });
  strikes.sort((a, b) => a.after - b.after);
  return { seed, history, path, keys, pageSize, jobs, strikes };
}

function drawSeats(random: Seeded): number[] {
  const seats = SEATS.map((_, number) => number);
  const count = random.between(...SEATS_PER_HISTORY);
  while (seats.length > count) seats.splice(random.between(0, seats.length - 1), 1);
  return seats;
}

function drawDeed(kind: StrikeKind, random: Seeded, seats: readonly number[]): Deed {
  switch (kind) {
    case 'steal':
      return { kind, ms: random.between(...STOLEN_MS) };
    case 'release':
      return { kind };
    case 'terminate': {
      const workers = seats.filter((seat) => seatAt(seat).kind === 'worker');
      const [first] = workers;
      return first === undefined ? { kind: 'release' } : { kind, seat: random.pick(workers) };
    }
    case 'freeze':
    case 'stop':
      return { kind, page: random.pick(PAGES), ms: random.between(...FROZEN_MS) };
    case 'close':
    case 'kill':
      return { kind, page: random.pick(PAGES) };
  }
}

/** Ids of one history: of each seat 1, 2, 3, … above its own hundred thousand. */
const IDS_PER_SEAT = 100_000;
const VALUES_PER_TX = 10;

/** @param sequence from 1 */
export function planTx(job: SeatJob, sequence: number): TxPlan {
  const random = new Seeded(job.seed, job.history, job.seat, sequence);
  const id = (job.seat + 1) * IDS_PER_SEAT + sequence;
  const writes = random.chance(0.6);
  const style = random.chance(0.15)
    ? 'statement'
    : random.pick(['begin', 'immediate', 'immediate'] as const);
  const drawn = Array.from({ length: random.between(...STEPS) }, (_, i): Step => {
    const key = random.between(0, job.keys - 1);
    const value = id * VALUES_PER_TX + i;
    if (!writes || random.chance(0.4)) return { op: 'read', key };
    return { op: random.chance(0.1) ? 'undone' : 'append', key, value };
  });
  const append: Step = { op: 'append', key: random.between(0, job.keys - 1), value: id * 10 + 9 };
  const pauses = random.chance(0.3) ? random.between(...PAUSE_MS) : 0;
  return {
    id,
    style: style === 'immediate' && !writes ? 'begin' : style,
    steps: stepsOf(style, writes, drawn, append),
    rollsBack: style !== 'statement' && random.chance(0.12),
    spills: writes && style !== 'statement' && random.chance(0.06),
    pauseMs: pauses,
    reopens: random.chance(0.02),
  };
}

/** A writer appends something for good. In one statement there is room for reads, or for one append. */
function stepsOf(
  style: TxPlan['style'],
  writes: boolean,
  drawn: readonly Step[],
  append: Step,
): readonly Step[] {
  if (style === 'statement') return writes ? [append] : drawn;
  return writes ? [...drawn, append] : drawn;
}
