/** Commits of other contexts, as their records in the store tell of them. */
import { type CommitRecord, decodeCommit } from '../format/commit.js';
import type { FileId } from '../types.js';
import type { MapChange } from './map.js';

export interface StoredCommit {
  readonly commit: CommitRecord;
  readonly recordBytes: number;
}

/** Undefined if the record is damaged. */
export function decodeStored(value: unknown, file: FileId): StoredCommit | undefined {
  const decoded = decodeCommit(value, { file });
  if (!decoded.ok) return undefined;
  return { commit: decoded.value, recordBytes: (value as ArrayBuffer).byteLength };
}

/** What commits change that follow each other from version `from` on; undefined if one does not tell. */
export function changesOf(
  newer: readonly (StoredCommit | undefined)[],
  from: number,
): MapChange[] | undefined {
  const changes: MapChange[] = [];
  let version = from;
  for (const found of newer) {
    const { base, entries } = found?.commit ?? {};
    if (!found || !entries || base !== version) return undefined;
    changes.push({ ...found.commit, entries });
    version = found.commit.version;
  }
  return changes;
}
