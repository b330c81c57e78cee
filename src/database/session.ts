/**
 * Where SQL is run: a database, or a sqliteTx of one.
 *
 *   I1  Calls are answered in the order they were made.
 *   I2  What is over leaves no iteration behind, and no statement that it had prepared.
 *   I3  A statement that writes runs to its end in one turn: until then no other write would be
 *       committed.
 */
import { OptionError } from '../errors.js';
import { bind } from './binding.js';
import type { Connection } from './connection.js';
import type { Queue } from './queue.js';
import { type ReadRow, type RowOptions, rowReader } from './rows.js';
import type { Params, SqlValue } from './sqlite-api.js';
import { Statement } from './statement.js';

/** How a statement is run. */
export interface RunOptions {
  /**
   * Gives up waiting for a turn. A statement under way is interrupted when it next waits for
   * IndexedDB, which those of synchronous builds never do. An interrupted INSERT, UPDATE or DELETE
   * rolls its sqliteTx back.
   */
  readonly signal?: AbortSignal;
}

/** How a statement is run, and its rows are returned. */
export type QueryOptions = RunOptions & RowOptions;

/** What statements that return no rows have done. */
export interface ExecResult {
  /** Rows that INSERT, UPDATE and DELETE changed, those of triggers and foreign keys included. */
  readonly changes: number;
  /** Of the last INSERT of this connection; a `bigint` beyond 2^53. */
  readonly lastInsertRowId: number | bigint;
}

/** A row as an object, unless asked for as an array. */
export type Row = Record<string, SqlValue>;

const SQLITE_ROW = 100;
/** Rows that an iteration fetches in one turn. */
const ROWS_PER_TURN = 64;

interface Iteration {
  readonly sql: string;
  readonly params: Params | undefined;
  readonly options: QueryOptions;
  statement: number | undefined;
  read: ReadRow | undefined;
  /** The statement has no more rows. */
  isDone: boolean;
}

/** What can be run on a database, and on a sqliteTx of it. */
export abstract class SqlSession {
  protected readonly connection: Connection;
  protected readonly queue: Queue;
  /** Aborts everything that is run here. */
  protected readonly signal: AbortSignal | undefined;
  /** Statements that are iterated over, with their SQL. */
  readonly #iterations: Map<number, string> = new Map();
  /** What was prepared here and is kept. */
  readonly #kept: Set<symbol> = new Set();

  protected constructor(connection: Connection, queue: Queue, signal?: AbortSignal) {
    this.connection = connection;
    this.queue = queue;
    this.signal = signal;
  }

  /**
   * Runs SQL that returns no rows, or whose rows do not matter.
   *
   * @param sql one statement, or, without parameters, any number.
   * @throws SqlError; OptionError for parameters that do not match
   */
  async exec(sql: string, params?: Params, options: RunOptions = {}): Promise<ExecResult> {
    return await this.turn(sql, options.signal, async (signal) => {
      const { connection } = this;
      const before = connection.totalChanges;
      if (params) {
        await connection.withStatement(sql, (statement) =>
          this.#all(statement, params, { signal }),
        );
      } else await connection.runEach(sql);
      const changes = connection.totalChanges - before;
      return { changes, lastInsertRowId: connection.lastInsertRowId };
    });
  }

  /**
   * Runs one statement and returns all its rows.
   *
   * @throws SqlError; OptionError for parameters that do not match, or SQL that is not one
   *   statement
   */
  async query<T = Row>(sql: string, params?: Params, options: QueryOptions = {}): Promise<T[]> {
    return await this.turn(sql, options.signal, (signal) =>
      this.connection.withStatement(sql, (statement) =>
        this.#all<T>(statement, params, { ...options, signal }),
      ),
    );
  }

