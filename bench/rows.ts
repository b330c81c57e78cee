/** The table that loads, reads and scans work on: 100,000 rows, 10 MB. */
import { expectEqual } from './measure.ts';
import type { Row, Session } from './types.ts';

export const ROW_COUNT = 100_000;

const SCHEMA = 'CREATE TABLE rows (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, text TEXT)';
const TEXT_CHARS = 80;

export type TableRow = [id: number, a: number, b: number, text: string];

/** A row of ≈ 100 bytes, the same in every run. */
export function rowOf(id: number): TableRow {
  const word = ((Math.imul(id, 2654435761) >>> 0) + 0x100000000).toString(36);
  return [id, (id * 7919) % 100_003, id % 1000, `row ${id} `.padEnd(TEXT_CHARS, word)];
}

export function allRows(): TableRow[] {
  return Array.from({ length: ROW_COUNT }, (_, i) => rowOf(i + 1));
}

/**
 * Creates the table and fills it.
 *
 * @param rowsEach how many rows a prepared statement inserts each time it runs.
 * @param sqliteTxs in how many.
 */
export async function insertRows(
  session: Session,
  rows: readonly TableRow[],
  rowsEach: number,
  sqliteTxs = 1,
): Promise<void> {
  await session.exec(SCHEMA);
  const places = Array.from({ length: rowsEach }, () => '(?, ?, ?, ?)').join(', ');
  const insert = await session.prepare(`INSERT INTO rows VALUES ${places}`);
  const share = rows.length / sqliteTxs;
  for (let at = 0; at < rows.length; at += rowsEach) {
    if (at % share === 0) await session.exec(at === 0 ? 'BEGIN' : 'COMMIT; BEGIN');
    await insert.run(rowsEach === 1 ? rows[at] : rows.slice(at, at + rowsEach).flat());
  }
  await session.exec('COMMIT');
  await insert.finalize();
}

export interface MadeRows {
  readonly rowCount: number;
  /** Bytes that compress, or bytes that do not. */
  readonly texts: 'zeroblob' | 'randomblob';
}

/** The same ids and numbers, and texts as long, made by SQLite itself: no row crosses its API. */
export async function insertMadeRows(
  session: Session,
  { rowCount, texts }: MadeRows = { rowCount: ROW_COUNT, texts: 'zeroblob' },
): Promise<void> {
  await session.exec(SCHEMA);
  await session.exec(`
    WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids LIMIT ${rowCount})
    INSERT INTO rows
      SELECT id, (id * 7919) % 100003, id % 1000,
             substr(printf('row %d ', id) || hex(${texts}(${TEXT_CHARS / 2})), 1, ${TEXT_CHARS})
      FROM ids`);
}

export async function fillRows(session: Session): Promise<void> {
  await insertRows(session, allRows(), 100);
}

/** Reads every row. */
export async function scanRows(session: Session): Promise<Row> {
  const [found] = await session.exec(
    'SELECT count(*), sum(a), sum(b), sum(length(text)) FROM rows',
  );
  return found ?? [];
}

/** @throws unless `found` is what a scan of the whole table gives. */
export function expectAllRows(found: Row): void {
  const sums = [0, 0, 0, 0];
  for (const [, a, b, text] of allRows()) {
    [1, a, b, text.length].forEach((value, i) => {
      sums[i] = (sums[i] ?? 0) + value;
    });
  }
  expectEqual(found, sums, 'totals of the table');
}

/** `count` ids spread over the table in no order, the same in every run. */
export function scatteredIds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => ((i + 1) * 61_803) % ROW_COUNT || ROW_COUNT);
}
