/**
 * Sixteen scripts of the shape that SQLite's old speed comparison had and wa-sqlite's demo has: each is
 * one text of statements with their values in them. The figure is the sum of all sixteen.
 */
import { expectEqual } from '../measure.ts';
import type { Session, Workload } from '../types.ts';

const UNITS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
/** What is in both tables after script 15, in every SQLite. */
const EXPECTED =
  'SELECT (SELECT count(*) FROM t1), (SELECT count(*) FROM t2), (SELECT sum(a) FROM t2)';
const TOTALS = [12_000, 35_013, 43_437_833_942];

function words(n: number): string {
  if (n < 20) return UNITS[n] as string;
  if (n < 100) return `${TENS[Math.floor(n / 10) - 2]}${n % 10 ? ` ${UNITS[n % 10]}` : ''}`;
  const [unit, name] = n < 1000 ? ([100, 'hundred'] as const) : ([1000, 'thousand'] as const);
  const rest = n % unit;
  return `${words(Math.floor(n / unit))} ${name}${rest ? ` ${words(rest)}` : ''}`;
}

/** The same numbers in every run. */
function* numbers(): Generator<number, never> {
  for (let state = 1; ; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield (state >>> 8) % 100_000;
  }
}

function scripts(): string[] {
  const random = numbers();
  const repeat = (count: number, statement: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => `${statement(i)};`).join('\n');
  const insert = (table: string) => (i: number) => {
    const n = random.next().value;
    return `INSERT INTO ${table} VALUES(${i + 1}, ${n}, '${words(n)}')`;
  };
  const together = (...parts: string[]) => ['BEGIN;', ...parts, 'COMMIT;'].join('\n');
  const table = (name: string) => `CREATE TABLE ${name}(a INTEGER, b INTEGER, c VARCHAR(100));`;
  const average = (where: string) => `SELECT count(*), avg(b) FROM t2 WHERE ${where}`;
  return [
    table('t1') + repeat(1000, insert('t1')),
    together(table('t2'), repeat(25_000, insert('t2'))),
    together(table('t3'), 'CREATE INDEX i3 ON t3(c);', repeat(25_000, insert('t3'))),
    together(repeat(100, (i) => average(`b >= ${i * 100} AND b < ${i * 100 + 1000}`))),
    together(repeat(100, (i) => average(`c LIKE '%${words(i + 1)}%'`))),
    'CREATE INDEX i2a ON t2(a); CREATE INDEX i2b ON t2(b);',
    repeat(5000, (i) => average(`b >= ${i * 20} AND b < ${i * 20 + 100}`)),
    together(repeat(1000, (i) => `UPDATE t1 SET b = b * 2 WHERE a >= ${i} AND a < ${i + 10}`)),
    together(repeat(25_000, (i) => `UPDATE t2 SET b = ${random.next().value} WHERE a = ${i + 1}`)),
    together(
      repeat(25_000, (i) => `UPDATE t2 SET c = '${words(random.next().value)}' WHERE a = ${i + 1}`),
    ),
    together('INSERT INTO t1 SELECT b, a, c FROM t2;', 'INSERT INTO t2 SELECT b, a, c FROM t1;'),
    "DELETE FROM t2 WHERE c LIKE '%fifty%';",
    'DELETE FROM t2 WHERE a > 10 AND a < 20000;',
    'INSERT INTO t2 SELECT * FROM t1;',
    together('DELETE FROM t1;', repeat(12_000, insert('t1'))),
    'DROP TABLE t1; DROP TABLE t2; DROP TABLE t3;',
  ];
}

export const classic: Workload = {
  name: 'classic',
  title: 'sixteen scripts, the classic comparison',
  database: 'classic',
  cold: false,
  async run(session) {
    const texts = scripts();
    const details: Record<string, number> = {};
    let totalMs = 0;
    for (const [i, text] of texts.entries()) {
      if (i === texts.length - 1) {
        const [found] = await session.exec(EXPECTED);
        expectEqual(found, TOTALS, 'totals after script 15');
      }
      const started = performance.now();
      await session.exec(text);
      const ms = performance.now() - started;
      details[`script ${i + 1}`] = ms;
      totalMs += ms;
    }
    await check(session);
    return { meanMs: totalMs, medianMs: totalMs, p99Ms: totalMs, operations: 1, details };
  },
  check,
};

async function check(session: Session): Promise<void> {
  const [found] = await session.exec('SELECT count(*) FROM sqlite_master');
  expectEqual(found, [0], 'number of tables in the end');
}