  /**
   * Runs one statement and gives its rows one by one, in bounded memory unless it writes
   * (RETURNING). Other calls may be made meanwhile, but all of this connection reads the same
   * snapshot until the iteration ends: it sees its own writes, perhaps in the rows that are still
   * to come, and once another connection has committed it cannot write (`BUSY_SNAPSHOT`).
   *
   * @throws as `query`; OptionError when the iteration was ended by closing, importing, or the end
   *   of its sqliteTx
   */
  async *iterate<T = Row>(
    sql: string,
    params?: Params,
    options: QueryOptions = {},
  ): AsyncGenerator<T, void, undefined> {
    const none = { statement: undefined, read: undefined, isDone: false };
    const iteration: Iteration = { sql, params, options, ...none };
    try {
      while (!iteration.isDone) {
        const rows = await this.turn(sql, options.signal, (signal) =>
          this.#someRows(iteration, signal),
        );
        yield* rows as T[];
      }
    } finally {
      await this.queue.run(() => this.#endIterating(iteration.statement));
    }
  }

  /**
   * Prepares one statement to be run many times. `query`, and `exec` with parameters, keep the 64
   * statements they ran last prepared too; this one is kept until `finalize`. A PRAGMA is prepared
   * anew each time.
   *
   * @throws SqlError; OptionError if it is not one statement
   */
  async prepare<T = Row>(sql: string): Promise<Statement<T>> {
    const kept = Symbol(sql);
    await this.turn(sql, undefined, async () => {
      await this.connection.keep(sql);
      this.#kept.add(kept);
    });
    const release = async () => {
      await this.queue.run(async () => {
        if (this.#kept.delete(kept)) await this.connection.release(sql);
      });
    };
    return new Statement<T>(sql, { session: this, release });
  }

  /** @throws why nothing can be run here (any more) */
  protected abstract assertUsable(sql: string): void;

  /** Has a turn. `work` is given what aborts it. */
  protected async turn<T>(
    sql: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const either = signal && this.signal ? AbortSignal.any([signal, this.signal]) : signal;
    const aborts = either ?? this.signal;
    return await this.queue.run(async () => {
      this.assertUsable(sql);
      return await this.connection.run(sql, () => work(aborts), aborts);
    }, aborts);
  }

  /** I2: what was begun here and not ended fails from now on. */
  protected async endIterations(): Promise<void> {
    for (const statement of [...this.#iterations.keys()]) await this.#endIterating(statement);
  }

  /** I2 */
  protected async end(): Promise<void> {
    await this.endIterations();
    for (const { description } of this.#kept) await this.connection.release(description ?? '');
    this.#kept.clear();
  }

  async #all<T>(
    statement: number,
    params: Params | undefined,
    { signal, ...options }: RowOptions & { readonly signal: AbortSignal | undefined },
  ): Promise<T[]> {
    const { connection } = this;
    const { sqlite3 } = connection;
    bind(connection, statement, params);
    const rows: T[] = [];
    let read: ReadRow | undefined;
    while ((await sqlite3.step(statement)) === SQLITE_ROW) {
      // Not before the first step, which compiles the statement anew if the schema has changed.
      read ??= rowReader(sqlite3, statement, options);
      rows.push(read() as T);
      // I3
      if (signal?.aborted && connection.isReadonly(statement)) throw signal.reason;
    }
    return rows;
  }

  async #begin(iteration: Iteration): Promise<void> {
    const { connection } = this;
    const statement = await connection.beginIterating(iteration.sql);
    iteration.statement = statement;
    this.#iterations.set(statement, iteration.sql);
    bind(connection, statement, iteration.params);
  }

  async #someRows(
    iteration: Iteration,
    signal: AbortSignal | undefined,
  ): Promise<readonly unknown[]> {
    if (iteration.statement === undefined) await this.#begin(iteration);
    const { statement } = iteration;
    if (statement === undefined || !this.#iterations.has(statement)) {
      throw new OptionError('iterate', 'it was ended from elsewhere');
    }
    const { connection } = this;
    const isReadonly = connection.isReadonly(statement);
    const rows: unknown[] = [];
    // I3
    while (!isReadonly || rows.length < ROWS_PER_TURN) {
      if (isReadonly) signal?.throwIfAborted();
      if ((await connection.sqlite3.step(statement)) !== SQLITE_ROW) {
        iteration.isDone = true;
        break;
      }
      iteration.read ??= rowReader(connection.sqlite3, statement, iteration.options);
      rows.push(iteration.read());
    }
    return rows;
  }

  async #endIterating(statement: number | undefined): Promise<void> {
    const sql = statement === undefined ? undefined : this.#iterations.get(statement);
    if (statement === undefined || sql === undefined) return;
    this.#iterations.delete(statement);
    await this.connection.endIterating(sql, statement);
  }
}
