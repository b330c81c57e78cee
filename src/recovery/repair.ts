/**
 * Repairs what can be repaired without loss: a file record, map chunks, the directory.
 *
 *   I7  Nothing is put in the place of a damaged record unless it agrees with every intact one.
 *   I8  For the holder of the writer lock only.
 */
import type { Connection } from '../blockstore/connection.js';
import { result } from '../blockstore/requests.js';
import { type CommitRecord, decodeCommit } from '../format/commit.js';
import { encodeFile, type FileRecord } from '../format/files.js';
import { everythingOf } from '../format/keys.js';
import { BLOCKS_PER_CHUNK } from '../format/layout.js';
import { decodeChunk, type MapChunk } from '../format/maps.js';
import type { FileId, Version } from '../types.js';
import { goneByChunks, goneByCommits, type IsGone } from './gone.js';
import { type Checkpoint, type Rebuilt, rebuild, writeRebuilt } from './rebuild.js';
import { type Evidence, numberIn, scan } from './scan.js';
import { algorithmOf } from './source.js';

/** Rebuilds the map of a file. False if that cannot be done without loss. */
export async function repairMap(connection: Connection, file: FileRecord): Promise<boolean> {
  const evidence = await scan(connection, file);
  const chunks = intactChunks(evidence);
  const checkpoint = checkpointOf(evidence, chunks);
  if (!checkpoint) return false;
  const rebuilt = await rebuild(connection, checkpoint);
  if (!agrees(chunks, checkpoint, rebuilt)) return false;
  await writeRebuilt(connection, checkpoint, rebuilt);
  return true;
}

/** The last checkpoint's commit, if every commit record from it up to the marker is intact. */
function checkpointOf(evidence: Evidence, chunks: readonly MapChunk[]): Checkpoint | undefined {
  const { file } = evidence;
  const commits: CommitRecord[] = [];
  for (const { key, value } of evidence.commits) {
    const decoded = decodeCommit(value, { file: file.file, version: numberIn(key) as Version });
    if (!decoded.ok) return undefined;
    commits.push(decoded.value);
  }
  const marker = commits.at(-1);
  const from = commits.findIndex(({ version }) => version === marker?.directoryVersion);
  const commit = commits[from];
  if (!marker || !commit) return undefined;
  if (commits.length - from !== marker.version - commit.version + 1) return undefined;
  const byCommits = goneByCommits(commits.slice(0, from + 1), commit.blockSize);
  const byChunks = goneByChunks(chunks, commit.blockSize);
  const isGone: IsGone = (block, at) => byCommits(block, at) || byChunks(block, at);
  return { file, commit, isGone };
}

function intactChunks({ file, chunks }: Evidence): MapChunk[] {
  return chunks.flatMap(({ key, value }) => {
    const decoded = decodeChunk(value, { file: file.file, chunk: numberIn(key) });
    return decoded.ok ? [decoded.value] : [];
  });
}

/** Whether every intact chunk lists what was rebuilt: if not, a segment is missing as well. */
function agrees(chunks: readonly MapChunk[], { isGone }: Checkpoint, { map }: Rebuilt): boolean {
  for (const { chunk, columns, blockSize } of chunks) {
    // A stale chunk, and one of another block size, say nothing about now.
    if (blockSize !== map.blockSize) continue;
    for (const [i, listed] of columns.versions.entries()) {
      const block = chunk * BLOCKS_PER_CHUNK + i;
      if (listed > map.versionOf(block) && !isGone(block, listed)) return false;
    }
  }
  return true;
}

/** Writes the record of a file whose commits are there. Undefined if it cannot be told. */
export async function repairFileRecord(
  connection: Connection,
  path: string,
  file: FileId,
): Promise<FileRecord | undefined> {
  const values = await connection.read(['commits'], (r) =>
    result(r.getAll('commits', everythingOf(file))),
  );
  const [first] = values.flatMap((value) => {
    const decoded = decodeCommit(value, { file });
    return decoded.ok ? [decoded.value] : [];
  });
  const algorithm = await algorithmOf(connection, file);
  if (!first || !algorithm) return undefined;
  const record: FileRecord = { path, file, algorithm, born: true, createdMs: first.timeMs };
  await connection.write(['files'], 'strict', (r) => {
    r.put('files', path, encodeFile(record));
    r.tx.commit();
  });
  return record;
}
