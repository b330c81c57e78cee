/** Opening to the first answer: an empty database, and one that many commits have been made to. */
import { expectEqual, once } from '../measure.ts';
import type { Session, Workload } from '../types.ts';

async function firstAnswer(session: Session, sql: string, expected: unknown) {
  let found: unknown;
  const measurement = await once(async () => {
    [found] = await session.exec(sql);
  });
  expectEqual(found, expected, 'first answer');
  return measurement;
}

/** What a build needs to start, whatever it stores. */
export const openEmpty: Workload = {
  name: 'open-empty',
  title: 'first answer of an empty database',
  database: 'open-empty',
  cold: false,
  run: (session) => firstAnswer(session, 'SELECT count(*) FROM sqlite_master', [0]),
};

/** Opening must not read what the commits before have left behind. */
function openAfter(commits: number): Workload {
  return {
    name: `open-after-${commits}`,
    title: `first row after ${commits.toLocaleString('en')} commits`,
    database: `open-after-${commits}`,
    cold: true,
    async prepare(session) {
      await session.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, n INTEGER)');
      await session.exec('INSERT INTO notes VALUES (1, 0)');
      const update = await session.prepare('UPDATE notes SET n = n + 1');
      for (let i = 0; i < commits; i++) await update.run();
      await update.finalize();
    },
    run: (session) => firstAnswer(session, 'SELECT n FROM notes', [commits]),
  };
}

export const openAfterCommits: readonly Workload[] = [openAfter(10), openAfter(5000)];
