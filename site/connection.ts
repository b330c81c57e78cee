/**
 * The worker that has the database, as the page sees it.
 *
 *   running ──kill, or it fails──▶ dead: calls under way reject, and later ones
 */
import type { CallMessage, CallName, Calls, WorkerMessage } from './protocol.ts';

type Answer<N extends CallName> = Awaited<ReturnType<Calls[N]>>;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class WorkerConnection {
  readonly #worker: Worker = new Worker(new URL('./worker.ts', import.meta.url), {
    type: 'module',
  });
  readonly #waiting: Map<number, Waiting> = new Map();
  #lastId = 0;
  #dead: Error | undefined;

  constructor(onEvent: (message: WorkerMessage) => void) {
    this.#worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
      if (data.type === 'answer') this.#take(data.id)?.resolve(data.value as never);
      else if (data.type === 'failure') this.#take(data.id)?.reject(new Error(data.message));
      else onEvent(data);
    };
    this.#worker.onerror = (event) => this.#fail(new Error(event.message || 'the worker failed'));
  }

  call<N extends CallName>(name: N, ...args: Parameters<Calls[N]>): Promise<Answer<N>> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      this.#worker.postMessage({ id, name, args } satisfies CallMessage);
    });
  }

  kill(): void {
    this.#worker.terminate();
    this.#fail(new Error('the worker was killed'));
  }

  #fail(error: Error): void {
    this.#dead = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
