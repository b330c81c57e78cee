/** A run's faults as one line of text, and back. */
import { type Fault, InjectionError } from './faults.js';

/** What a run did, as JSON: the same program under it meets the same faults at the same points. */
export interface Replay {
  /** Of what is drawn. */
  readonly seed: number;
  /** The faults, each with the number of its point. */
  readonly faults: readonly (readonly [number: number, fault: Fault])[];
}

const PREFIX = 'replay: ';
/** JSON has no word for it. */
const INFINITY = 'Infinity';

/** One line for people. Keys that are dates or bytes do not survive it. */
export function formatReplay(replay: Replay): string {
  const encode = (_: string, value: unknown) =>
    value === Number.POSITIVE_INFINITY ? INFINITY : value;
  return PREFIX + JSON.stringify(replay, encode);
}

/**
 * Reads what `formatReplay` or `replayLine` wrote, with or without what comes before the JSON.
 * @throws InjectionError `BAD_PLAN`
 */
export function parseReplay(line: string): Replay {
  const decode = (_: string, value: unknown) =>
    value === INFINITY ? Number.POSITIVE_INFINITY : value;
  try {
    const replay = JSON.parse(line.slice(line.indexOf('{')), decode) as Partial<Replay>;
    if (typeof replay.seed === 'number' && Array.isArray(replay.faults)) return replay as Replay;
  } catch (cause) {
    throw new InjectionError('BAD_PLAN', `This is no replay: ${line}`, { cause });
  }
  throw new InjectionError('BAD_PLAN', `A replay has a seed and faults, this has not: ${line}`);
}
