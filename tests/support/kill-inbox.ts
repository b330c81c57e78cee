/** Messages of trials, by trial: those of a dead page may come late. */
import type { Message } from '../../tools/message-log.mjs';
import { describeTrial, type MessageKind, type MessageOf, type Trial } from './kill-plan.ts';

const PAGE_ERROR = 'page-error';
/** A page that makes no request and says nothing for so long stands still. */
const STALL_MS = 120_000;

export interface TimedMessage extends Message {
  /** When it came, ms since 1970. */
  readonly at: number;
}

export class Inbox {
  readonly #byTrial: Map<number, TimedMessage[]> = new Map();
  readonly #failures: Message[] = [];
  /** Of each trial, when its page was last seen to get on. */
  readonly #progress: Map<number, { readonly at: number; readonly requests: number }> = new Map();
  readonly #listeners: Set<() => void> = new Set();

  add(message: Message): void {
    const { trial } = (message.data ?? {}) as { trial?: number };
    if (message.kind === PAGE_ERROR) this.#failures.push(message);
    else if (trial !== undefined) {
      this.#note(trial, message);
      const before = this.#byTrial.get(trial);
      const timed = { ...message, at: Date.now() };
      if (before) before.push(timed);
      else this.#byTrial.set(trial, [timed]);
    }
    for (const listener of [...this.#listeners]) listener();
  }

  #note(trial: number, { kind, data }: Message): void {
    const before = this.#progress.get(trial);
    const { requests = before?.requests ?? 0 } = data as { requests?: number };
    if (kind === 'alive' && requests === before?.requests) return;
    this.#progress.set(trial, { at: Date.now(), requests });
  }

  of({ id }: Trial): readonly TimedMessage[] {
    return this.#byTrial.get(id) ?? [];
  }

  /** Forgets a trial that was judged. */
  drop({ id }: Trial): void {
    this.#byTrial.delete(id);
    this.#progress.delete(id);
  }

  async waitFor<K extends MessageKind>(trial: Trial, kind: K): Promise<MessageOf<K>> {
    return (await this.waitForOneOf(trial, [kind])).data as MessageOf<K>;
  }

  /** @throws when a page reports an error instead, or stands still. */
  async waitForOneOf(trial: Trial, kinds: readonly MessageKind[]): Promise<Message> {
    const failuresBefore = this.#failures.length;
    const began = Date.now();
    for (;;) {
      const found = this.of(trial).find(({ kind }) => kinds.some((wanted) => wanted === kind));
      if (found) return found;
      const failure = this.#failures[failuresBefore];
      if (failure) {
        throw new Error(`Trial ${describeTrial(trial)}: ${JSON.stringify(failure.data)}`);
      }
      const lastSeen = Math.max(began, this.#progress.get(trial.id)?.at ?? 0);
      const leftMs = lastSeen + STALL_MS - Date.now();
      if (leftMs <= 0) {
        const last = JSON.stringify(this.of(trial).at(-1));
        throw new Error(`Trial ${describeTrial(trial)}: no ${kinds.join(' or ')} after ${last}`);
      }
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
