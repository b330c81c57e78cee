/** FTS5: an index built over documents in one sqliteTx, and searched. Only builds that have it take part. */
import { expectEqual, loop, once } from '../measure.ts';
import type { Contender, Session, Workload } from '../types.ts';

const DOCUMENTS = 10_000;
const WORDS = 40;
const VOCABULARY = 5000;
const SEARCHES = 200;
const WITHOUT = ['sql.js', 'absurder-sql', 'legacy'];

const takes = ({ build }: Pick<Contender, 'build'>): boolean => !WITHOUT.includes(build);

/** Common words are the low numbers. */
function wordsOf(id: number): number[] {
  return Array.from({ length: WORDS }, (_, i) => {
    const random = (Math.imul(id * WORDS + i, 2_654_435_761) >>> 0) / 2 ** 32;
    return Math.floor(random ** 3 * VOCABULARY);
  });
}

async function build(session: Session): Promise<void> {
  await session.exec('CREATE VIRTUAL TABLE IF NOT EXISTS documents USING fts5(body)');
  const insert = await session.prepare('INSERT INTO documents (rowid, body) VALUES (?, ?)');
  await session.exec('BEGIN');
  for (let id = 1; id <= DOCUMENTS; id++) {
    const body = wordsOf(id).map((word) => `word${word}`);
    await insert.run([id, body.join(' ')]);
  }
  await session.exec('COMMIT');
  await insert.finalize();
}

async function search(session: Session, word: number): Promise<number> {
  const sql = `SELECT count(*) FROM documents WHERE documents MATCH 'word${word}'`;
  const [found] = await session.exec(sql);
  return Number(found?.[0]);
}

const check = async (session: Session): Promise<void> => {
  const all = Array.from({ length: DOCUMENTS }, (_, i) => wordsOf(i + 1));
  for (const word of [1, 17, 4321]) {
    const count = all.filter((words) => words.includes(word)).length;
    expectEqual(await search(session, word), count, `documents with word ${word}`);
  }
};

export const fullTextBuild: Workload = {
  name: 'fts5-build',
  title: 'FTS5 index of 10,000 documents built',
  database: 'fts5-build',
  cold: false,
  takes,
  async run(session) {
    const measurement = await once(() => build(session));
    await check(session);
    return measurement;
  },
  check,
};

export const fullTextSearch: Workload = {
  name: 'fts5-search',
  title: 'FTS5 search, cold',
  database: 'fts5-search',
  cold: true,
  takes,
  prepare: build,
  async run(session) {
    const measurement = await loop(
      async (i) => {
        await search(session, (i * 997) % VOCABULARY);
      },
      { iterations: SEARCHES, warmup: 0 },
    );
    await check(session);
    return measurement;
  },
};
