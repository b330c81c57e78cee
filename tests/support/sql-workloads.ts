/** Small databases whose content gives them away: every row's value follows from its key. */
import type { SqlWorkload } from './sql-crash.ts';

const KIB_64 = 65_536;

const ROWS =
  'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE acc(k TEXT PRIMARY KEY, b INTEGER)';
const ACCOUNTS = "INSERT INTO acc VALUES ('a', 100), ('b', 0)";
const DIGEST = `SELECT (SELECT count(*) FROM t), (SELECT total(id) FROM t),
  (SELECT total(length(v)) FROM t), (SELECT group_concat(substr(v, 1, 3)) FROM
  (SELECT v FROM t ORDER BY id DESC LIMIT 5)), (SELECT total(b) FROM acc)`;

/** Rows `from` … `to`, of so many characters each. */
function rows(from: number, to: number, characters: number): string {
  return `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to})
    INSERT INTO t SELECT i, substr(i || replace(hex(zeroblob(${characters})), '0', 'x'),
    1, ${characters}) FROM n`;
}

const TRANSFER = "UPDATE acc SET b = b - 7 WHERE k = 'a'; UPDATE acc SET b = b + 7 WHERE k = 'b'";

export const SQL_WORKLOADS: Readonly<Record<string, SqlWorkload>> = {
  'batch-atomic commits': {
    steps: [
      `${ROWS}; ${ACCOUNTS}`,
      rows(1, 20, 500),
      `${TRANSFER}; DELETE FROM t WHERE id % 3 = 0`,
      `${rows(21, 30, 900)}; ${TRANSFER}`,
    ],
    digest: DIGEST,
  },
  'relaxed commits': {
    pragmas: ['synchronous = NORMAL'],
    steps: [`${ROWS}; ${ACCOUNTS}`, rows(1, 20, 500), TRANSFER, rows(21, 30, 100)],
    digest: DIGEST,
  },
  'deferred commits': {
    pragmas: ['synchronous = OFF'],
    options: { maxDelayMs: 0 },
    steps: [`${ROWS}; ${ACCOUNTS}`, rows(1, 20, 500), TRANSFER, rows(21, 30, 100), TRANSFER],
    digest: DIGEST,
  },
  'deferred commits that wait for each other': {
    pragmas: ['synchronous = OFF'],
    options: { maxDelayMs: 20 },
    steps: [`${ROWS}; ${ACCOUNTS}`, ...Array.from({ length: 12 }, () => TRANSFER)],
    digest: DIGEST,
  },
  'a rollback journal that is truncated': {
    pragmas: ['journal_mode = TRUNCATE'],
    steps: [`${ROWS}; ${ACCOUNTS}`, rows(1, 20, 500), `${TRANSFER}; ${rows(21, 25, 50)}`],
    digest: DIGEST,
  },
  'spills with a page cache of five pages': {
    pragmas: ['cache_size = 5'],
    options: { spillBytes: KIB_64, cacheBytes: KIB_64 },
    steps: [
      `${ROWS}; ${ACCOUNTS}`,
      rows(1, 120, 1500),
      `${TRANSFER}; UPDATE t SET v = 'new' || v`,
      'DELETE FROM t WHERE id > 60',
    ],
    digest: DIGEST,
  },
  'two attached files': {
    attached: { other: 'other.db' },
    steps: [
      `${ROWS}; ${ACCOUNTS}; CREATE TABLE other.acc2(b INTEGER); INSERT INTO other.acc2 VALUES (0)`,
      "UPDATE acc SET b = b - 9 WHERE k = 'a'; UPDATE other.acc2 SET b = b + 9",
      `${rows(1, 5, 300)}; UPDATE other.acc2 SET b = b - 4; UPDATE acc SET b = b + 4 WHERE k = 'b'`,
    ],
    digest: `SELECT (SELECT total(b) FROM acc) + (SELECT b FROM other.acc2),
      (SELECT b FROM other.acc2), (SELECT count(*) FROM t)`,
  },
  'a vacuum, and one with another page size': {
    steps: [
      `${ROWS}; ${ACCOUNTS}`,
      rows(1, 40, 1000),
      'DELETE FROM t WHERE id % 2 = 0',
      TRANSFER,
      rows(101, 110, 200),
    ],
    between: { 4: 'VACUUM', 5: 'PRAGMA page_size = 1024; VACUUM' },
    digest: DIGEST,
  },
};
