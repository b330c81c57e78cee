/** One context of `bench/contend.mjs`, in a dedicated worker. */
import type {
  IncrementJob,
  LoneJob,
  LoneResult,
  Waits,
  WorkerAnswer,
  WorkerJob,
} from './contend-jobs.ts';
import { loadBuild } from './contenders/builds.ts';
import { openOurs } from './contenders/ours.ts';
import { SETS } from './sets.ts';
import type { Session, Statement } from './types.ts';

const SQLITE_BUSY = 5;
const PRIMARY = 0xff;
/** As many as an app has patience for; all of it takes less. */
const BUSY_TIMEOUT = 'PRAGMA busy_timeout = 120000';
const CREATE = 'CREATE TABLE counter (n); INSERT INTO counter VALUES (0)';
const BODY = 'x'.repeat(100);

let session: Session;
let rounds = 0;

async function open(job: IncrementJob): Promise<void> {
  const all = Object.values(SETS).flatMap(({ contenders }) => contenders);
  const contender = all.find(({ name }) => name === job.contender);
  if (!contender) throw new Error(`No such contender: ${job.contender}`);
  rounds = job.rounds;
  session = await (await contender.load())(job.database);
  await session.exec(BUSY_TIMEOUT);
}

async function go(): Promise<Waits> {
  const waitsMs: number[] = [];
  let busy = 0;
  for (let i = 0; i < rounds; i++) {
    const started = performance.now();
    while (!(await done('BEGIN IMMEDIATE'))) busy++;
    waitsMs.push(performance.now() - started);
    await session.exec('UPDATE counter SET n = n + 1');
    while (!(await done('COMMIT'))) busy++;
  }
  return { waitsMs, busy };
}

/** False if it was SQLITE_BUSY: after a moment it may be tried again. */
async function done(sql: string): Promise<boolean> {
  try {
    await session.exec(sql);
    return true;
  } catch (cause) {
    const { code } = cause as { code?: number };
    if (code === undefined || (code & PRIMARY) !== SQLITE_BUSY) throw cause;
    await new Promise((resolve) => setTimeout(resolve, 10 * Math.random()));
    return false;
  }
}

/** The same engine several times, each on a database of its own, commits in turns. */
async function lone({ engine, blocks, commitsPerBlock }: LoneJob): Promise<LoneResult> {
  const takesLocks = engine !== 'IDBBlockSharedVFS';
  const variants = [
    { timesMs: [] as number[], ...(await openLone(engine, 'with')) },
    { timesMs: [] as number[], ...(await openLone(engine, 'without')) },
    ...(takesLocks ? [{ timesMs: [] as number[], ...(await openLone(engine, 'granted')) }] : []),
  ];
  for (let block = 0; block < blocks; block++) {
    // Who comes first changes, so that nobody has the quieter part.
    for (let i = 0; i < variants.length; i++) {
      const variant = variants[(block + i) % variants.length];
      if (variant) await commit(variant.insert, variant.timesMs, commitsPerBlock);
    }
  }
  for (const { insert, session: opened } of variants) {
    await insert.finalize();
    await opened.close();
  }
  const [withLocksMs = [], withoutMs = [], grantedMs = []] = variants.map(({ timesMs }) => timesMs);
  return { engine, withLocksMs, withoutMs, grantedMs };
}

const LOCKS = {
  with: undefined,
  without: null,
  /** Grants what it is asked for, without asking anybody. */
  granted: {
    request: async (name: string, options: LockOptions, granted: LockGrantedCallback<unknown>) =>
      await granted({ name, mode: options.mode ?? 'exclusive' }),
    query: async () => ({ held: [], pending: [] }),
  } as unknown as LockManager,
};

async function openLone(engine: LoneJob['engine'], variant: keyof typeof LOCKS) {
  const { [engine]: Engine } = await import('../src/index.ts');
  const { module, sqlite3 } = await loadBuild(engine === 'IDBBlockVFS' ? 'jspi' : 'sync');
  const locks = LOCKS[variant];
  const options = (locks === undefined ? {} : { locks }) as { readonly locks?: null };
  const vfs = await Engine.create(`lone-${engine}-${variant}`, module, options);
  const opened = await openOurs(vfs, { sqlite3, durability: 'relaxed' });
  await opened.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, body)');
  return { session: opened, insert: await opened.prepare('INSERT INTO notes(body) VALUES (?)') };
}

async function commit(insert: Statement, timesMs: number[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await insert.run([BODY]);
    timesMs.push(performance.now() - started);
  }
}

async function perform(order: WorkerJob): Promise<unknown> {
  switch (order.type) {
    case 'open':
      return await open(order.job);
    case 'create':
      return await session.exec(CREATE);
    case 'go':
      return await go();
    case 'count':
      return (await session.exec('SELECT n FROM counter'))[0]?.[0];
    case 'close':
      return await session.close();
    case 'lone':
      return await lone(order.job);
  }
}

addEventListener('message', ({ data }: MessageEvent<WorkerJob>) => {
  const answer = (told: WorkerAnswer) => postMessage(told);
  perform(data).then(
    (value) => answer({ type: 'done', value: data.type === 'create' ? undefined : value }),
    (error: Error) => answer({ type: 'failed', message: error.stack ?? String(error) }),
  );
});
