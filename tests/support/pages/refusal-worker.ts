/** A worker of any kind that tries to make a shared engine, and says why it cannot. */
import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import { IDBBlockSharedVFS, UnsupportedError } from '../../../src/index.js';
import { answerJobs } from './worker-jobs.ts';

export interface RefusalJob {
  readonly idbName: string;
  /** A global that this worker has to do without. */
  readonly without?: string;
}

export interface Refusal {
  readonly scope: string;
  readonly capability: string;
  readonly message: string;
}

answerJobs<RefusalJob>(async ({ idbName, without }) => {
  if (without !== undefined) Reflect.deleteProperty(globalThis, without);
  try {
    await IDBBlockSharedVFS.create(idbName, await createModule());
    return { error: 'it was made' };
  } catch (cause) {
    if (!(cause instanceof UnsupportedError)) throw cause;
    const { capability, message } = cause;
    return { scope: globalThis.constructor.name, capability, message } satisfies Refusal;
  }
});
