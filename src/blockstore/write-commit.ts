/**
 * Writes prepared commits as one idbTx, and finds out what became of it.
 *
 * They are of one sqliteTx over several files, or of several sqliteTxs that follow each other.
 *
 *   I2  The commit record is added last.
 *   I3  `add` fails a second writer at this version; a base that was not validated lately is
 *       checked in the idbTx itself (`guard`), because old commit records are deleted. Of commits of
 *       one file only the first stands on the store; each of the others stands on the one before it.
 *   I4  Landed means `complete`, or the record with our nonce found on a new connection.
 *   I6  An unknown outcome is looked up, never guessed; what did not land is sent once more.
 *
 *   prepared ──send──▶ sent ──complete──▶ landed
 *                       └──abort──▶ asked ──record with our nonce──▶ landed, once it is durable
 *                                     ├──other record, or base gone──▶ fenced
 *                                     ├──none, and the connection was lost──▶ sent (once)
 *                                     └──none──▶ failed
 */
import {
  BlockStoreError,
  BusyError,
  CommitUnknownError,
  fromDomException,
  isConnectionLoss,
  QuotaError,
} from '../errors.js';
import {
  type CommitRecord,
  decodeCommit,
  encodeCommit,
  KEEP_ALL,
  sameNonce,
} from '../format/commit.js';
import { decodeFile, encodeFile } from '../format/files.js';
import {
  commitKey,
  commitsFrom,
  commitsUpTo,
  directoryKey,
  mapKey,
  type StoreName,
  segmentKey,
  segmentsAbove,
  spillOwnerKey,
} from '../format/keys.js';
import { RETAINED_COMMITS } from '../format/layout.js';
import { decodeSpillOwner } from '../format/spill-owner.js';
import type { FileId, Version } from '../types.js';
import type { Connection } from './connection.js';
import type { BlockFile } from './file.js';
import type { PreparedCheckpoint, PreparedCommit } from './prepare.js';
import type { FallBack } from './recovered.js';
import { abort, type Requests, result } from './requests.js';

/** A base validated longer ago than this is checked again inside the idbTx. */
const FENCE_WINDOW_MS = 1000;
const SEND_MAX = 2;

export interface WriteOptions {
  readonly durability: IDBTransactionDurability;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Writes the commits in their order, all or none. */
export async function writeCommits(
  connection: Connection,
  commits: readonly PreparedCommit[],
  options: WriteOptions,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    // Without an idbTx nothing was sent: that is no unknown outcome.
    const r = await connection.begin(storesOf(commits), options.durability);
    try {
      return await send(r, commits, options);
    } catch (cause) {
      const fate = await fateOf(connection, commits, cause);
      if (fate === 'landed') return await makeDurable(connection, commits, options);
      if (fate === 'lost' && attempt < SEND_MAX) continue;
      throw fromDomException(cause, connection.name, 'a commit');
    }
  }
}

/**
 * I4: what was found in the store is complete, but nobody said that a strict one is durable. A strict
 * idbTx that completes makes durable all before it, if it changes something: the record is put again
 * as it is.
 */
async function makeDurable(
  connection: Connection,
  commits: readonly PreparedCommit[],
  { durability }: WriteOptions,
): Promise<void> {
  const last = commits.at(-1);
  if (!last || durability !== 'strict') return;
  const key = commitKey(last.record.file, last.record.version);
  for (let attempt = 1; ; attempt++) {
    try {
      return await connection.write(['commits'], durability, (r) => {
        const request = r.get('commits', key);
        request.onsuccess = () => {
          const stored = request.result;
          if (stored instanceof ArrayBuffer) r.put('commits', key, stored);
        };
      });
    } catch (cause) {
      const lost = isConnectionLoss(cause) || connectionGone(cause);
      if (lost && attempt < SEND_MAX) continue;
      throw new CommitUnknownError(connection.name, last.file.path, { cause });
    }
  }
}

function storesOf(commits: readonly PreparedCommit[]): StoreName[] {
  const stores = new Set<StoreName>(['segments', 'commits']);
  for (const commit of commits) {
    if (commit.checkpoint || commit.draft.hasSpilled || commit.file.cleanAbove) stores.add('maps');
    if (!commit.file.record?.born) stores.add('files');
  }
  return [...stores];
}

