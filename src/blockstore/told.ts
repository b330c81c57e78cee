/**
 * Which commits of one file its context has been told of, and what each of them changed.
 *
 *   I1  Each commit is told once, in the order of versions, when the state it leads to is in force; own
 *       ones when they are complete. What was not seen commit by commit is told as one piece of news.
 */
import { type CommitRecord, KEEP_ALL } from '../format/commit.js';
import type { Version } from '../types.js';

/** One commit, or several of other contexts at once. */
export interface News {
  /** The file's version now. */
  readonly version: Version;
  /** Its version before: `version − 1`, unless several commits are told as one. */
  readonly after: Version;
  /** Milliseconds that a commit of this context took; undefined for those of others. */
  readonly ownMs: number | undefined;
  /** The commit's record; undefined if any block may have changed. */
  readonly listed: CommitRecord | undefined;
  /** Blocks that were written, if that is known. */
  readonly blockCount: number | undefined;
}

interface Shape {
  readonly version: Version;
  readonly fileBytes: number;
  readonly blockSize: number;
}

export class Told {
  readonly #tell: (news: News) => void;
  /** What the context was told last; undefined until the file was first read. */
  #last: Shape | undefined;

  constructor(tell: (news: News) => void) {
    this.#tell = tell;
  }

  /** A commit of this context is complete. */
  own(commit: CommitRecord, ownMs: number): void {
    this.#one(commit, ownMs);
  }

  /** The state of a version in the store is in force. `commits`: records read with it, in order. */
  reached(at: Shape, commits: readonly CommitRecord[]): void {
    if (this.#last === undefined) {
      this.#last = shapeOf(at);
      return;
    }
    for (const commit of commits) {
      const follows = commit.base === this.#last.version && commit.version <= at.version;
      if (follows) this.#one(commit, undefined);
    }
    const { version: after } = this.#last;
    if (at.version <= after) return;
    this.#last = shapeOf(at);
    const unknown = { ownMs: undefined, listed: undefined, blockCount: undefined };
    this.#tell({ version: at.version, after, ...unknown });
  }

  /** There is another file in the place of the one that was known. */
  replaced(): void {
    if (this.#last) this.#last = { ...this.#last, version: 0 as Version, fileBytes: 0 };
  }

  #one(commit: CommitRecord, ownMs: number | undefined): void {
    const before = this.#last;
    this.#last = shapeOf(commit);
    this.#tell({
      version: commit.version,
      after: before?.version ?? commit.base,
      ownMs,
      listed: commit.entries && keepsShape(commit, before) ? commit : undefined,
      blockCount: commit.entryCount,
    });
  }
}

/** Whether every block that the commit did not write is as it was. */
function keepsShape(commit: CommitRecord, before: Shape | undefined): boolean {
  if (!before || before.fileBytes === 0) return true;
  return (
    commit.keptBlocks === KEEP_ALL &&
    commit.fileBytes >= before.fileBytes &&
    commit.blockSize === before.blockSize
  );
}

function shapeOf({ version, fileBytes, blockSize }: Shape): Shape {
  return { version, fileBytes, blockSize };
}
