/**
 * A page with a database, whose statements a test runs from outside: in the window, or in a worker of it. It
 * can read on and on, and so go on with that at the moment it wakes.
 */
import type { VFSOptions } from '../../../src/index.js';
import type { BuildName } from '../sqlite.ts';
import { openDatabase, type PageDatabase } from './open.ts';

/** A read: when it began, ms since 1970, and what it found. */
export type Read = readonly [beganMs: number, value: number];

export interface Sleeper {
  open(build: BuildName, options: VFSOptions & { readonly idbName: string }): Promise<void>;
  /** @returns rows, or the code of the error that the VFS told */
  run(sql: string): Promise<readonly unknown[][] | string>;
  /** Reads on and on from now on. */
  readOn(sql: string): void;
  reads(): readonly Read[];
  writer(): Promise<{ readonly changes: readonly string[] }>;
  /** Keeps the processor busy, so that its process can be told by that. */
  burn(ms: number): void;
}

declare global {
  var sleeper: Sleeper;
}

let db: PageDatabase;
const reads: Read[] = [];
/** What ended the reading. */
let failure: unknown;
const errors: string[] = [];
const changes: string[] = [];

globalThis.sleeper = {
  async open(build, options) {
    db = await openDatabase('sleeper.db', {
      build,
      vfs: options,
      watch(vfs) {
        vfs.addEventListener('error', ({ detail }) => errors.push(detail.error.code));
        vfs.addEventListener('writerchange', ({ detail }) => changes.push(detail.why));
      },
    });
  },
  async run(sql) {
    const before = errors.length;
    try {
      return await db.rows(sql);
    } catch (cause) {
      return errors[before] ?? String(cause);
    }
  },
  readOn(sql) {
    const read = async () => {
      for (;;) {
        const began = Date.now();
        reads.push([began, Number(await db.value(sql))]);
        // What is in memory is read without a turn of the event loop.
        await new Promise((resolve) => setTimeout(resolve));
      }
    };
    read().catch((cause) => {
      failure = cause;
    });
  },
  reads() {
    if (failure) throw failure;
    return reads;
  },
  writer: async () => ({ changes }),
  burn(ms) {
    const until = performance.now() + ms;
    while (performance.now() < until);
  },
};
