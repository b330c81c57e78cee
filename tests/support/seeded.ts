/** Random choices that a seed repeats: the same in a page and in its runner. */

export class Seeded {
  #state: number;

  /** @param seeds mixed into one: a run's seed, a step's number, … */
  constructor(...seeds: readonly number[]) {
    this.#state = seeds.reduce(
      (mixed, seed) => Math.imul(mixed ^ seed, 0x9e3779b1) + 1,
      0x2545f491,
    );
  }

  /** 32 random bits (Mulberry32). */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + (this.bits() % (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.bits() < probability * 2 ** 32;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.bits() % choices.length];
    if (choice === undefined) throw new Error('There is nothing to pick from');
    return choice;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.bits();
    return new Uint8Array(words.buffer, 0, length);
  }
}

/** The seed of this run: KILL_SEED, to repeat one, or a new one. */
export function seedOfRun(): number {
  const given = process.env['KILL_SEED'];
  return given === undefined ? Date.now() % 1_000_000 : Number(given);
}
