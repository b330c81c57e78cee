/**
 * Entries of the performance timeline, so that a browser's profiler shows what the block store does.
 *
 *   I9  At most ENTRIES_MAX of them are kept in the timeline: then, and when the volume is closed, all of them are
 *       cleared, by their names. Another VFS's entries for a file of the same name go with them.
 */
import type { PreparedCommit } from '../blockstore/prepare.js';
import type { Durability } from '../types.js';
import type { RecoveryReport } from './events.js';

export const ENTRIES_MAX = 1000;

/** What a name begins with; the file's path is behind it. */
export type Measured = 'open' | 'reload' | 'commit' | 'checkpoint';

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

export class Measures {
  readonly #names: Set<string> = new Set();
  #entries = 0;

  /** From the commit point to `complete`. A checkpoint is a part of its commit. */
  committed(
    { file, record, bytes, checkpoint }: PreparedCommit,
    durability: Durability,
    span: Span,
  ): void {
    const { version, entryCount: blocks } = record;
    this.#add('commit', file.path, span, { version, blocks, bytes, durability });
    if (!checkpoint) return;
    const { save, reclaimed } = checkpoint.plan;
    const detail = { version, chunks: save.length, reclaimedSegments: reclaimed.segments };
    this.#add('checkpoint', file.path, span, detail);
  }

  /** A file was opened and recovered. */
  opened(report: RecoveryReport, endMs: number): void {
    const { path, version, replayedCommits, foundAbove, deletedAbove, fellBack } = report;
    const span = { startMs: endMs - report.durationMs, endMs };
    const detail = { version, replayedCommits, foundAbove, deletedAbove, fellBack };
    this.#add('open', path, span, detail);
  }

  /** An open file was read anew as a whole. */
  reloaded(path: string, span: Span): void {
    this.#add('reload', path, span, null);
  }

  #add(what: Measured, path: string, { startMs, endMs }: Span, detail: object | null): void {
    if (this.#entries === ENTRIES_MAX) this.clear();
    const name = `idb-block-vfs: ${what} ${path}`;
    this.#names.add(name);
    this.#entries++;
    performance.measure(name, { start: startMs, end: endMs, detail });
  }

  clear(): void {
    for (const name of this.#names) performance.clearMeasures(name);
    this.#names.clear();
    this.#entries = 0;
  }
}
