/** Commits of other contexts, as their records in the store tell of them. */
import { type CommitRecord, decodeCommit, sameNonce } from '../format/commit.js';
import type { FileId } from '../types.js';
import type { MapChange } from './map.js';
import type { FileState } from './state.js';

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

/** Not so when others fell back below our version and gave it to another commit. */
export function isMarkerOf({ map, marker }: FileState, stored: StoredCommit | undefined): boolean {
  if (stored?.commit.version !== map.version) return false;
  return marker !== undefined && sameNonce(stored.commit.nonce, marker);
}

/** Makes the state that of the next commit; false, and unchanged, if it cannot be applied in memory. */
export function follow(state: FileState, { commit, recordBytes }: StoredCommit): boolean {
  const { map } = state;
  const isNext = commit.base === map.version;
  if (!isNext || !commit.entries || commit.directoryVersion !== state.directoryVersion)
    return false;
  const change = { ...commit, entries: commit.entries };
  state.apply(change, { endPart: commit.endPart, recordBytes }, map.pins > 0);
  state.marker = commit.nonce;
  return true;
}
