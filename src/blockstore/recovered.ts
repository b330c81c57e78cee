/** What is found of a file when it is opened, and what may be done about it. */
import type { CommitRecord } from '../format/commit.js';
import type { FileRecord } from '../format/files.js';
import type { Version } from '../types.js';
import type { Connection } from './connection.js';
import type { FileState } from './state.js';

/** Commits that had to be given up: their records are damaged or lost, what they built on is whole. */
export interface FallBack {
  /** The newest commit that verifies: the file has its content. */
  readonly marker: CommitRecord;
  /** The greatest version that was lost. The file goes on from there: no version is given twice. */
  readonly from: Version;
  /** Commit records there are from the marker up, damaged ones included. */
  readonly recordCount: number;
  readonly defects: readonly Error[];
}

/** Whether a file opens at an older version when its newest commit records are damaged or lost. */
export type OnDamage = 'fall-back' | 'refuse';

/** What recovery found, and the state it arrived at. */
export interface Recovered {
  readonly state: FileState;
  /** Something lies above the marker: pending if a writer lives, orphans if not. */
  readonly pendingAbove: boolean;
  /** Commit records replayed on top of the last checkpoint. */
  readonly replayedCommits: number;
  /** Commit records that the store still has, up to the state's version; none if it is fallen back to. */
  readonly commits: readonly CommitRecord[];
  readonly fellBack: FallBack | undefined;
}

/** Reads a file's records and decides its state; `recovery` supplies it. */
export type Recover = (connection: Connection, file: FileRecord) => Promise<Recovered>;
