/**
 * Which engine writes, which one reads afterwards, and how durable commits are: not left to chance, so
 * that few trials have met every pair.
 *
 *   round    nine trials of one backend: each writer with each reader, and with each durability
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

const SIDE = ENGINES.length;
const ROUND = SIDE ** 2;

/** @param lane trials of one lane follow each other by `number`, from 0 */
export function stratumOf(seed: number, lane: number, number: number): Stratum {
  const round = Math.floor(number / ROUND);
  const pairs = shuffled(new Seeded(seed, lane, round), ROUND);
  const pair = pairs[number % ROUND] ?? 0;
  const writer = Math.floor(pair / SIDE);
  const reader = pair % SIDE;
  // A Latin square, turned on from round to round.
  const durability = (writer + reader + round + lane + seed) % SIDE;
  return {
    writer: ENGINES[writer] ?? 'asynchronous',
    reader: ENGINES[reader] ?? 'asynchronous',
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
