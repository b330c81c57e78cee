/** A worker that increments a counter in a database, on any engine, as one of many contexts. */
import * as SQLite from '@journeyapps/wa-sqlite';
import createSync from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import createAsyncify from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import createJspi from '@journeyapps/wa-sqlite/dist/wa-sqlite-jspi.mjs';
import {
  type CommitEvent,
  IDBBlockMirrorVFS,
  IDBBlockSharedVFS,
  IDBBlockVFS,
  type VFSOptions,
} from '../../../src/index.js';
import type { BlockVFS } from '../../../src/vfs/block-vfs.js';
import { Database } from '../database.ts';

export type CounterBuild = 'asyncify' | 'jspi' | 'mirror' | 'shared';

export type CounterJob =
  | { readonly type: 'open'; readonly build: CounterBuild; readonly options: CounterOptions }
  | { readonly type: 'run'; readonly sql: string }
  | { readonly type: 'increment'; readonly rounds: number }
  | { readonly type: 'stream'; readonly stop: SharedArrayBuffer }
  | { readonly type: 'writer' }
  /** Commits one row each, the given ones of table r in turn. */
  | { readonly type: 'rewrite'; readonly first: number; readonly commits: number }
  | { readonly type: 'stats' }
  /** From now on commit events are kept, for `heard`. */
  | { readonly type: 'listen' }
  | { readonly type: 'heard' }
  | { readonly type: 'verify' }
  /** Deletes the database, which is closed here first. */
  | { readonly type: 'delete' }
  | { readonly type: 'close' };

export type CounterOptions = Pick<
  VFSOptions,
  'busyTimeoutMs' | 'cacheBytes' | 'stealAfterMs' | 'writerRole' | 'maxDelayMs'
> & { readonly idbName: string };

/** What became of a job; `code` is SQLite's if it failed. */
export type CounterAnswer =
  | { readonly type: 'done'; readonly value: unknown }
  | { readonly type: 'failed'; readonly code: number; readonly message: string };

const CREATE = {
  asyncify: createAsyncify,
  jspi: createJspi,
  mirror: createSync,
  shared: createSync,
} as const;
const ENGINES = {
  asyncify: IDBBlockVFS,
  jspi: IDBBlockVFS,
  mirror: IDBBlockMirrorVFS,
  shared: IDBBlockSharedVFS,
} as const;

let vfs: BlockVFS;
let db: Database;
/** Codes of the errors that VFS methods have answered. */
const errors: string[] = [];
const changes: string[] = [];
const heard: CommitEvent[] = [];

/** Rows of table r, of 3,000 bytes each. */
export const ROWS = 60;

async function open(build: CounterBuild, options: CounterOptions): Promise<void> {
  const module = await CREATE[build]();
  const sqlite3 = SQLite.Factory(module);
  vfs = await ENGINES[build].create('counter', module, options);
  vfs.addEventListener('error', ({ detail }) => errors.push(detail.error.code));
  vfs.addEventListener('writerchange', ({ detail }) => changes.push(detail.why));
  sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
  db = new Database(sqlite3, await sqlite3.open_v2('counter.db'), () => undefined);
}

async function increment(rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await db.run('BEGIN IMMEDIATE; UPDATE c SET n = n + 1; COMMIT');
  }
}

/** Commits on and on, deferred. @returns how many */
async function stream(stop: SharedArrayBuffer): Promise<number> {
  const words = new Int32Array(stop);
  await db.run('PRAGMA synchronous=OFF');
  let commits = 0;
  for (; Atomics.load(words, 0) === 0; commits++) await db.run('UPDATE d SET n = n + 1');
  await vfs.durable();
  return commits;
}

async function rewrite(first: number, commits: number): Promise<void> {
  for (let i = first; i < first + commits; i++) {
    await db.run(`UPDATE r SET n = n + 1, v = randomblob(3000) WHERE id = ${i % ROWS}`);
  }
}

async function perform(job: CounterJob): Promise<unknown> {
  switch (job.type) {
    case 'open':
      return await open(job.build, job.options);
    case 'run':
      return await db.rows(job.sql);
    case 'increment':
      return await increment(job.rounds);
    case 'stream':
      return await stream(job.stop);
    case 'writer':
      return { state: vfs.writer('counter.db'), errors, changes };
    case 'rewrite':
      return await rewrite(job.first, job.commits);
    case 'stats':
      return vfs.stats();
    case 'listen':
      return vfs.addEventListener('commit', ({ detail }) => heard.push(detail));
    case 'heard':
      return heard;
    case 'verify':
      return await vfs.verify('counter.db');
    case 'delete':
      await db.close();
      return await vfs.deleteFile('counter.db');
    case 'close':
      await db.close();
      return await vfs.close();
  }
}

addEventListener('message', ({ data }: MessageEvent<CounterJob>) => {
  const answer = (told: CounterAnswer) => postMessage(told);
  perform(data).then(
    (value) => answer({ type: 'done', value }),
    (cause) => {
      const { code, message } = cause as { code: number; message: string };
      answer({ type: 'failed', code, message });
    },
  );
});
