/** Database files as native SQLite makes and reads them: a program that shares no code with ours. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openNative } from './kill-native.ts';
import { plainRows } from './plain-rows.ts';

/** What native SQLite makes of a file. */
export interface NativeContent {
  readonly integrity: string;
  /** As `plainDump` gives it of a database in the browser. */
  readonly dump: Readonly<Record<string, unknown>>;
}

function inFolder<T>(use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'idb-block-vfs-native-'));
  try {
    return use(join(folder, 'native.db'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The bytes of a file that native SQLite has made with these statements and closed. */
export function nativeMade(sql: string): Uint8Array {
  return inFolder((path) => {
    const database = openNative(path);
    database.exec(sql);
    database.close();
    return readFileSync(path);
  });
}

/** What native SQLite finds in a file of these bytes, which it may only read. */
export function nativeContent(bytes: Uint8Array): NativeContent {
  return inFolder((path) => {
    writeFileSync(path, bytes);
    const database = openNative(path, { readOnly: true });
    try {
      const integrity = rowsOf(database, 'PRAGMA integrity_check').join('; ');
      return { integrity, dump: dumpOf(database) };
    } finally {
      database.close();
    }
  });
}

function dumpOf(database: Database): Record<string, unknown> {
  const schema = rowsOf(
    database,
    'SELECT name, type, tbl_name, sql FROM sqlite_schema ORDER BY name',
  );
  const dump: Record<string, unknown> = { schema: plainRows(schema) };
  for (const [name, type] of schema) {
    if (type === 'table')
      dump[String(name)] = plainRows(rowsOf(database, `SELECT * FROM "${name}"`));
  }
  return dump;
}

function rowsOf(database: Database, sql: string): unknown[][] {
  return database
    .prepare(sql)
    .all()
    .map((row) => Object.values(row as object));
}
