/** A prepared statement. */
import type { ExecResult, QueryOptions, Row, RunOptions, SqlSession } from './session.js';
import type { Params } from './sqlite-api.js';

interface Host {
  readonly session: SqlSession;
  readonly release: () => Promise<void>;
}

/** A statement that stays prepared, from `prepare`. */
export class Statement<T = Row> implements AsyncDisposable {
  /** Its text. */
  readonly sql: string;
  readonly #session: SqlSession;
  #release: (() => Promise<void>) | undefined;

  constructor(sql: string, { session, release }: Host) {
    this.sql = sql;
    this.#session = session;
    this.#release = release;
  }

  /** As `exec` of the database or sqliteTx it was prepared on. */
  async exec(params: Params = [], options?: RunOptions): Promise<ExecResult> {
    return await this.#session.exec(this.sql, params, options);
  }

  /** As `query` of the database or sqliteTx it was prepared on. */
  async query(params?: Params, options?: QueryOptions): Promise<T[]> {
    return await this.#session.query<T>(this.sql, params, options);
  }

  /** As `iterate` of the database or sqliteTx it was prepared on. */
  iterate(params?: Params, options?: QueryOptions): AsyncGenerator<T, void, undefined> {
    return this.#session.iterate<T>(this.sql, params, options);
  }

  /** Lets go of it. It can still be run, and is then prepared like other SQL. */
  async finalize(): Promise<void> {
    const release = this.#release;
    this.#release = undefined;
    await release?.();
  }

  /** As `finalize`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.finalize();
  }
}
