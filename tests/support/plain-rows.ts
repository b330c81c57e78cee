/** Rows as values that JSON keeps, so that those of two programs can be compared. */
import type { Database } from './database.ts';

export function plainRows(rows: readonly (readonly unknown[])[]): unknown[][] {
  return rows.map((row) => row.map(plain));
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (!ArrayBuffer.isView(value)) return value;
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return { blob: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}

/** Schema and rows of all tables. */
export async function plainDump(database: Database): Promise<Record<string, unknown>> {
  const dump = await database.dump();
  return Object.fromEntries(
    Object.entries(dump).map(([name, rows]) => [name, plainRows(rows as unknown[][])]),
  );
}
