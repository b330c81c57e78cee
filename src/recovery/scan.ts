/** Reads the evidence of one file: step one of recovery (docs/RECOVERY.md §2). Writes nothing. */
import { type Connection, type Requests, result } from '../blockstore/connection.js';
import type { FileRecord } from '../format/files.js';
import { chunksBetween, commitsFrom, directoryKey, segmentsAbove } from '../format/keys.js';
import { BLOCKS_PER_CHUNK } from '../format/layout.js';
import type { FileId, Version } from '../types.js';

/** Map chunks asked for by one `getAll`: 1 MiB of records. */
const CHUNKS_PER_REQUEST = 64;
const CHUNK_MAX = Math.ceil(2 ** 32 / BLOCKS_PER_CHUNK);

/** A file's records as the store had them at one moment. */
export interface Evidence {
  readonly volume: string;
  readonly file: FileRecord;
  /** All commit records, oldest first. */
  readonly commits: readonly StoredRecord[];
  readonly directory: unknown;
  readonly chunks: readonly unknown[];
  /** First key above the greatest commit record, if any. */
  readonly above: IDBValidKey | undefined;
}

export interface StoredRecord {
  readonly key: IDBValidKey;
  readonly value: unknown;
}

export async function scan(connection: Connection, file: FileRecord): Promise<Evidence> {
  const id = file.file;
  return await connection.read(['commits', 'maps', 'segments'], async (r) => {
    const all = commitsFrom(id, 0 as Version);
    const [keys, values, directory, chunks] = await Promise.all([
      result(r.getAllKeys('commits', all)),
      result(r.getAll('commits', all)),
      result(r.get('maps', directoryKey(id))),
      readChunks(r, id),
    ]);
    const marker = markerVersion(keys);
    const above = await result(r.getKey('segments', segmentsAbove(id, marker)));
    const commits = keys.map((key, i) => ({ key, value: values[i] }));
    return { volume: connection.name, file, commits, directory, chunks, above };
  });
}

function markerVersion(keys: readonly IDBValidKey[]): Version {
  const last = keys.at(-1);
  return (Array.isArray(last) && typeof last[1] === 'number' ? last[1] : 0) as Version;
}

async function readChunks(r: Requests, id: FileId): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for (let from = 0; ; ) {
    const page = await result(
      r.getAll('maps', chunksBetween(id, from, CHUNK_MAX), CHUNKS_PER_REQUEST),
    );
    chunks.push(...page);
    if (page.length < CHUNKS_PER_REQUEST) return chunks;
    from = chunkNumber(page.at(-1)) + 1;
  }
}

/** The number in a stored chunk, unverified: it only says where the next request starts. */
function chunkNumber(value: unknown): number {
  if (!(value instanceof ArrayBuffer) || value.byteLength < 24) return CHUNK_MAX;
  return new DataView(value).getUint32(20, true);
}
