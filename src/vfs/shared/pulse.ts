/**
 * Tells whether the storage worker lives, by its heartbeat.
 *
 *   I9  It is given up after `timeoutMs` without a beat. Time in which this thread was frozen counts as
 *       one look at the heart.
 *   I3  What it has granted stands only as long as it may be taken to live.
 */
import { type SharedParts, WORD } from './layout.js';

/** Looks at the heart within one limit. */
const LOOKS = 10;

export class Pulse {
  readonly #words: SharedParts['words'];
  readonly timeoutMs: number;
  #beat = 0;
  #silentLooks = 0;

  constructor(words: SharedParts['words'], timeoutMs: number) {
    this.#words = words;
    this.timeoutMs = timeoutMs;
  }

  /** Milliseconds from one look to the next. */
  get lookMs(): number {
    return this.timeoutMs / LOOKS;
  }

  /** A wait begins. */
  start(): void {
    this.#beat = Atomics.load(this.#words, WORD.HEARTBEAT);
    this.#silentLooks = 0;
  }

  /** To be called each `lookMs` while waiting: true if the storage worker is to be given up. */
  isGone(): boolean {
    const beat = Atomics.load(this.#words, WORD.HEARTBEAT);
    this.#silentLooks = beat === this.#beat ? this.#silentLooks + 1 : 0;
    this.#beat = beat;
    return this.#silentLooks >= LOOKS;
  }

  /** I3: false if it last beat so long ago, or the clock was set, that it has to be asked. */
  isYoungerThan(limitMs: number): boolean {
    const ageMs = (Date.now() - Atomics.load(this.#words, WORD.HEARTBEAT)) | 0;
    return ageMs >= 0 && ageMs < limitMs;
  }

  get why(): string {
    return `no sign of life for ${this.timeoutMs} ms`;
  }
}
