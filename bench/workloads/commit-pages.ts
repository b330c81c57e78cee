/**
 * Commits of many pages, one row to a page: pages that exist are updated, or new ones appended.
 *
 * SQLite's page cache holds the whole sqliteTx, so that IDBBatchAtomicVFS can commit it as a batch:
 * that is the case it is made for.
 */
import { commits } from '../floors.ts';
import { expectEqual, loop } from '../measure.ts';
import type { Row, Session, Workload } from '../types.ts';

const PAGE_COUNT = 1000;
/** More than half a page: no two rows share one. Random, for real pages hardly compress. */
const BODY_BYTES = 3500;
const CACHE = 'PRAGMA cache_size = -65536';
const RANDOM_CHUNK_BYTES = 65_536;

async function create(session: Session): Promise<void> {
  await session.exec(CACHE);
  await session.exec('CREATE TABLE pages (id INTEGER PRIMARY KEY, n INTEGER, body BLOB)');
  const insert = await session.prepare(APPEND);
  await insert.run([randomBytes(PAGE_COUNT * BODY_BYTES), PAGE_COUNT]);
  await insert.finalize();
}

const APPEND = `
  WITH RECURSIVE series(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM series WHERE i + 1 < ?2)
  INSERT INTO pages (n, body) SELECT 0, substr(?1, 1 + i * ${BODY_BYTES}, ${BODY_BYTES}) FROM series`;

async function totals(session: Session): Promise<Row> {
  const [found] = await session.exec('SELECT count(*), sum(n), sum(length(body)) FROM pages');
  return found ?? [];
}

interface Size {
  readonly pages: number;
  readonly iterations: number;
  readonly warmup: number;
}

function update({ pages, iterations, warmup }: Size): Workload {
  const check = async (session: Session) => {
    const sum = pages * (iterations + warmup);
    const expected = [PAGE_COUNT, sum, PAGE_COUNT * BODY_BYTES];
    expectEqual(await totals(session), expected, 'totals after the updates');
  };
  return {
    name: `commit-${pages}-pages`,
    title: `commit of ${pages === 1 ? 'one changed page' : `${pages.toLocaleString('en')} changed pages`}`,
    database: `commit-${pages}`,
    cold: false,
    prepare: create,
    async run(session) {
      await session.exec(CACHE);
      await totals(session);
      const statement = await session.prepare(
        'UPDATE pages SET n = n + 1 WHERE id BETWEEN ?1 + 1 AND ?1 + ?2',
      );
      const measurement = await loop(
        async (i) => {
          await statement.run([(i * pages) % PAGE_COUNT, pages]);
        },
        { iterations, warmup },
      );
      await statement.finalize();
      await check(session);
      return measurement;
    },
    check,
    floor: commits({ pages, iterations, warmup }),
  };
}

function append({ pages, iterations, warmup }: Size): Workload {
  const check = async (session: Session) => {
    const count = PAGE_COUNT + pages * (iterations + warmup);
    expectEqual(await totals(session), [count, 0, count * BODY_BYTES], 'totals after appending');
  };
  return {
    name: `append-${pages}-pages`,
    title: `commit of ${pages.toLocaleString('en')} new pages`,
    database: `append-${pages}`,
    cold: false,
    prepare: create,
    async run(session) {
      await session.exec(CACHE);
      const body = randomBytes(pages * BODY_BYTES);
      const statement = await session.prepare(APPEND);
      const measurement = await loop(
        async () => {
          await statement.run([body, pages]);
        },
        { iterations, warmup },
      );
      await statement.finalize();
      await check(session);
      return measurement;
    },
    check,
  };
}

function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += RANDOM_CHUNK_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(count, at + RANDOM_CHUNK_BYTES)));
  }
  return bytes;
}

const HUNDRED = { pages: 100, iterations: 40, warmup: 10 };
const THOUSAND = { pages: 1000, iterations: 10, warmup: 2 };

const ONE = { pages: 1, iterations: 200, warmup: 20 };
const TEN = { pages: 10, iterations: 100, warmup: 20 };

/** Cost against dirty pages. */
export const commitSomePages: readonly Workload[] = [ONE, TEN, HUNDRED, THOUSAND].map(update);

export const commitPages: readonly Workload[] = [
  update(HUNDRED),
  update(THOUSAND),
  append(HUNDRED),
  append(THOUSAND),
];
