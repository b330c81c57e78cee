/** What a connection is running, as far as a wa-sqlite build tells. */
import type { SqliteModule } from './module.js';
import { textAt } from './text.js';

const BEGINS_TO_WRITE = /^\s*BEGIN\s+(IMMEDIATE|EXCLUSIVE)\b/i;

function* runningStatements(module: SqliteModule, connection: number): Generator<number> {
  const { _sqlite3_next_stmt, _sqlite3_stmt_busy } = module;
  if (!_sqlite3_next_stmt || !_sqlite3_stmt_busy || connection === 0) return;
  for (let stmt = _sqlite3_next_stmt(connection, 0); stmt !== 0; ) {
    if (_sqlite3_stmt_busy(stmt) !== 0) yield stmt;
    stmt = _sqlite3_next_stmt(connection, stmt);
  }
}

/** True if a statement that is being run may write, to whatever database. */
export function isWriting(module: SqliteModule, connection: number): boolean {
  const { _sqlite3_stmt_readonly } = module;
  if (!_sqlite3_stmt_readonly) return false;
  for (const stmt of runningStatements(module, connection)) {
    if (_sqlite3_stmt_readonly(stmt) === 0) return true;
  }
  return false;
}

/** True if what is being run is BEGIN IMMEDIATE or EXCLUSIVE, which locks every database for writing. */
export function beginsToWrite(module: SqliteModule, connection: number): boolean {
  const { _sqlite3_sql } = module;
  if (!_sqlite3_sql) return false;
  for (const stmt of runningStatements(module, connection)) {
    if (BEGINS_TO_WRITE.test(textAt(module, _sqlite3_sql(stmt)) ?? '')) return true;
  }
  return false;
}
