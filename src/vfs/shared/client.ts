/**
 * The client's end of the channel: writes requests, and blocks until they are answered.
 *
 *   I1  Requests are acted on in the order they were written, waited for or not.
 *   I9  No wait is endless: it lasts as long as the storage worker's heart beats (pulse.ts).
 *
 *   open ──close──▶ closed
 *     └──no heartbeat, or the storage worker failed──▶ poisoned: every call fails at once
 */
import { type BlockStoreError, StorageWorkerError } from '../../errors.js';
import { FieldReader } from './fields.js';
import { type SharedParts, STATE, WORD } from './layout.js';
import {
  decodeReply,
  encodeRequest,
  isAnswered,
  type Reply,
  type Request,
  requestBytesMax,
} from './protocol.js';
import { Pulse } from './pulse.js';
import { RingWriter } from './ring.js';

export interface ChannelClientOptions {
  readonly volume: string;
  /** Milliseconds without a heartbeat after which the storage worker is given up. */
  readonly workerTimeoutMs: number;
  /** Milliseconds since the last heartbeat for which what was granted stands. */
  readonly trustMs: number;
  /** Wakes a storage worker that sleeps until a message comes. */
  readonly ring: () => void;
  /** The storage worker was given up. */
  readonly onPoison: (error: BlockStoreError) => void;
}

export class ChannelClient {
  readonly #parts: SharedParts;
  readonly #options: ChannelClientOptions;
  readonly #writer: RingWriter;
  readonly #pulse: Pulse;
  #poison: BlockStoreError | undefined;

  constructor(parts: SharedParts, options: ChannelClientOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#writer = new RingWriter(parts);
    this.#pulse = new Pulse(parts.words, options.workerTimeoutMs);
  }

  get words(): SharedParts['words'] {
    return this.#parts.words;
  }

  /** Why nothing goes through any more. */
  get poison(): BlockStoreError | undefined {
    return this.#poison;
  }

  /**
   * Whether a lease still stands, as far as can be told without asking.
   * @throws StorageWorkerError
   */
  get isFresh(): boolean {
    if (this.#poison) throw this.#poison;
    return this.#pulse.isYoungerThan(this.#options.trustMs);
  }

  /**
   * Sends a request that nobody answers.
   * @throws StorageWorkerError
   */
  send(request: Request): void {
    this.#assertOpen();
    const bytesMax = requestBytesMax(request);
    if (!this.#writer.hasRoom(bytesMax)) this.#waitForRoom(bytesMax);
    this.#writer.write(bytesMax, (to) => encodeRequest(to, request));
    const { words } = this.#parts;
    Atomics.notify(words, WORD.TAIL);
    if (Atomics.load(words, WORD.DOORBELL) === 1) this.#options.ring();
  }

  /**
   * Sends a request and waits for its reply, which is to be used before the next request.
   * @throws StorageWorkerError
   */
  call(request: Request): Reply {
    const { words, reply } = this.#parts;
    const before = Atomics.load(words, WORD.REPLY);
    this.send(request);
    if (!isAnswered(request)) return { tag: 'done' };
    this.#waitWhile(WORD.REPLY, before);
    const answer = decodeReply(new FieldReader(reply));
    return answer ?? this.#fail('it gave a reply that is none');
  }

  #waitForRoom(bytesMax: number): void {
    const { words } = this.#parts;
    for (;;) {
      // Read before it is looked at: a record that is done in between is seen, or ends the wait.
      const head = Atomics.load(words, WORD.HEAD);
      if (this.#writer.hasRoom(bytesMax)) return;
      this.#waitWhile(WORD.HEAD, head);
    }
  }

  /** I9: waits until a word has another value than `value`. */
  #waitWhile(word: number, value: number): void {
    const { words } = this.#parts;
    const pulse = this.#pulse;
    pulse.start();
    while (Atomics.load(words, word) === value) {
      this.#assertOpen();
      const isQuiet = Atomics.wait(words, word, value, pulse.lookMs) === 'timed-out';
      if (isQuiet && pulse.isGone()) this.#fail(pulse.why);
    }
  }

  #assertOpen(): void {
    if (this.#poison) throw this.#poison;
    const state = Atomics.load(this.#parts.words, WORD.STATE);
    if (state !== STATE.OPEN)
      this.#fail(state === STATE.FAILED ? 'it failed' : 'the VFS was closed');
  }

  /** The worker is known to be gone. */
  poisonWith(error: BlockStoreError): void {
    this.#poison ??= error;
  }

  #fail(why: string): never {
    const error = new StorageWorkerError(this.#options.volume, why);
    this.poisonWith(error);
    this.#options.onPoison(error);
    throw error;
  }
}
