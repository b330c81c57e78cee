/**
 * From a file's evidence to its state: step two of recovery. Pure and total; the same evidence
 * gives the same verdict (docs/RECOVERY.md §3).
 *
 *   I2  Only commit records make versions; what lies above the greatest one is not looked at, but for
 *       whether somebody says that it is theirs.
 *   I7  Every record used is intact, in its place, and agrees with its neighbours.
 *
 *   evidence ──nothing wrong──▶ intact
 *      ├──only the newest commit records are damaged or lost, all below is whole──▶ fallen-back
 *      └──anything else──▶ defective
 */
import type { FallBack, Recovered } from '../blockstore/recovered.js';
import { CorruptionError, FormatVersionError } from '../errors.js';
import { decodeCommit } from '../format/commit.js';
import { commitKey } from '../format/keys.js';
import { RETAINED_COMMITS } from '../format/layout.js';
import type { Version } from '../types.js';
import { type Findings, inquire } from './inquiry.js';
import { type Evidence, numberIn, type StoredRecord } from './scan.js';

export type Verdict =
  | ({ readonly tag: 'intact'; readonly fellBack: undefined } & Recovered)
  | ({ readonly tag: 'fallen-back'; readonly fellBack: FallBack } & Recovered)
  | { readonly tag: 'defective'; readonly defects: readonly Error[] };

export function decide(evidence: Evidence): Verdict {
  const found = inquire(evidence);
  const { state, replayedCommits, commits, defects } = found;
  const fallen = fallBack(evidence, found);
  if (fallen) return fallen;
  if (!state) return { tag: 'defective', defects };
  const pendingAbove = evidence.above !== undefined;
  return { tag: 'intact', state, pendingAbove, replayedCommits, commits, fellBack: undefined };
}

/**
 * The newest version that verifies, if the commit records above it are all that is wrong.
 *
 * A checkpoint among the lost commits has put its chunks in the place of those of the version below:
 * then that one does not verify either, and nothing is fallen back to.
 */
function fallBack(evidence: Evidence, found: Findings): Verdict | undefined {
  if (found.defects.some((error) => error instanceof FormatVersionError)) return undefined;
  const commits = upToLastIntact(evidence);
  const from = lastVersion(evidence);
  const below = commits.at(-1);
  if (!below || from === numberIn(below.key) || from - numberIn(below.key) > RETAINED_COMMITS) {
    return undefined;
  }
  const { state, marker, replayedCommits, defects } = inquire({ ...evidence, commits });
  if (!state || !marker || defects.length > 0) return undefined;
  // The versions that were lost are not given again: the content of the one below goes on under
  // the greatest of them, so nothing cached or pinned of theirs is ever taken for something newer.
  state.map.version = from;
  state.marker = undefined;
  const recordCount = 1 + evidence.commits.length - commits.length;
  const fellBack: FallBack = {
    from,
    marker,
    recordCount,
    defects: found.defects.length > 0 ? found.defects : [lostMarker(evidence, marker.version)],
  };
  const pendingAbove = evidence.above !== undefined && evidence.spillOwner !== undefined;
  return { tag: 'fallen-back', state, pendingAbove, replayedCommits, commits: [], fellBack };
}

/** The commit records without the damaged ones at the top. */
function upToLastIntact({ commits, file }: Evidence): readonly StoredRecord[] {
  let end = commits.length;
  for (; end > 0; end--) {
    const { key, value } = commits[end - 1] as StoredRecord;
    const decoded = decodeCommit(value, { file: file.file, version: numberIn(key) as Version });
    if (decoded.ok && decoded.value.path === file.path) break;
  }
  return commits.slice(0, end);
}

/**
 * The greatest version that was committed, by any evidence. Segments are written together with
 * their commit record or with that of their spill owner: without either, a commit record was lost.
 */
function lastVersion({ commits, topUnowned }: Evidence): Version {
  const top = commits.at(-1);
  const above = topUnowned === undefined ? 0 : numberIn(topUnowned);
  return Math.max(top ? numberIn(top.key) : 0, above) as Version;
}

function lostMarker({ volume, file }: Evidence, below: Version): Error {
  const version = (below + 1) as Version;
  const at = { volume, store: 'commits', key: commitKey(file.file, version), version } as const;
  return new CorruptionError(at, 'a missing commit record, whose segments are there,');
}