async function send(
  r: Requests,
  commits: readonly PreparedCommit[],
  options: WriteOptions,
): Promise<void> {
  const done = r.completion();
  // Created first, looked at the clock after: from here on nobody's commit can overtake this one.
  const leading = leadingOf(commits);
  const guarded = leading.filter(
    ({ file, draft }) =>
      draft.hasSpilled ||
      !file.record?.born ||
      !file.exclusive ||
      file.fellBack !== undefined ||
      options.now() - file.validatedAtMs > FENCE_WINDOW_MS,
  );
  const stale = guard(r, guarded);
  try {
    for (const commit of commits) writeOne(r, commit, leading.includes(commit));
    if (guarded.length === 0) r.tx.commit();
  } catch (cause) {
    done.catch(() => undefined);
    abort(r.tx);
    throw cause;
  }
  try {
    await done;
  } catch (cause) {
    const path = stale();
    if (path === undefined) throw cause;
    throw new BusyError(path, 'another context committed to it or deleted it', {
      snapshot: true,
      cause,
    });
  }
}

/** I3: the first commit of each file. */
function leadingOf(commits: readonly PreparedCommit[]): readonly PreparedCommit[] {
  if (commits.length === 1) return commits;
  const seen = new Set<BlockFile>();
  return commits.filter(({ file }) => !seen.has(file) && seen.add(file));
}

/**
 * Looks, inside the idbTx, whether each commit still stands on the marker and its spilled segments
 * are still its own; commits if so, aborts if not.
 */
function guard(r: Requests, commits: readonly PreparedCommit[]): () => string | undefined {
  let open = 0;
  let stalePath: string | undefined;
  const check = <T>(request: IDBRequest<T>, path: string, holds: (found: T) => boolean) => {
    open++;
    request.onsuccess = () => {
      open--;
      if (!holds(request.result)) {
        stalePath ??= path;
        abort(r.tx);
      } else if (open === 0 && stalePath === undefined) {
        r.tx.commit();
      }
    };
  };
  for (const { file, record, draft } of commits) {
    const fence = file.fenceOf(record.base);
    const records = r.count('commits', commitsFrom(record.file, fence.from));
    check(records, file.path, (count) => count === fence.count);
    if (!file.record?.born) {
      // Before its first commit another context may have deleted the file and made it anew.
      check(r.get('files', file.path), file.path, (stored) => {
        const found = decodeFile(stored, file.path);
        return found.ok && found.value.file === record.file;
      });
    }
    if (!draft.hasSpilled) continue;
    check(r.get('maps', spillOwnerKey(record.file)), file.path, (stored) => {
      const owner = decodeSpillOwner(stored, record.file);
      return owner.ok && sameNonce(owner.value.nonce, record.nonce);
    });
  }
  return () => stalePath;
}

function writeOne(r: Requests, commit: PreparedCommit, leads: boolean): void {
  const { record, checkpoint } = commit;
  if (leads) prepareStore(r, commit);
  for (const { part, buffer } of commit.segments) {
    r.add('segments', segmentKey(record.file, record.version, part), buffer);
  }
  if (checkpoint) writeCheckpoint(r, commit, checkpoint);
  // I2: last, so that whatever order a store applies requests in, it names what precedes it.
  r.add('commits', commitKey(record.file, record.version), commit.encoded);
}

/** What the first commit of a file changes besides: what lies above its base, and a file not yet born. */
function prepareStore(r: Requests, { file, record, draft }: PreparedCommit): void {
  if (file.fellBack?.from === record.base) giveUp(r, record, file.fellBack);
  if (draft.hasSpilled) {
    r.delete('maps', [spillOwnerKey(record.file), spillOwnerKey(record.file)]);
  } else if (file.cleanAbove) {
    deleteAbove(r, record.file, record.base);
  }
  if (file.record && !file.record.born) {
    r.put('files', file.path, encodeFile({ ...file.record, born: true }));
  }
}

/**
 * Puts in the place of the commits that recovery fell back over ones that change nothing. Their
 * versions are used up: who still has them in memory is told by the nonce, or by his `add` failing.
 */
