/** One-row commits that are acknowledged at once, and what it takes to make a thousand of them durable. */
import { batches, expectEqual, once } from '../measure.ts';
import type { Session, Workload } from '../types.ts';

const WARMUP = 500;
const COMMITS = 1000;
const BATCH = 50;
const BODY_BYTES = 100;

export const commitDeferred: Workload = {
  name: 'commit-1-row-deferred',
  title: 'one-row commit, deferred',
  database: 'commit-row-deferred',
  cold: false,
  async prepare(session) {
    await session.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)');
  },
  async run(session) {
    const insert = await session.prepare('INSERT INTO notes VALUES (?, ?)');
    const add = async (id: number) => {
      await insert.run([id, `note ${id} `.padEnd(BODY_BYTES, 'x')]);
    };
    for (let id = 0; id < WARMUP; id++) await add(id);
    // So that what follows begins with nothing under way.
    await session.durable?.();
    const idbTxsBefore = idbTxsOf(session);
    const measurement = await batches((i) => add(WARMUP + i), {
      iterations: COMMITS,
      warmup: 0,
      batch: BATCH,
    });
    const waiting = await once(async () => session.durable?.());
    const idbTxs = idbTxsOf(session) - idbTxsBefore;
    await insert.finalize();
    await check(session);
    if (!session.durable) return measurement;
    return { ...measurement, details: { durableMs: waiting.meanMs, idbTxs } };
  },
  check,
};

function idbTxsOf(session: Session): number {
  return session.counters?.()['transactions'] ?? 0;
}

async function check(session: Session): Promise<void> {
  const [found] = await session.exec('SELECT count(*), max(id), sum(length(body)) FROM notes');
  const count = WARMUP + COMMITS;
  expectEqual(found, [count, count - 1, count * BODY_BYTES], 'rows after the commits');
}
