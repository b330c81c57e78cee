/**
 * Statements that were prepared once and may be run again.
 *
 *   I1  A statement is lent to one user at a time, reset, with no parameters bound.
 *   I2  At most STATEMENTS_MAX are held, and those that were asked to be kept.
 */
import type { SqliteApi } from './sqlite-api.js';

const STATEMENTS_MAX = 64;
/** Text longer than this is not likely to be run twice. */
const SQL_LENGTH_MAX = 4096;
/** Many pragmas take effect, and have their answer, when they are compiled. */
const IS_PRAGMA = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*pragma\b/i;

export class StatementCache {
  readonly #sqlite3: SqliteApi;
  /** The least recently used is first. */
  readonly #idle: Map<string, number> = new Map();
  /** How often each was asked to be kept. */
  readonly #kept: Map<string, number> = new Map();

  constructor(sqlite3: SqliteApi) {
    this.#sqlite3 = sqlite3;
  }

  take(sql: string): number | undefined {
    const statement = this.#idle.get(sql);
    if (statement !== undefined) this.#idle.delete(sql);
    return statement;
  }

  /** Takes a statement back. What its last step failed with was told then. */
  async give(sql: string, statement: number): Promise<void> {
    await this.#sqlite3.reset(statement).catch(() => undefined);
    const isWanted = !IS_PRAGMA.test(sql) && (sql.length <= SQL_LENGTH_MAX || this.#kept.has(sql));
    if (!isWanted || this.#idle.has(sql)) {
      await this.#sqlite3.finalize(statement);
      return;
    }
    // I1
    this.#sqlite3.clear_bindings(statement);
    this.#idle.set(sql, statement);
    await this.#shrink();
  }

  keep(sql: string): void {
    this.#kept.set(sql, (this.#kept.get(sql) ?? 0) + 1);
  }

  async release(sql: string): Promise<void> {
    const times = this.#kept.get(sql) ?? 0;
    if (times > 1) this.#kept.set(sql, times - 1);
    else this.#kept.delete(sql);
    await this.#shrink();
  }

  async clear(): Promise<void> {
    for (const statement of this.#idle.values()) await this.#sqlite3.finalize(statement);
    this.#idle.clear();
  }

  /** I2 */
  async #shrink(): Promise<void> {
    for (const [sql, statement] of this.#idle) {
      if (this.#idle.size <= STATEMENTS_MAX + this.#kept.size) return;
      if (this.#kept.has(sql)) continue;
      this.#idle.delete(sql);
      await this.#sqlite3.finalize(statement);
    }
  }
}
