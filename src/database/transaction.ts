/**
 * A sqliteTx of a database: what is run in it is committed as a whole, or rolled back.
 *
 *   I1  While it lasts, nothing else runs on the connection.
 *   I2  It is over when its function has returned or thrown; what is run on it then is an error.
 *
 *   begun ──function returns──▶ COMMIT ──▶ over
 *     └──function throws, or COMMIT fails──▶ ROLLBACK ──▶ over
 */
import { OptionError, StorageError } from '../errors.js';
import type { Connection } from './connection.js';
import { Queue } from './queue.js';
import { type RetryHost, retrying } from './retry.js';
import { type RunOptions, SqlSession } from './session.js';
import { SqlError } from './sql-error.js';

/** How a sqliteTx is begun, and whether it is tried again. */
export interface TransactionOptions extends RunOptions {
  /**
   * How it begins: `'immediate'`, the default, waits for the writer lock at once, so that no
   * statement in it fails because another connection has committed meanwhile; `'deferred'` is for
   * what only reads; `'exclusive'` is for SQLite's sake.
   */
  readonly mode?: 'deferred' | 'immediate' | 'exclusive';
  /**
   * How often all of it is tried again if another connection was in the way; `fn` is then called
   * anew. Between two attempts up to 10 ms pass, twice as much each time, 1,000 ms at most. Default
   * 0: `busyTimeoutMs` has passed already when it fails.
   */
  readonly retryCountMax?: number;
}

const SQLITE_ABORT_ROLLBACK = 516;
const MODES = ['deferred', 'immediate', 'exclusive'];

type State = 'beginning' | 'begun' | 'over';

/** A sqliteTx under way, or a part of one: what `fn` of `transaction` is given. */
export class Transaction extends SqlSession {
  /** Of the SAVEPOINTs that it is in. */
  readonly #depth: number;
  #state: State = 'beginning';
  /** The part of it that is under way. */
  #part: Transaction | undefined;

  private constructor(
    connection: Connection,
    queue: Queue,
    { signal, depth }: { readonly signal: AbortSignal | undefined; readonly depth: number },
  ) {
    super(connection, queue, signal);
    this.#depth = depth;
  }

  /** Runs `fn` in a sqliteTx, once. */
  static async run<T>(
    connection: Connection,
    fn: (tx: Transaction) => Promise<T>,
    { mode = 'immediate', signal }: TransactionOptions,
  ): Promise<T> {
    const tx = new Transaction(connection, new Queue(), { signal, depth: 0 });
    await tx.exec(`BEGIN ${mode}`);
    tx.#state = 'begun';
    try {
      const answer = await fn(tx);
      await tx.#finish('COMMIT');
      return answer;
    } catch (error) {
      await tx.#rollback(error);
      throw error;
    }
  }

  /**
   * A part of it, which is undone alone if `fn` throws (a SAVEPOINT). What is run on the outer one
   * meanwhile is part of it too.
   *
   * @throws what `fn` throws; SqlError; OptionError if another part is under way
   */
  async transaction<T>(fn: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.#part)
      throw new OptionError('transaction', 'a part of the sqliteTx is under way; wait for its end');
    const depth = this.#depth + 1;
    const part = new Transaction(this.connection, this.queue, { signal: this.signal, depth });
    this.#part = part;
    const name = `idb_block_vfs_${depth}`;
    try {
      await this.exec(`SAVEPOINT ${name}`);
      part.#state = 'begun';
      try {
        const answer = await fn(part);
        await part.#finish(`RELEASE ${name}`);
        return answer;
      } catch (error) {
        await part.#rollback(error, `ROLLBACK TO ${name}; RELEASE ${name}`);
        throw error;
      }
    } finally {
      this.#part = undefined;
    }
  }

  /**
   * I2, and after SQLite has rolled it back by itself: what is run then would be committed alone.
   */
  protected override assertUsable(sql: string): void {
    if (this.#state === 'over') {
      throw new OptionError('transaction', 'the sqliteTx is over; use the database');
    }
    if (this.#state === 'begun' && !this.connection.inSqliteTx) {
      const why = 'an earlier error has rolled the sqliteTx back';
      throw new SqlError(why, { sql, sqliteCode: SQLITE_ABORT_ROLLBACK });
    }
  }

  /** In one turn, so that nothing comes between. It cannot be aborted. */
  async #finish(sql: string): Promise<void> {
    const { connection } = this;
    await this.queue.run(async () => {
      this.assertUsable(sql);
      this.#state = 'over';
      await this.end();
      await connection.run(sql, () => connection.runEach(sql), undefined);
    });
  }

  async #rollback(why: unknown, sql = 'ROLLBACK'): Promise<void> {
    const { connection } = this;
    await this.queue.run(async () => {
      this.#state = 'over';
      await this.end();
      // SQLite may have done it already.
      if (!connection.inSqliteTx) return;
      try {
        await connection.run(sql, () => connection.runEach(sql), undefined);
      } catch (failure) {
        connection.giveUp();
        const message = `the sqliteTx failed, and so did its rollback (${(failure as Error).message})`;
        throw new StorageError(connection.path, message, { cause: why });
      }
    });
  }
}

/**
 * Runs `fn` in a sqliteTx, again if it was busy and may be. `turn` gives the connection to it
 * alone.
 */
export async function transact<T>(
  turn: (work: () => Promise<T>) => Promise<T>,
  {
    connection,
    fn,
    options,
    host,
  }: {
    readonly connection: Connection;
    readonly fn: (tx: Transaction) => Promise<T>;
    readonly options: TransactionOptions;
    readonly host: RetryHost;
  },
): Promise<T> {
  const { retryCountMax = 0, mode, signal } = options;
  if (mode !== undefined && !MODES.includes(mode)) {
    throw new OptionError('mode', `one of ${MODES.join(', ')}, not ${mode}`);
  }
  if (!Number.isInteger(retryCountMax) || retryCountMax < 0) {
    throw new OptionError('retryCountMax', `a whole number from 0 on, not ${retryCountMax}`);
  }
  const work = () => turn(() => Transaction.run(connection, fn, options));
  return await retrying(work, host, { retryCountMax, signal });
}
