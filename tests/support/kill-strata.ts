/**
 * Which engine writes, which one reads afterwards, and how durable commits are: not left to chance, so
 * that few trials have met every pair.
 *
 *   round    nine trials of one lane: each writer with each reader, and with each durability. Four where
 *            only two engines run, and each writer in two durabilities
 *   cycle    three rounds: all three together in every combination
 */
import { ENGINES, type EngineName } from './kill-engines.ts';
import type { Trial } from './kill-plan.ts';
import { Seeded } from './seeded.ts';

export interface Stratum {
  readonly writer: EngineName;
  readonly reader: EngineName;
  readonly durability: Trial['durability'];
}

export const DURABILITIES = ['strict', 'relaxed', 'deferred'] as const;

/** The place of a trial among those of its lane. */
interface Place {
  /** Both from 0. */
  readonly laneNumber: number;
  readonly number: number;
  /** Those that run there. Default: all. */
  readonly engines?: readonly EngineName[];
}

export function stratumOf(seed: number, { laneNumber, number, engines = ENGINES }: Place): Stratum {
  const side = engines.length;
  const perRound = side ** 2;
  const round = Math.floor(number / perRound);
  const pairs = shuffled(new Seeded(seed, laneNumber, round), perRound);
  const pair = pairs[number % perRound] ?? 0;
  const writer = Math.floor(pair / side);
  const reader = pair % side;
  // A Latin square, turned on from round to round.
  const durability = (writer + reader + round + laneNumber + seed) % DURABILITIES.length;
  return {
    writer: engines[writer] ?? 'asynchronous',
    reader: engines[reader] ?? 'asynchronous',
    durability: DURABILITIES[durability] ?? 'strict',
  };
}

function shuffled(random: Seeded, length: number): number[] {
  const numbers: number[] = [];
  for (let i = 0; i < length; i++) {
    numbers.splice(random.between(0, i), 0, i);
  }
  return numbers;
}
