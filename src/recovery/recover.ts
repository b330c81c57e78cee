/** Recovery as opening a file runs it: scan, decide, and the error if something is wrong. */
import type { Connection } from '../blockstore/connection.js';
import type { Recovered } from '../blockstore/recovered.js';
import { result } from '../blockstore/requests.js';
import { deleteAbove } from '../blockstore/write-commit.js';
import { CorruptionError, InvariantError } from '../errors.js';
import { decodeCommit } from '../format/commit.js';
import { decodeFile, type FileRecord } from '../format/files.js';
import { commitsFrom, everythingOf, VOLUME_KEY } from '../format/keys.js';
import type { FileId, Version } from '../types.js';
import { decide } from './decide.js';
import { scan } from './scan.js';

/**
 * The state the file's records amount to; one that was fallen back to says so (`fellBack`).
 * @throws the first defect found, a CorruptionError or FormatVersionError.
 */
export async function recover(connection: Connection, file: FileRecord): Promise<Recovered> {
  const verdict = decide(await scan(connection, file));
  if (verdict.tag !== 'defective') return verdict;
  const [first] = verdict.defects;
  throw first ?? new InvariantError('a defective file has a defect');
}

/**
 * Deletes what lies above the marker: step three of recovery, for the holder of the writer lock.
 * One idbTx; running it twice changes nothing. What it deletes can only be what nobody committed.
 * @throws ConnectionLostError, StorageError
 */
export async function apply(connection: Connection, file: FileId, marker: Version): Promise<void> {
  await connection.rewrite(['segments', 'commits', 'maps'], 'default', (r) => {
    const request = r.count('commits', commitsFrom(file, (marker + 1) as Version));
    request.onsuccess = () => {
      // A commit came in between: nothing above it is known to be an orphan.
      if (request.result === 0) deleteAbove(r, file, marker);
    };
  });
}

/**
 * Looks for commits that bear `path` though no file record does: a lost record, not an absent file.
 * One request per file of the volume, made only when there is no record.
 * @throws CorruptionError if there are any.
 */
export async function findLost(connection: Connection, path: string): Promise<void> {
  const id = await lostFile(connection, path);
  if (id === undefined) return;
  const location = { volume: connection.name, store: 'files', key: path } as const;
  throw new CorruptionError(location, `a missing record, of file ${id} which has commits,`);
}

/** Id of a file whose commits bear `path` and that no file record names. */
export async function lostFile(connection: Connection, path: string): Promise<FileId | undefined> {
  return await connection.read(['files', 'commits'], async (r) => {
    const [keys, values] = await Promise.all([
      result(r.getAllKeys('files')),
      result(r.getAll('files', ['', []])),
    ]);
    const known = new Set<number>();
    for (const [i, key] of keys.entries()) {
      const decoded = key === VOLUME_KEY ? undefined : decodeFile(values[i], String(key));
      if (decoded?.ok) known.add(decoded.value.file);
    }
    for (let id = 1; ; id++) {
      const key = await result(r.getKey('commits', [[id], [Number.POSITIVE_INFINITY, []]]));
      if (!Array.isArray(key) || typeof key[0] !== 'number') return undefined;
      id = key[0];
      if (known.has(id)) continue;
      const stored = await result(r.getAll('commits', everythingOf(id as FileId)));
      const bears = stored.some((value) => {
        const commit = decodeCommit(value, { file: id as FileId });
        return commit.ok && commit.value.path === path;
      });
      if (bears) return id as FileId;
    }
  });
}
