/**
 * Contexts tell each other that something was committed to their volume, if one of them wants to know.
 *
 *   I9  While nobody listens, nothing is said: a context asks once, when it opens the volume, and who
 *       listens says so then and when it begins to. After that, one message in NEWS_INTERVAL_MS at most.
 *
 * What was committed is not said: the store tells, and it alone is right.
 */

const NEWS_INTERVAL_MS = 20;

/** What contexts say to each other. */
export type NewsWord = 'who-listens' | 'listening' | 'committed';

export interface NewsDeps {
  readonly say: (word: NewsWord) => void;
  /** Reads what others committed; never rejects. */
  readonly catchUp: () => Promise<void>;
  readonly monotonicMs: () => number;
}

export class CommitNews {
  readonly #deps: NewsDeps;
  #isListening = false;
  /** Some other context listens, or did. */
  #isWanted = false;
  #saidMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isReading = false;
  /** There was news while it read. */
  #isMore = false;

  constructor(deps: NewsDeps) {
    this.#deps = deps;
    deps.say('who-listens');
  }

  /** From now on somebody here wants to know. */
  listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#deps.say('listening');
  }

  /** What others said for a while was not heard. */
  wasDeaf(): void {
    this.#deps.say('who-listens');
    if (!this.#isListening) return;
    this.#deps.say('listening');
    this.hear('committed');
  }

  /** A commit of this context is complete. */
  committed(): void {
    if (!this.#isWanted || this.#timer !== undefined) return;
    const leftMs = this.#saidMs + NEWS_INTERVAL_MS - this.#deps.monotonicMs();
    if (leftMs <= 0) this.#say();
    else this.#timer = setTimeout(() => this.#say(), leftMs);
  }

  #say(): void {
    this.#timer = undefined;
    this.#saidMs = this.#deps.monotonicMs();
    this.#deps.say('committed');
  }

  /** Another context has said something. */
  hear(word: NewsWord): void {
    if (word === 'listening') this.#isWanted = true;
    else if (!this.#isListening) return;
    else if (word === 'who-listens') this.#deps.say('listening');
    else if (this.#isReading) this.#isMore = true;
    else void this.#read();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    do {
      this.#isMore = false;
      await this.#deps.catchUp();
    } while (this.#isMore);
    this.#isReading = false;
  }

  /** What was still to be said is said now. */
  close(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#say();
  }
}
