/**
 * The storage worker's end of the channel: takes requests in order, answers, sleeps when there are none.
 *
 *   I1  One request at a time, in the order they were written.
 *   I9  It blocks for at most HOLD_MS at a time, only to keep an idbTx under way open, and only where a
 *       thread may block. Its event loop turns while it sleeps, and after TURN_MS of work or of holding:
 *       `versionchange`, `close`, messages and other clients come through.
 *
 *   serving ──ring empty──▶ holding (an idbTx is open) ──HOLD_MS──▶ asleep ──request──▶ serving
 *      └──drain: the client is dead──▶ what it sent is acted on, up to what it would wait for ──▶ over
 */
import { mayBlock } from './capabilities.js';
import { FieldWriter } from './fields.js';
import { type SharedParts, STATE, WORD } from './layout.js';
import { decodeRequest, encodeReply, isAnswered, type Reply, type Request } from './protocol.js';
import { RingReader } from './ring.js';

/** Not in every browser yet, nor in this language level's types. */
const { waitAsync } = Atomics as {
  readonly waitAsync?: (
    words: SharedParts['words'],
    index: number,
    value: number,
  ) => { readonly value: string | Promise<string> };
};

const HOLD_MS = 5;
/** Milliseconds without a turn of the event loop after which there has to be one. */
const TURN_MS = 50;
const HEARTBEAT_MS = 100;

export interface RequestHandler {
  /** Acts on a request. A promise only if it has to wait. */
  serve(request: Request): Reply | undefined | Promise<Reply | undefined>;
  /** True while an idbTx waits for more requests. */
  readonly holdsIdbTx: boolean;
  /** The heart is about to beat after a pause of so many milliseconds. */
  paused(ms: number): void;
}

export class ChannelServer {
  readonly #parts: SharedParts;
  readonly #handler: RequestHandler;
  readonly #ring: RingReader;
  readonly #mayBlock: boolean = mayBlock();
  readonly #behind: Set<{ readonly tail: number; readonly reached: () => void }> = new Set();
  #wake: (() => void) | undefined;
  /** When the event loop last turned, for all that is known, in ms. */
  #turnedAt: number = performance.now();
  /** Nothing is acted on any more. */
  #isOver = false;
  /** The client is dead: nobody waits for an answer, and nothing more is sent. */
  #isDraining = false;
  #beating: ReturnType<typeof setInterval> | undefined;

  constructor(parts: SharedParts, handler: RequestHandler) {
    this.#parts = parts;
    this.#handler = handler;
    this.#ring = new RingReader(parts);
  }

  /** Serves until the channel is closed. Rejects with what broke it; the client is told. */
  async run(): Promise<void> {
    const { words } = this.#parts;
    this.#beat();
    this.#beating = setInterval(() => {
      this.#turnedAt = performance.now();
      this.#beat();
    }, HEARTBEAT_MS);
    try {
      while (Atomics.load(words, WORD.STATE) === STATE.OPEN) {
        if (await this.#next()) {
          if (this.#isTurnDue) await this.#turn();
        } else if (this.#isDraining) break;
        else await this.#rest();
      }
    } catch (cause) {
      Atomics.store(words, WORD.STATE, STATE.FAILED);
      for (const word of [WORD.REPLY, WORD.HEAD]) Atomics.notify(words, word);
      throw cause;
    } finally {
      clearInterval(this.#beating);
      this.#isOver = true;
      for (const { reached } of this.#behind) reached();
    }
  }

  /** The client's message that there is something to do. */
  doorbell(): void {
    this.#wake?.();
  }

  /** Ends `run` when what was taken is done. */
  close(): void {
    const { words } = this.#parts;
    Atomics.compareExchange(words, WORD.STATE, STATE.OPEN, STATE.CLOSED);
    Atomics.notify(words, WORD.TAIL);
    this.#wake?.();
  }

  /** Ends `run` when all that a dead client has sent is done, but for what it waited for. */
  drain(): void {
    this.#isDraining = true;
    Atomics.notify(this.#parts.words, WORD.TAIL);
    this.#wake?.();
  }

  /**
   * A promise while something that the client has sent waits to be acted on. It resolves when what
   * was sent so far is done with, or nothing more is taken.
   */
  unacted(): Promise<void> | undefined {
    const tail = Atomics.load(this.#parts.words, WORD.TAIL);
    if (this.#hasReached(tail)) return undefined;
    return new Promise((reached) => this.#behind.add({ tail, reached }));
  }

  #hasReached(tail: number): boolean {
    const { words } = this.#parts;
    return this.#isOver || ((Atomics.load(words, WORD.HEAD) - tail) | 0) >= 0;
  }

  #beat(): void {
    const { words } = this.#parts;
    const now = Date.now() | 0;
    this.#handler.paused((now - Atomics.load(words, WORD.HEARTBEAT)) | 0);
    Atomics.store(words, WORD.HEARTBEAT, now);
  }

  /** I9 */
  get #isTurnDue(): boolean {
    return performance.now() - this.#turnedAt >= TURN_MS;
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    this.#turnedAt = performance.now();
  }

  /** Serves one request; false if there is none. */
  async #next(): Promise<boolean> {
    const record = this.#ring.take();
    if (!record) return false;
    this.#beat();
    const request = decodeRequest(record);
    if (!request) throw new Error('a request that is none');
    if (this.#isDraining && isAnswered(request)) return false;
    // No await where there is nothing to wait for: a request more would cost a turn.
    const serving = this.#handler.serve(request);
    const reply = serving instanceof Promise ? await serving : serving;
    this.#ring.release();
    if (isAnswered(request)) this.#answer(reply ?? { tag: 'done' });
    for (const waiting of this.#behind) {
      if (!this.#hasReached(waiting.tail)) continue;
      this.#behind.delete(waiting);
      waiting.reached();
    }
    return true;
  }

  #answer(reply: Reply): void {
    const { words, reply: area } = this.#parts;
    encodeReply(new FieldWriter(area), reply);
    Atomics.add(words, WORD.REPLY, 1);
    Atomics.notify(words, WORD.REPLY);
  }

  async #rest(): Promise<void> {
    const { words } = this.#parts;
    if (Atomics.load(words, WORD.STATE) !== STATE.OPEN) return;
    const tail = Atomics.load(words, WORD.HEAD);
    if (this.#mayBlock && this.#handler.holdsIdbTx && (await this.#holds(tail))) return;
    if (!waitAsync) return await this.#untilMessage(tail);
    const { value } = waitAsync(words, WORD.TAIL, tail);
    // A string: something came before it slept, and the event loop did not turn.
    if (typeof value === 'string') return;
    await value;
    this.#turnedAt = performance.now();
  }

  /** True if there is something to do. */
  async #holds(tail: number): Promise<boolean> {
    if (this.#isTurnDue) {
      await this.#turn();
      return true;
    }
    return Atomics.wait(this.#parts.words, WORD.TAIL, tail, HOLD_MS) !== 'timed-out';
  }

  /** For contexts without Atomics.waitAsync. */
  async #untilMessage(tail: number): Promise<void> {
    const { words } = this.#parts;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    Atomics.store(words, WORD.DOORBELL, 1);
    // Looked at after the doorbell was hung: what came before is seen, what comes after rings.
    if (Atomics.load(words, WORD.TAIL) === tail) {
      await woken;
      this.#turnedAt = performance.now();
    }
    Atomics.store(words, WORD.DOORBELL, 0);
    this.#wake = undefined;
  }
}
