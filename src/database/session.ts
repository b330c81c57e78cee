/**
 * Where SQL is run: a database, or a transaction of one.
 *
 *   I1  Calls are answered in the order they were made.
 *   I2  A session that is over runs nothing, and leaves no iteration behind.
 */
import { OptionError } from '../errors.js';
import { bind } from './binding.js';
import type { Connection } from './connection.js';
import type { Queue } from './queue.js';
import { type ReadRow, type RowOptions, rowReader } from './rows.js';
import type { Params, SqlValue } from './sqlite-api.js';
import { Statement } from './statement.js';

export interface RunOptions {
  /**
   * Gives up waiting for a turn, and interrupts the statement if this build can be interrupted: one
   * that is asynchronous. An interrupted INSERT, UPDATE or DELETE rolls its transaction back.
   */
  readonly signal?: AbortSignal;
}

export type QueryOptions = RunOptions & RowOptions;

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
}

export abstract class SqlSession {
  protected readonly connection: Connection;
  protected readonly queue: Queue;
  /** Aborts everything that is run here. */
  readonly #signal: AbortSignal | undefined;
  /** Statements that are iterated over, with their SQL. */
  readonly #iterations: Map<number, string> = new Map();
  #isOver = false;

  protected constructor(connection: Connection, queue: Queue, signal?: AbortSignal) {
    this.connection = connection;
    this.queue = queue;
    this.#signal = signal;
  }

  /**
   * Runs SQL that returns no rows, or whose rows do not matter.
   *
   * @param sql one statement, or, without parameters, any number.
   * @throws SqlError; OptionError for parameters that do not match
   */
  async exec(sql: string, params?: Params, options: RunOptions = {}): Promise<ExecResult> {
    return await this.turn(sql, options.signal, async () => {
      const { connection } = this;
      const before = connection.totalChanges;
      if (params) {
        await connection.withStatement(sql, (statement) => this.#all(statement, params, {}));
      } else await connection.runEach(sql);
      const changes = connection.totalChanges - before;
      return { changes, lastInsertRowId: connection.lastInsertRowId };
    });
  }

  /**
   * Runs one statement and returns all its rows.
   *
   * @throws SqlError; OptionError for parameters that do not match, or SQL that is not one statement
   */
  async query<T = Row>(sql: string, params?: Params, options: QueryOptions = {}): Promise<T[]> {
    return await this.turn(sql, options.signal, () =>
      this.connection.withStatement(sql, (statement) => this.#all<T>(statement, params, options)),
    );
  }

  /**
   * Runs one statement and gives its rows one by one, in bounded memory. It reads one snapshot, which
   * is kept until the iteration ends; other calls may be made meanwhile.
   *
   * @throws as `query`
   */
  async *iterate<T = Row>(
    sql: string,
    params?: Params,
    options: QueryOptions = {},
  ): AsyncGenerator<T, void, undefined> {
    const iteration: Iteration = { sql, params, options, statement: undefined, read: undefined };
    try {
      for (let isMore = true; isMore; ) {
        const rows = await this.turn(sql, options.signal, () => this.#someRows(iteration));
        isMore = rows.length === ROWS_PER_TURN;
        yield* rows as T[];
      }
    } finally {
      await this.queue.run(() => this.#endIterating(iteration.statement));
    }
  }

  /**
   * Prepares one statement to be run many times. `exec` and `query` keep the 64 statements they ran
   * last prepared too; this one is kept until `finalize`.
   *
   * @throws SqlError; OptionError if it is not one statement
   */
  async prepare<T = Row>(sql: string): Promise<Statement<T>> {
    await this.turn(sql, undefined, () => this.connection.keep(sql));
    const release = () => this.queue.run(() => this.connection.release(sql));
    return new Statement<T>(sql, { session: this, release });
  }

  /** Has a turn. @throws OptionError if the session is over */
  protected async turn<T>(
    sql: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const either = signal && this.#signal ? AbortSignal.any([signal, this.#signal]) : signal;
    const aborts = either ?? this.#signal;
    return await this.queue.run(async () => {
      if (this.#isOver) throw new OptionError('transaction', 'it is over; use the database');
      return await this.connection.run(sql, work, aborts);
    }, aborts);
  }

  /** I2: what was begun here and not ended fails from now on. */
  protected async end(): Promise<void> {
    this.#isOver = true;
    for (const statement of [...this.#iterations.keys()]) await this.#endIterating(statement);
  }

  async #all<T>(statement: number, params: Params | undefined, options: RowOptions): Promise<T[]> {
    const { sqlite3 } = this.connection;
    bind(this.connection, statement, params);
    const rows: T[] = [];
    let read: ReadRow | undefined;
    while ((await sqlite3.step(statement)) === SQLITE_ROW) {
      // Not before the first step, which compiles the statement anew if the schema has changed.
      read ??= rowReader(sqlite3, statement, options);
      rows.push(read() as T);
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

  async #someRows(iteration: Iteration): Promise<unknown[]> {
    if (iteration.statement === undefined) await this.#begin(iteration);
    const { statement } = iteration;
    if (statement === undefined || !this.#iterations.has(statement)) {
      throw new OptionError('iterate', 'its transaction is over');
    }
    const { sqlite3 } = this.connection;
    const rows: unknown[] = [];
    while (rows.length < ROWS_PER_TURN && (await sqlite3.step(statement)) === SQLITE_ROW) {
      iteration.read ??= rowReader(sqlite3, statement, iteration.options);
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
