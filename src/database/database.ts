/**
 * A SQLite database in IndexedDB, as an app has it.
 *
 *   open ──close──▶ closed
 */
import { UnsupportedError } from '../errors.js';
import type { ByteSource } from '../transfer/source.js';
import type { Durability } from '../types.js';
import type { BlockVFS } from '../vfs/block-vfs.js';
import type { ImportOptions, ImportReport } from '../vfs/transfer/import.js';
import type { Connection } from './connection.js';
import type { EngineChoice } from './engine-choice.js';
import { serialize } from './memory-image.js';
import type { Persistence } from './persistence.js';
import type { Queue } from './queue.js';
import type { RetryHost } from './retry.js';
import { SqlSession } from './session.js';
import { type Transaction, type TransactionOptions, transact } from './transaction.js';

export interface DatabaseParts {
  readonly connection: Connection;
  readonly engine: EngineChoice;
  readonly durability: Durability | 'pragma' | 'none';
  readonly persistence: Persistence;
  /** Turns on the wa-sqlite module. */
  readonly queue: Queue;
  readonly host: RetryHost;
}

/** A database that `openDatabase` has opened. Close it, or declare it with `await using`. */
export class Database extends SqlSession implements AsyncDisposable {
  /** Which engine and wa-sqlite build were taken, and why. */
  readonly engine: EngineChoice;
  /** When a commit is acknowledged; `'none'` in memory. */
  readonly durability: Durability | 'pragma' | 'none';
  /** Whether the browser may evict the database, as it was when this was opened. */
  readonly persistence: Persistence;
  readonly #host: RetryHost;

  constructor({ connection, engine, durability, persistence, queue, host }: DatabaseParts) {
    super(connection, queue);
    this.#host = host;
    this.engine = engine;
    this.durability = durability;
    this.persistence = persistence;
  }

  /** Its path in the volume. */
  get path(): string {
    return this.connection.path;
  }

  /**
   * The VFS, with events, statistics, verification and all else.
   * @throws UnsupportedError in memory, where there is none
   */
  get vfs(): BlockVFS {
    const { vfs } = this.connection;
    if (vfs) return vfs;
    throw new UnsupportedError('storage', 'this database is in memory, and has no VFS of ours.');
  }

  /**
   * Runs `fn` in a sqliteTx: commits when it returns, rolls back when it throws. Use only the
   * `Transaction` that it is given; calls of the database wait until it is over, so that `fn` must
   * not wait for one.
   *
   * @returns what `fn` returns.
   * @throws what `fn` throws; SqlError, whose `isBusy` says that another connection was in the way.
   */
  async transaction<T>(
    fn: (tx: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const { connection } = this;
    const turn = (work: () => Promise<T>) => this.queue.run(work, options.signal);
    return await transact(turn, { connection, fn, options, host: this.#host });
  }

  /**
   * Resolves when every commit acknowledged so far is complete in IndexedDB; matters with deferred
   * durability only. @throws what made an acknowledged commit fail, once.
   */
  async durable(): Promise<void> {
    await this.connection.vfs?.durable(this.path);
  }

  /**
   * The database as an ordinary SQLite file, from one snapshot; see `exportFile` of the VFS. In
   * memory, all of it at once.
   */
  export(): ReadableStream<Uint8Array> {
    const { connection } = this;
    if (connection.vfs) {
      connection.assertOpen();
      return connection.vfs.exportFile(this.path);
    }
    return new ReadableStream({
      start: async (controller) => {
        const image = await this.queue.run(async () => {
          connection.assertOpen();
          return serialize(connection);
        });
        controller.enqueue(image);
        controller.close();
      },
    });
  }

  /**
   * Puts an ordinary SQLite file in the place of this database, as a whole or not at all; see
   * `importFile` of the VFS. Calls made meanwhile wait, and iterations that are open end.
   *
   * @throws NotADatabaseError if it is none; UnsupportedError in memory
   */
  async import(source: ByteSource, options: ImportOptions = {}): Promise<ImportReport> {
    const { vfs } = this;
    const { signal } = options;
    return await this.queue.run(async () => {
      this.connection.assertOpen();
      await this.endIterations();
      return await vfs.importFile(this.path, source, options);
    }, signal);
  }

  /** Waits for what is under way and for acknowledged commits, then lets go of everything. */
  async close(): Promise<void> {
    const { connection } = this;
    await this.queue.run(async () => {
      if (connection.isClosed) return;
      await this.end();
      try {
        await connection.close();
      } finally {
        await connection.vfs?.close();
      }
    });
  }

  protected override assertUsable(): void {
    this.connection.assertOpen();
  }

  /** As `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
