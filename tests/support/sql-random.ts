/** Random SQL from a seed, for tests that compare two databases. */

/** A seeded generator (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 … count − 1 */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % count;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

export const SCHEMA = `CREATE TABLE t(a INTEGER PRIMARY KEY, b, c UNIQUE);
  CREATE TABLE u(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
  CREATE INDEX i ON t(b)`;

/** One statement that writes; sizes are such that a few of them pass 64 KiB. */
function write(random: Random): string {
  const n = random.below(400);
  const size = random.pick([3, 50, 400, 1500, 9000]);
  const text = `printf('%0*d', ${size}, i * ${n + 1})`;
  switch (random.below(9)) {
    case 0:
    case 1:
      return `INSERT OR IGNORE INTO t SELECT NULL, ${text}, i * ${n} FROM (${series(random.below(60))})`;
    case 2:
      return `INSERT OR REPLACE INTO u SELECT 'k' || (i * ${n} % 97), ${text} FROM (${series(random.below(60))})`;
    case 3:
      return `UPDATE t SET b = b || 'x' WHERE a % ${1 + random.below(9)} = 0`;
    case 4:
      return `UPDATE t SET b = substr(b, 1, ${size}) WHERE a > ${n}`;
    case 5:
      return `DELETE FROM t WHERE a BETWEEN ${n} AND ${n + random.below(200)}`;
    case 6:
      return `DELETE FROM u WHERE k < 'k${random.below(99)}'`;
    case 7:
      // Fails in mid-statement: a row's c is taken already.
      return `UPDATE t SET c = ${n} WHERE a >= ${n}`;
    default:
      return random.pick([
        `CREATE TABLE IF NOT EXISTS x${n % 4} AS SELECT * FROM t`,
        `DROP TABLE IF EXISTS x${n % 4}`,
        'REINDEX',
      ]);
  }
}

/**
 * A plan of statements: sqliteTxs with nested savepoints, committed or rolled back, and statements
 * of their own. Each is valid whatever came before, though it may fail.
 */
export function plan(seed: number, length: number): string[] {
  const random = new Random(seed);
  const statements: string[] = [];
  let open = false;
  let depth = 0;
  while (statements.length < length || open) {
    const ending = statements.length >= length;
    const choice = ending ? 0 : random.below(14);
    if (!open && choice === 1) {
      statements.push(random.pick(['VACUUM', 'PRAGMA incremental_vacuum(5)', write(random)]));
    } else if (!open) {
      open = true;
      statements.push(random.pick(['BEGIN', 'BEGIN IMMEDIATE', 'BEGIN EXCLUSIVE']));
    } else if (choice === 0) {
      statements.push(random.pick(['COMMIT', 'ROLLBACK']));
      open = false;
      depth = 0;
    } else if (choice === 1 && depth < 4) {
      statements.push(`SAVEPOINT s${depth++}`);
    } else if (choice === 2 && depth > 0) {
      const to = random.below(depth);
      statements.push(`ROLLBACK TO s${to}`);
      depth = to + 1;
    } else if (choice === 3 && depth > 0) {
      depth = random.below(depth);
      statements.push(`RELEASE s${depth}`);
    } else {
      statements.push(write(random));
    }
  }
  return statements;
}

function series(count: number): string {
  return `WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${count + 1})
    SELECT i FROM s`;
}
