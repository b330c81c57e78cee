/** An index over the 10 MB table, built, and then read by ranges: rows come from all over the table. */
import { expectEqual, loop, once } from '../measure.ts';
import { allRows, fillRows } from '../rows.ts';
import type { Session, Workload } from '../types.ts';

const CREATE = 'CREATE INDEX IF NOT EXISTS rows_a ON rows (a)';
const RANGES = 200;
const RANGE_ROWS = 100;

export const indexBuild: Workload = {
  name: 'index-build',
  title: 'index built over 100,000 rows',
  database: 'index',
  cold: false,
  prepare: fillRows,
  async run(session) {
    return await once(async () => {
      await session.exec(CREATE);
    });
  },
  check: (session) => readRange(session, 0),
};

async function readRange(session: Session, i: number): Promise<void> {
  const select = await session.prepare('SELECT id FROM rows WHERE a BETWEEN ? AND ?');
  const rows = await select.run(boundsOf(i));
  await select.finalize();
  expectEqual(rows.length, countIn(boundsOf(i)), 'number of rows of a range');
}

function boundsOf(i: number): [number, number] {
  const first = (i * 61_803) % 99_000;
  return [first, first + RANGE_ROWS - 1];
}

function countIn([first, last]: [number, number]): number {
  return allRows().filter(([, a]) => a >= first && a <= last).length;
}

/** Texts, so that each row is fetched from the table. */
export const indexRanges: Workload = {
  name: 'index-ranges',
  title: 'range of 100 rows by index, cold',
  database: 'index',
  cold: true,
  prepare: fillRows,
  async run(session) {
    await session.exec(CREATE);
    const select = await session.prepare(
      'SELECT sum(length(text)) FROM rows WHERE a BETWEEN ? AND ?',
    );
    const found: unknown[] = [];
    const measurement = await loop(
      async (i) => {
        const [row] = await select.run(boundsOf(i));
        found.push(row?.[0]);
      },
      { iterations: RANGES, warmup: 0 },
    );
    await select.finalize();
    const [text] = allRows().map(([, , , text]) => text.length);
    for (const i of [0, RANGES - 1]) {
      expectEqual(found[i], countIn(boundsOf(i)) * (text ?? 0), 'sum of a range');
    }
    return measurement;
  },
};
