/**
 * Commits over several files of one volume: both or neither.
 *
 * SQLite prepares each file with FCNTL_SYNC and the super-journal's name, and makes the commit by
 * deleting the super-journal. Until then the drafts wait here; then they go into one idbTx.
 *
 *   I2  The files' commit records are in one idbTx.
 *   I5  When it fails the super-journal stays, so that SQLite plays the journals back.
 */
import type { Committer, DraftCommit } from '../blockstore/committer.js';
import { type Durability, strongest } from '../types.js';
import type { DatabaseFile } from './database-file.js';

/** Commits what the files have staged, in one idbTx. */
export type CommitFiles = (files: readonly DatabaseFile[]) => Promise<void> | undefined;

export class CommitGroups {
  readonly #commitFiles: CommitFiles;
  readonly #groups: Map<string, Set<DatabaseFile>> = new Map();

  constructor(commitFiles: CommitFiles) {
    this.#commitFiles = commitFiles;
  }

  /** The file is ready to commit when the super-journal is deleted. */
  join(superJournal: string, file: DatabaseFile): void {
    const group = this.#groups.get(superJournal) ?? new Set();
    this.#groups.set(superJournal, group.add(file));
  }

  /** The file was rolled back or closed. */
  leave(file: DatabaseFile): void {
    for (const group of this.#groups.values()) group.delete(file);
  }

  /** Commits the files that joined; undefined if none did. */
  commit(superJournal: string): Promise<void> | undefined {
    const files = [...(this.#groups.get(superJournal) ?? [])];
    this.#groups.delete(superJournal);
    return files.length === 0 ? undefined : this.#commitFiles(files);
  }
}

/** What the files' connections ask for at the most. */
export function durabilityOf(files: readonly DatabaseFile[]): Durability {
  return strongest(files.map((file) => file.durability));
}

/** Commits and waits, as the asynchronous builds can. */
export async function commitAndWait(
  committer: Committer,
  files: readonly DatabaseFile[],
): Promise<void> {
  const changed: DatabaseFile[] = [];
  try {
    const drafts: DraftCommit[] = [];
    for (const file of files) {
      const draft = await file.readyDraft();
      if (!draft) continue;
      drafts.push(draft);
      changed.push(file);
    }
    if (drafts.length > 0) await committer.commit(drafts, durabilityOf(files));
  } catch (cause) {
    for (const file of files) file.discard();
    throw cause;
  }
  for (const file of changed) file.committed();
}
