/** The table that loads, reads and scans work on: 100,000 rows, 10 MB. */
import { expectEqual } from './measure.ts';
import type { Session, Value } from './types.ts';

export const ROW_COUNT = 100_000;

const SCHEMA = 'CREATE TABLE rows (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, text TEXT)';
const TEXT_CHARS = 80;

/** A row of ≈ 100 bytes, the same in every run. */
export function rowOf(id: number): [id: number, a: number, b: number, text: string] {
  const word = ((Math.imul(id, 2654435761) >>> 0) + 0x100000000).toString(36);
  return [id, (id * 7919) % 100_003, id % 1000, `row ${id} `.padEnd(TEXT_CHARS, word)];
}

/** Creates the table and fills it in one sqliteTx, a prepared statement per row. */
export async function fillRows(session: Session): Promise<void> {
  await session.exec(SCHEMA);
  const insert = await session.prepare('INSERT INTO rows VALUES (?, ?, ?, ?)');
  await session.exec('BEGIN');
  for (let id = 1; id <= ROW_COUNT; id++) await insert.run(rowOf(id));
  await session.exec('COMMIT');
  await insert.finalize();
}

/** Reads every row. @throws if the table is not as fillRows() leaves it. */
export async function scanRows(session: Session): Promise<void> {
  const [found] = await session.exec(
    'SELECT count(*), sum(a), sum(b), sum(length(text)) FROM rows',
  );
  expectEqual(found, TOTALS, 'totals of the table');
}

const TOTALS: readonly Value[] = totals();

function totals(): number[] {
  const sums = [0, 0, 0, 0];
  for (let id = 1; id <= ROW_COUNT; id++) {
    const [, a, b, text] = rowOf(id);
    [1, a, b, text.length].forEach((value, i) => {
      sums[i] = (sums[i] ?? 0) + value;
    });
  }
  return sums;
}

/** `count` ids spread over the table in no order, the same in every run. */
export function scatteredIds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => ((i + 1) * 61_803) % ROW_COUNT || ROW_COUNT);
}
