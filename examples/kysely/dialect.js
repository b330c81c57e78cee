/** A Kysely dialect over a `Database`. */
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';

/**
 * @typedef {import('kysely').DatabaseConnection} DatabaseConnection
 * @typedef {import('kysely').Dialect} Dialect
 * @typedef {import('kysely').Driver} SqlDriver
 * @typedef {import('idb-block-vfs').Database} Database
 */

/** @implements {Dialect} */
export class IDBBlockDialect {
  #db;

  /** @param {Database} db */
  constructor(db) {
    this.#db = db;
  }

  createAdapter() {
    return new SqliteAdapter();
  }

  createDriver() {
    return new Driver(this.#db);
  }

  createQueryCompiler() {
    return new SqliteQueryCompiler();
  }

  /** @param {import('kysely').Kysely<any>} kysely */
  createIntrospector(kysely) {
    return new SqliteIntrospector(kysely);
  }
}

const CHANGES = new Set(['InsertQueryNode', 'UpdateQueryNode', 'DeleteQueryNode']);

/** One connection, lent to one user at a time. @implements {SqlDriver} */
class Driver {
  #db;
  #last = Promise.resolve();
  /** @type {() => void} */
  #release = () => undefined;

  /** @param {Database} db */
  constructor(db) {
    this.#db = db;
  }

  async init() {}

  async acquireConnection() {
    const before = this.#last;
    /** @type {() => void} */
    let release = () => undefined;
    this.#last = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    this.#release = release;
    return new Connection(this.#db);
  }

  async beginTransaction() {
    await this.#db.exec('BEGIN IMMEDIATE');
  }

  async commitTransaction() {
    await this.#db.exec('COMMIT');
  }

  async rollbackTransaction() {
    await this.#db.exec('ROLLBACK');
  }

  async releaseConnection() {
    this.#release();
  }

  async destroy() {
    await this.#db.close();
  }
}

/** @implements {DatabaseConnection} */
class Connection {
  #db;

  /** @param {Database} db */
  constructor(db) {
    this.#db = db;
  }

  /** @param {import('kysely').CompiledQuery} query @returns {Promise<any>} */
  async executeQuery({ sql, parameters, query }) {
    const params = /** @type {any} */ (parameters);
    // Raw SQL may be of any kind.
    if (!CHANGES.has(query.kind) || 'returning' in query) {
      return { rows: await this.#db.query(sql, params) };
    }
    const { changes, lastInsertRowId } = await this.#db.exec(sql, params);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowId) };
  }

  /** @param {import('kysely').CompiledQuery} query @returns {AsyncGenerator<any>} */
  async *streamQuery({ sql, parameters }) {
    for await (const row of this.#db.iterate(sql, /** @type {any} */ (parameters))) {
      yield { rows: [row] };
    }
  }
}
