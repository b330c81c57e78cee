/** Two workers on one database, one commit each in turn: the worst case for a lock that is held lazily. */
import { expectEqual, loop } from '../measure.ts';
import type { Ask, Session, Statement, Workload } from '../types.ts';

const ROUNDS = 100;
const WARMUP = 5;
const COMMITS_PER_ROUND = 2;
const BUSY_MS_MAX = 10_000;
const CHANNEL = 'bench-turns';
const INSERT = 'INSERT INTO turns (worker) VALUES (?)';

type Turn = 'ready' | 'yours' | 'mine' | 'end';

export const turns: Workload = {
  name: 'turns',
  title: 'one-row commit, two workers in turn',
  database: 'turns',
  cold: false,
  takes: ({ durability, shareable }) => shareable !== false && durability !== 'none',
  async prepare(session) {
    await session.exec('CREATE TABLE turns (id INTEGER PRIMARY KEY, worker INTEGER)');
  },
  async run(session) {
    const insert = await session.prepare(INSERT);
    const channel = new BroadcastChannel(CHANNEL);
    const ready = heard(channel, 'ready');
    postMessage({ ask: 'partner' } satisfies Ask);
    await ready;
    const measurement = await loop(
      async () => {
        await commit(insert, 1);
        const back = heard(channel, 'mine');
        channel.postMessage('yours');
        await back;
      },
      { iterations: ROUNDS, warmup: WARMUP },
    );
    channel.postMessage('end');
    channel.close();
    await insert.finalize();
    await check(session);
    return {
      meanMs: measurement.meanMs / COMMITS_PER_ROUND,
      medianMs: measurement.medianMs / COMMITS_PER_ROUND,
      p99Ms: measurement.p99Ms / COMMITS_PER_ROUND,
      operations: measurement.operations * COMMITS_PER_ROUND,
    };
  },
  async partner(session) {
    const insert = await session.prepare(INSERT);
    const channel = new BroadcastChannel(CHANNEL);
    const ended = new Promise<void>((resolve, reject) => {
      channel.onmessage = ({ data }: MessageEvent<Turn>) => {
        if (data === 'end') resolve();
        if (data === 'yours') commit(insert, 2).then(() => channel.postMessage('mine'), reject);
      };
    });
    channel.postMessage('ready');
    await ended;
    channel.close();
    await insert.finalize();
  },
  check,
};

/**
 * Some engines answer BUSY while the other is still about to let go: asking again is part of the figure.
 * Not by `busy_timeout`, for SQLite would sleep on this thread, deaf to the other.
 */
async function commit(insert: Statement, worker: number): Promise<void> {
  for (const deadline = performance.now() + BUSY_MS_MAX; ; ) {
    try {
      await insert.run([worker]);
      return;
    } catch (error) {
      const busy = /busy|locked/i.test(String(error));
      if (!busy || performance.now() > deadline) throw error;
      // An engine may have to hear from the other before it can go on.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
}

function heard(channel: BroadcastChannel, what: Turn): Promise<void> {
  return new Promise((resolve) => {
    channel.onmessage = ({ data }: MessageEvent<Turn>) => {
      if (data === what) resolve();
    };
  });
}

async function check(session: Session): Promise<void> {
  const [found] = await session.exec('SELECT count(*), sum(worker) FROM turns');
  const each = ROUNDS + WARMUP;
  expectEqual(found, [2 * each, 3 * each], 'rows of both workers');
}
