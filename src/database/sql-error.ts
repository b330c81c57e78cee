/** Errors of SQL statements. */
import { BlockStoreError } from '../errors.js';

/**
 * A statement failed. `sqliteCode` is SQLite's extended result code. If the storage was the reason,
 * `cause` is its error and `code` that error's, such as `BUSY_SNAPSHOT`, `QUOTA` or `CORRUPTION`;
 * otherwise `code` is `SQL`.
 */
export class SqlError extends BlockStoreError {
  override readonly name = 'SqlError';
  /** The statement, as far as it is known. */
  readonly sql: string;
  constructor(
    message: string,
    {
      sql,
      sqliteCode,
      cause,
    }: {
      readonly sql: string;
      readonly sqliteCode: number;
      readonly cause?: BlockStoreError | undefined;
    },
  ) {
    const why = cause ? `${message}: ${cause.message}` : message;
    super(cause?.code ?? 'SQL', sqliteCode, why, cause && { cause });
    this.sql = sql;
  }

  /** True if another connection was in the way: roll back, and the same may work the next time. */
  get isBusy(): boolean {
    return (this.sqliteCode & PRIMARY) === SQLITE_BUSY;
  }
}

const PRIMARY = 0xff;
const SQLITE_BUSY = 5;
