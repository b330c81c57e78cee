/** What native SQLite makes of a database's bytes: a reader that shares no code with the writer. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bodyOf, rowsAfter, type WorkloadName } from './kill-model.ts';

export interface NativeFound {
  readonly integrity: string;
  /** Where the rows are not those that the expected steps leave. */
  readonly differences: readonly string[];
}

export interface ExpectedContent {
  readonly workload: WorkloadName;
  readonly seed: number;
  readonly steps: number;
  /** Index into the workload's paths. */
  readonly database: number;
}

/** What is used here of the package. */
interface Native {
  readonly DatabaseSync: new (path: string, options: { readonly readOnly: boolean }) => Database;
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Statement {
  all(): unknown[];
  run(...parameters: unknown[]): unknown;
}

interface ItemRow {
  readonly id: number;
  readonly step: number;
  readonly body: Uint8Array;
}

/** Loaded when it is needed: where it is missing, the check that needs it fails and says so. */
export function openNative(path: string, { readOnly = false } = {}): Database {
  const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite') as Native;
  return new DatabaseSync(path, { readOnly });
}

export function nativeFound(image: Uint8Array, expected: ExpectedContent): NativeFound {
  const folder = mkdtempSync(join(tmpdir(), 'idb-block-vfs-export-'));
  try {
    const path = join(folder, 'export.db');
    writeFileSync(path, image);
    const database = openNative(path, { readOnly: true });
    try {
      return { integrity: integrityOf(database), differences: differencesOf(database, expected) };
    } finally {
      database.close();
    }
  } catch (error) {
    return { integrity: String(error), differences: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function integrityOf(database: Database): string {
  const rows = database.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
  return rows.map((row) => row.integrity_check).join('; ');
}

function differencesOf(database: Database, expected: ExpectedContent): string[] {
  const tables = database
    .prepare(`SELECT name FROM sqlite_schema WHERE name IN ('item', 'item_by_step', 'progress')`)
    .all();
  if (expected.steps === 0) return tables.length === 0 ? [] : ['there are tables before step 1'];
  if (tables.length !== 3) return [`${tables.length} of 3 tables and indexes`];
  const progress = database.prepare('SELECT step FROM progress').all() as { step: number }[];
  const differences: string[] = [];
  if (progress.length !== 1 || progress[0]?.step !== expected.steps) {
    differences.push(`progress is ${JSON.stringify(progress)}, not step ${expected.steps}`);
  }
  const items = database.prepare('SELECT id, step, body FROM item').all() as ItemRow[];
  return [...differences, ...itemDifferences(items, expected)];
}

function itemDifferences(items: readonly ItemRow[], expected: ExpectedContent): string[] {
  const { workload, seed, steps, database } = expected;
  const rows = rowsAfter(workload, seed, steps)[database] ?? new Map();
  const differences: string[] = [];
  if (items.length !== rows.size) differences.push(`${items.length} rows instead of ${rows.size}`);
  for (const { id, step, body } of items) {
    const row = rows.get(id);
    const same = row?.step === step && Buffer.from(bodyOf(seed, step, id, row.length)).equals(body);
    if (!same) differences.push(`item ${id} is of step ${step}, not ${row?.step}`);
  }
  return differences;
}
