/**
 * Deferred commits on their way through the channel: how many there are, and whether one more may go
 * without being waited for.
 *
 *   I5  After a loss the next commit is waited for: it may stand on what was lost.
 *   I9  At most `maxDirtyCommits` commits and `maxDirtyBytes` wait, those in the channel included, and
 *       one more of each client. Clients share the room equally.
 *
 * The storage worker publishes the room that is left before it gives a commit's place in the ring
 * free, and the client reads them the other way round: a commit may be counted twice, never not at
 * all.
 */
import { type SharedParts, WORD } from './layout.js';

type Words = SharedParts['words'];

const WORD_MAX = 2 ** 31 - 1;

interface Sent {
  /** Where the ring ended behind it. */
  readonly tail: number;
  readonly bytes: number;
}

/** The client's side. */
export class Backlog {
  readonly #words: Words;
  /** Commits that may not have been acted on. */
  readonly #sent: Sent[] = [];
  #bytes = 0;

  constructor(words: Words) {
    this.#words = words;
  }

  /** Losses so far, to be remembered by who was told of them. */
  get losses(): number {
    return Atomics.load(this.#words, WORD.LOSSES);
  }

  /** I9: true if a commit may go without being waited for. */
  get hasRoom(): boolean {
    const head = Atomics.load(this.#words, WORD.HEAD);
    while (this.#sent[0] && ((head - this.#sent[0].tail) | 0) >= 0) {
      this.#bytes -= this.#sent.shift()?.bytes ?? 0;
    }
    const commits = Atomics.load(this.#words, WORD.ROOM_COMMITS);
    const bytes = Atomics.load(this.#words, WORD.ROOM_BYTES);
    return this.#sent.length < commits && this.#bytes <= bytes;
  }

  /** A commit was sent that nobody waits for. */
  add(bytes: number): void {
    this.#sent.push({ tail: Atomics.load(this.#words, WORD.TAIL), bytes });
    this.#bytes += bytes;
  }
}

/** The storage worker's side. `bytes` may be below 0. */
export function publishRoom(
  words: Words,
  { commits, bytes }: { readonly commits: number; readonly bytes: number },
): void {
  Atomics.store(words, WORD.ROOM_COMMITS, Math.min(commits, WORD_MAX));
  Atomics.store(words, WORD.ROOM_BYTES, Math.max(-1, Math.min(bytes, WORD_MAX)));
}

export function publishLoss(words: Words): void {
  Atomics.add(words, WORD.LOSSES, 1);
}
