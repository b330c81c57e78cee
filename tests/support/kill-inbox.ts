/** Messages of trials, by trial: those of a dead page may come late. */
import type { Message } from '../../tools/message-log.mjs';
import { describeTrial, type MessageKind, type MessageOf, type Trial } from './kill-plan.ts';

const PAGE_ERROR = 'page-error';
const WAIT_TIMEOUT_MS = 60_000;

export interface TimedMessage extends Message {
  /** When it came, ms since 1970. */
  readonly at: number;
}

export class Inbox {
  readonly #byTrial: Map<number, TimedMessage[]> = new Map();
  readonly #failures: Message[] = [];
  readonly #listeners: Set<() => void> = new Set();

  add(message: Message): void {
    const { trial } = (message.data ?? {}) as { trial?: number };
    if (message.kind === PAGE_ERROR) this.#failures.push(message);
    else if (trial !== undefined) {
      const before = this.#byTrial.get(trial);
      const timed = { ...message, at: Date.now() };
      if (before) before.push(timed);
      else this.#byTrial.set(trial, [timed]);
    }
    for (const listener of [...this.#listeners]) listener();
  }

  of({ id }: Trial): readonly TimedMessage[] {
    return this.#byTrial.get(id) ?? [];
  }

  /** Forgets a trial that was judged. */
  drop({ id }: Trial): void {
    this.#byTrial.delete(id);
  }

  async waitFor<K extends MessageKind>(trial: Trial, kind: K): Promise<MessageOf<K>> {
    return (await this.waitForOneOf(trial, [kind])).data as MessageOf<K>;
  }

  /** @throws when a page reports an error instead, or time is up. */
  async waitForOneOf(trial: Trial, kinds: readonly MessageKind[]): Promise<Message> {
    const failuresBefore = this.#failures.length;
    const deadline = Date.now() + WAIT_TIMEOUT_MS;
    for (;;) {
      const found = this.of(trial).find(({ kind }) => kinds.some((wanted) => wanted === kind));
      if (found) return found;
      const failure = this.#failures[failuresBefore];
      if (failure) {
        throw new Error(`Trial ${describeTrial(trial)}: ${JSON.stringify(failure.data)}`);
      }
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`Trial ${describeTrial(trial)}: no ${kinds.join(' or ')}`);
      await this.#change(leftMs);
    }
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#listeners.add(done);
    });
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
