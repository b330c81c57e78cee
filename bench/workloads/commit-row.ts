/** One-row commits: the smallest durable thing an application does. */
import { commits } from '../floors.ts';
import { expectEqual, loop } from '../measure.ts';
import type { Session, Workload } from '../types.ts';

const WARMUP = 20;
const COMMITS = 300;
const BODY_BYTES = 100;

export const commitRow: Workload = {
  name: 'commit-1-row',
  title: 'one-row commit',
  database: 'commit-row',
  cold: false,
  async prepare(session) {
    await session.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)');
  },
  async run(session) {
    const insert = await session.prepare('INSERT INTO notes VALUES (?, ?)');
    const measurement = await loop(
      async (i) => {
        await insert.run([i, `note ${i} `.padEnd(BODY_BYTES, 'x')]);
      },
      { iterations: COMMITS, warmup: WARMUP, distribution: true },
    );
    await insert.finalize();
    await check(session);
    return measurement;
  },
  check,
  // The row's page, and the first, which counts the commits.
  floor: commits({ pages: 2, iterations: COMMITS, warmup: WARMUP, distribution: true }),
};

async function check(session: Session): Promise<void> {
  const [found] = await session.exec('SELECT count(*), max(id), sum(length(body)) FROM notes');
  const count = WARMUP + COMMITS;
  expectEqual(found, [count, count - 1, count * BODY_BYTES], 'rows after the commits');
}