function giveUp(r: Requests, record: CommitRecord, { marker, from }: FallBack): void {
  const { file, nonce, timeMs } = record;
  const first = (marker.version + 1) as Version;
  r.delete('commits', commitsFrom(file, first));
  r.delete('segments', [
    segmentKey(file, first, 0),
    segmentKey(file, from, Number.POSITIVE_INFINITY),
  ]);
  const entries = { blocks: new Uint32Array(0), checksums: new Uint32Array(0) };
  const nothing = { entries, entryCount: 0, firstPart: 0, endPart: 0, keptBlocks: KEEP_ALL };
  for (let version = first; version <= from; version++) {
    const base = (version - 1) as Version;
    const empty = { ...marker, ...nothing, version: version as Version, base, nonce, timeMs };
    r.add('commits', commitKey(file, version as Version), encodeCommit(empty));
  }
}

/** Deletes what lies above the marker, and says that it is nobody's. */
export function deleteAbove(r: Requests, file: FileId, marker: Version): void {
  r.delete('segments', segmentsAbove(file, marker));
  r.delete('maps', [spillOwnerKey(file), spillOwnerKey(file)]);
}

function writeCheckpoint(
  r: Requests,
  commit: PreparedCommit,
  checkpoint: PreparedCheckpoint,
): void {
  const { file, version } = commit.record;
  const { plan } = checkpoint;
  for (const { chunk, value } of checkpoint.chunks) r.put('maps', mapKey(file, chunk), value);
  for (const [first, last] of runs(plan.drop)) {
    r.delete('maps', [mapKey(file, first), mapKey(file, last)]);
  }
  r.put('maps', directoryKey(file), checkpoint.directory);
  if (version > RETAINED_COMMITS) {
    r.delete('commits', commitsUpTo(file, (version - RETAINED_COMMITS) as Version));
  }
  for (const [lower, upper] of commit.file.state.live.deletionsOf(plan.reclaim, plan.keep)) {
    r.delete('segments', [
      segmentKey(file, lower.version, lower.part),
      segmentKey(file, upper.version, upper.part),
    ]);
  }
}

function runs(numbers: readonly number[]): [number, number][] {
  const merged: [number, number][] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = merged.at(-1);
    if (last && last[1] + 1 === n) last[1] = n;
    else merged.push([n, n]);
  }
  return merged;
}

type Fate = 'landed' | 'lost' | 'failed';

/**
 * I6: looks for the newest record of the first commit's file; all were in one idbTx. The first one's own
 * may have been deleted by a checkpoint among them.
 */
async function fateOf(
  connection: Connection,
  commits: readonly PreparedCommit[],
  cause: unknown,
): Promise<Fate> {
  const [first] = commits;
  const error = fromDomException(cause, connection.name, 'a commit');
  // These are told before or by the idbTx itself: nothing landed.
  if (!first || error instanceof QuotaError || error instanceof BusyError) return 'failed';
  const { file } = first;
  const { record } = commits.findLast((commit) => commit.file === file) ?? first;
  let stored: unknown[];
  try {
    const bounds = commitsFrom(record.file, first.record.version);
    stored = await connection.read(['commits'], (r) => result(r.getAll('commits', bounds)));
  } catch (lookup) {
    const unknown = isConnectionLoss(cause) || (cause as Error | null)?.name === 'AbortError';
    if (!unknown) return 'failed';
    throw new CommitUnknownError(connection.name, file.path, { cause: lookup });
  }
  const found = stored.map((value) => decodeCommit(value, { file: record.file }));
  const ours = found.some(
    (decoded) =>
      decoded.ok &&
      decoded.value.version === record.version &&
      sameNonce(decoded.value.nonce, record.nonce),
  );
  if (ours) return 'landed';
  if (found.length > 0) {
    throw new BusyError(file.path, 'another context committed first', { snapshot: true, cause });
  }
  return isConnectionLoss(cause) || connectionGone(cause) ? 'lost' : 'failed';
}

/** An abort nobody asked for: a forced close, or the end of the process behind the connection. */
function connectionGone(cause: unknown): boolean {
  return !(cause instanceof BlockStoreError) && (cause as Error | null)?.name === 'AbortError';
}
