/** Workers that increment one counter, each a context of its own. */
import type { CommitEvent, VerifyReport, VFSStats } from '../../../src/index.js';
import type { CounterAnswer, CounterBuild, CounterJob, CounterOptions } from './worker.ts';

export type { CommitEvent } from '../../../src/index.js';
export type { CounterBuild, CounterOptions } from './worker.ts';

export class CounterContext {
  readonly #worker: Worker;

  private constructor() {
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  }

  static async open(build: CounterBuild, options: CounterOptions): Promise<CounterContext> {
    const context = new CounterContext();
    await context.#ask({ type: 'open', build, options });
    return context;
  }

  #ask(job: CounterJob): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<CounterAnswer>) => {
        if (data.type === 'done') resolve(data.value);
        else reject(Object.assign(new Error(data.message), { code: data.code }));
      };
      this.#worker.onerror = ({ message }) => reject(new Error(message));
      this.#worker.postMessage(job);
    });
  }

  async run(sql: string): Promise<unknown[][]> {
    return (await this.#ask({ type: 'run', sql })) as unknown[][];
  }

  /** So many sqliteTxs, each begun with BEGIN IMMEDIATE; SQLITE_BUSY is a failure. */
  async increment(rounds: number): Promise<void> {
    await this.#ask({ type: 'increment', rounds });
  }

  /** Commits deferred sqliteTxs without a pause. @returns ends it, with their number */
  stream(): () => Promise<number> {
    const stop = new SharedArrayBuffer(4);
    const streaming = this.#ask({ type: 'stream', stop });
    return async () => {
      Atomics.store(new Int32Array(stop), 0, 1);
      return (await streaming) as number;
    };
  }

  async writer(): Promise<{ state: string; errors: string[]; changes: string[] }> {
    return (await this.#ask({ type: 'writer' })) as {
      state: string;
      errors: string[];
      changes: string[];
    };
  }

  /** Commits one row each of table r, in turn from `first` on. */
  async rewrite(first: number, commits: number): Promise<void> {
    await this.#ask({ type: 'rewrite', first, commits });
  }

  async stats(): Promise<VFSStats> {
    return (await this.#ask({ type: 'stats' })) as VFSStats;
  }

  async verify(): Promise<VerifyReport> {
    return (await this.#ask({ type: 'verify' })) as VerifyReport;
  }

  /** Keeps commit events from now on. */
  async listen(): Promise<void> {
    await this.#ask({ type: 'listen' });
  }

  async heard(): Promise<CommitEvent[]> {
    return (await this.#ask({ type: 'heard' })) as CommitEvent[];
  }

  /** Closes the database and deletes it. */
  async delete(): Promise<unknown> {
    return await this.#ask({ type: 'delete' });
  }

  /** As a context that dies. */
  kill(): void {
    this.#worker.terminate();
  }

  async close(): Promise<void> {
    await this.#ask({ type: 'close' });
    this.#worker.terminate();
  }
}
