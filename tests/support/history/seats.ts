/**
 * Where the sqliteTxs of a history are run: windows, dedicated workers and a SharedWorker of one profile, with
 * all three engines. Seats stay from one history to the next, unless they are killed.
 */
import type { BuildName } from '../sqlite.ts';

export interface Seat {
  readonly kind: 'window' | 'worker' | 'shared worker';
  readonly build: Extract<BuildName, 'asyncify' | 'jspi' | 'mirror' | 'shared'>;
  /** The page it is in, or that started it; the control page, which is never killed, has none. */
  readonly page: number | undefined;
}

export const SEATS: readonly Seat[] = [
  { kind: 'window', build: 'asyncify', page: 0 },
  { kind: 'worker', build: 'mirror', page: 0 },
  { kind: 'worker', build: 'shared', page: 0 },
  { kind: 'window', build: 'mirror', page: 1 },
  { kind: 'worker', build: 'jspi', page: 1 },
  { kind: 'worker', build: 'shared', page: 1 },
  { kind: 'window', build: 'jspi', page: 2 },
  { kind: 'worker', build: 'asyncify', page: 2 },
  { kind: 'shared worker', build: 'mirror', page: undefined },
];
export const PAGES: readonly number[] = [0, 1, 2];

export function seatsOf(page: number): number[] {
  return SEATS.flatMap((seat, number) => (seat.page === page ? [number] : []));
}

export function seatAt(number: number): Seat {
  const seat = SEATS[number];
  if (!seat) throw new Error(`There is no seat ${number}`);
  return seat;
}

export function seatName(number: number): string {
  const { kind, build, page } = seatAt(number);
  return `${build} in ${kind} ${page === undefined ? '' : `of page ${page} `}#${number}`;
}
