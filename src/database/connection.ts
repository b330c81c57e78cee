/**
 * One SQLite connection of a `Database`, and how its statements are run.
 *
 *   I1  Nothing runs outside a turn: a wa-sqlite build runs one call at a time.
 *   I2  An error carries what the storage failed with, if that was the reason.
 *   I3  Statements are finalized before the connection is closed.
 *
 *   open ──giveUp──▶ broken: nothing is run any more
 *     └──────┴──close──▶ closed
 */
import { BlockStoreError, OptionError } from '../errors.js';
import type { BlockVFS } from '../vfs/block-vfs.js';
import { SqlError } from './sql-error.js';
import type { ConnectionModule, SqliteApi } from './sqlite-api.js';
import { StatementCache } from './statement-cache.js';

const SQLITE_INTERRUPT = 9;
const SQLITE_ROW = 100;
const PRIMARY = 0xff;

export interface ConnectionParts {
  readonly sqlite3: SqliteApi;
  readonly module: ConnectionModule;
  /** What `open_v2` answered. */
  readonly handle: number;
  /** Undefined in memory. */
  readonly vfs: BlockVFS | undefined;
  readonly path: string;
}

export class Connection {
  readonly sqlite3: SqliteApi;
  readonly module: ConnectionModule;
  readonly path: string;
  readonly vfs: BlockVFS | undefined;
  readonly handle: number;
  readonly #idle: StatementCache;
  /** Statements that somebody iterates over. */
  readonly #iterated: Set<number> = new Set();
  /** What a VFS method failed with in this turn. */
  #cause: BlockStoreError | undefined;
  #state: 'open' | 'broken' | 'closed' = 'open';

  constructor({ sqlite3, module, handle, vfs, path }: ConnectionParts) {
    this.sqlite3 = sqlite3;
    this.path = path;
    this.vfs = vfs;
    this.module = module;
    this.handle = handle;
    this.#idle = new StatementCache(sqlite3);
    vfs?.addEventListener('error', ({ detail }) => {
      this.#cause = detail.error;
    });
  }

  /** True inside a BEGIN. */
  get inSqliteTx(): boolean {
    return this.sqlite3.get_autocommit(this.handle) === 0;
  }

  /** Rows changed so far by INSERT, UPDATE and DELETE, by triggers and foreign keys too. */
  get totalChanges(): number {
    return this.module._sqlite3_total_changes(this.handle);
  }

  get lastInsertRowId(): number | bigint {
    const low = this.module._sqlite3_last_insert_rowid(this.handle);
    const id = (BigInt(this.module.getTempRet0()) << 32n) | BigInt(low >>> 0);
    return id <= Number.MAX_SAFE_INTEGER && id >= Number.MIN_SAFE_INTEGER ? Number(id) : id;
  }

  /** Runs statements in a turn. @throws SqlError; the signal's reason if it is aborted. */
  async run<T>(sql: string, work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    this.assertOpen();
    signal?.throwIfAborted();
    this.#cause = undefined;
    // What iterates would be interrupted too, and SQLite would refuse everything until that ends.
    const interrupt = () => {
      if (this.#iterated.size === 0) this.module._sqlite3_interrupt(this.handle);
    };
    signal?.addEventListener('abort', interrupt);
    try {
      return await work();
    } catch (error) {
      throw this.#errorOf(error, sql, signal);
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
  }

  #errorOf(error: unknown, sql: string, signal: AbortSignal | undefined): unknown {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (error instanceof BlockStoreError || typeof code !== 'number') return error;
    if (signal?.aborted && (code & PRIMARY) === SQLITE_INTERRUPT) return signal.reason;
    const extended = this.module._sqlite3_extended_errcode(this.handle);
    const sqliteCode = (extended & PRIMARY) === (code & PRIMARY) ? extended : code;
    // I2: not what was overcome before.
    const isIts = ((this.#cause?.sqliteCode ?? 0) & PRIMARY) === (sqliteCode & PRIMARY);
    const cause = isIts ? this.#cause : undefined;
    return new SqlError(String(message), { sql, sqliteCode, cause });
  }

  /** Prepares a statement that stays so until it is released as often. */
  async keep(sql: string): Promise<void> {
    await this.withStatement(sql, async () => this.#idle.keep(sql));
  }

  async release(sql: string): Promise<void> {
    await this.#idle.release(sql);
  }

  /**
   * Prepares the only statement of `sql`.
   * @throws OptionError if there is none, or more than one
   */
  async #prepare(sql: string): Promise<number> {
    const prepared: number[] = [];
    try {
      for await (const statement of this.sqlite3.statements(this.handle, sql, {
        unscoped: true,
      })) {
        prepared.push(statement);
        if (prepared.length > 1) throw new OptionError('sql', 'more than one statement; use exec');
      }
      const [statement] = prepared;
      if (statement === undefined) throw new OptionError('sql', 'there is no statement in it');
      return statement;
    } catch (error) {
      for (const statement of prepared) await this.sqlite3.finalize(statement);
      throw error;
    }
  }

  /** Runs every statement of `sql`, one after the other. */
  async runEach(sql: string): Promise<void> {
    const { sqlite3 } = this;
    for await (const statement of sqlite3.statements(this.handle, sql)) {
      if (sqlite3.bind_parameter_count(statement) > 0) {
        throw new OptionError('params', `"${sql}" has parameters, and no values for them`);
      }
      while ((await sqlite3.step(statement)) === SQLITE_ROW);
    }
  }

  /** Lends a statement that is run to its end in this turn. */
  async withStatement<T>(sql: string, use: (statement: number) => Promise<T>): Promise<T> {
    const statement = this.#idle.take(sql) ?? (await this.#prepare(sql));
    try {
      return await use(statement);
    } finally {
      await this.#idle.give(sql, statement);
    }
  }

  /** A statement that is run over several turns. */
  async beginIterating(sql: string): Promise<number> {
    const statement = this.#idle.take(sql) ?? (await this.#prepare(sql));
    this.#iterated.add(statement);
    return statement;
  }

  async endIterating(sql: string, statement: number): Promise<void> {
    if (this.#iterated.delete(statement)) await this.#idle.give(sql, statement);
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** @throws OptionError once it is closed, or a sqliteTx could not be rolled back */
  assertOpen(): void {
    if (this.#state === 'open') return;
    const why = this.#state === 'closed' ? 'is closed' : 'could not be rolled back';
    throw new OptionError('database', `"${this.path}" ${why}; close it and open it again`);
  }

  /** A sqliteTx could not be rolled back: what is run now would be part of it. */
  giveUp(): void {
    if (this.#state === 'open') this.#state = 'broken';
  }

  isReadonly(statement: number): boolean {
    return this.module._sqlite3_stmt_readonly(statement) !== 0;
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    // I3: its sessions have ended their iterations.
    await this.#idle.clear();
    await this.sqlite3.close(this.handle);
  }
}
