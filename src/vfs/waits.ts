/**
 * How a synchronous wa-sqlite build waits: not inside a VFS method, but around the API call.
 *
 * A method that would have to wait answers SQLITE_BUSY and leaves a promise in `Module.retryOps`: the
 * API awaits it and repeats the whole call, once. What is to be complete before the API call returns is
 * left in `Module.pendingOps`; when that fails, so does the call. npm's wa-sqlite 1.0.0 has neither, and
 * @livestore/wa-sqlite the first only, which nothing but opening looks at.
 *
 *   I4  An operation left here never rejects, but for a pending one that is awaited: then its failure
 *       is told by the call that awaits it.
 */
import { BlockStoreError } from '../errors.js';
import * as rc from '../result-codes.js';
import type { SqliteModule } from './module.js';
import { isWriting } from './running.js';

/** wa-sqlite's errors have the primary result code. */
const PRIMARY = 0xff;

/** An error as the API call passes it on: with SQLite's code for its own. */
class ApiError extends Error {
  readonly code: number;
  constructor(cause: unknown) {
    super((cause as Error | null)?.message ?? String(cause), { cause });
    this.code = (cause instanceof BlockStoreError ? cause.sqliteCode : rc.SQLITE_IOERR) & PRIMARY;
  }
}

export interface PendingOp {
  /** True once an API call awaits it, and so will tell its failure. */
  readonly awaited: boolean;
}

export class Waits {
  readonly #module: SqliteModule;
  readonly #tasks: MessageChannel = new MessageChannel();
  #atNextTask: (() => void)[] = [];

  constructor(module: SqliteModule) {
    this.#module = module;
    this.#tasks.port1.onmessage = () => {
      const calls = this.#atNextTask;
      this.#atNextTask = [];
      for (const call of calls) call();
    };
  }

  /** False on a build whose API calls cannot wait. */
  get available(): boolean {
    return this.#module.retryOps !== undefined && this.#module.pendingOps !== undefined;
  }

  /** What API calls would need to be able to wait. */
  get missing(): string {
    return this.#module.retryOps === undefined ? 'Module.retryOps' : 'Module.pendingOps';
  }

  /** Repeats the API call under way once `done` has resolved; it must not reject. */
  retry(done: Promise<void>): void {
    this.#module.retryOps?.push(done);
  }

  /** Lets the API call under way return only when `done` has, and fail if it fails. */
  pending(done: Promise<void>): PendingOp {
    const op = {
      awaited: false,
      // biome-ignore lint/suspicious/noThenProperty: being asked for it tells that someone waits.
      then: (resolve: () => void, reject: (cause: Error) => void): void => {
        op.awaited = true;
        done.then(resolve, (cause) => reject(new ApiError(cause)));
      },
    };
    // Should nobody wait, its failure is told elsewhere.
    done.catch(() => undefined);
    this.#module.pendingOps?.push(op);
    return op;
  }

  /** Calls back when the task at hand, with all its microtasks, is over. */
  nextTask(call: () => void): void {
    this.#atNextTask.push(call);
    if (this.#atNextTask.length === 1) this.#tasks.port2.postMessage(null);
  }

  /** True if a statement of the connection that is being run may write. */
  isWriting(connection: number): boolean {
    return isWriting(this.#module, connection);
  }

  close(): void {
    this.#tasks.port1.close();
  }
}
