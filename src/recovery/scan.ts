/** Reads the evidence of one file: step one of recovery (docs/RECOVERY.md §2). Writes nothing. */
import type { Connection } from '../blockstore/connection.js';
import { type Requests, result } from '../blockstore/requests.js';
import type { FileRecord } from '../format/files.js';
import {
  chunksBetween,
  commitsFrom,
  DIRECTORY_CHUNK,
  SPILL_OWNER_CHUNK,
  segmentsAbove,
} from '../format/keys.js';
import { BLOCKS_PER_CHUNK } from '../format/layout.js';
import { decodeSpillOwner } from '../format/spill-owner.js';
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
  readonly chunks: readonly StoredRecord[];
  /** First key above the greatest commit record, if any. */
  readonly above: IDBValidKey | undefined;
  /** Who says that what lies above is theirs. */
  readonly spillOwner: unknown;
  /** Last key above that nobody says is theirs, if any: a commit wrote it whose record is lost. */
  readonly topUnowned: IDBValidKey | undefined;
}

export interface StoredRecord {
  readonly key: IDBValidKey;
  readonly value: unknown;
}

export async function scan(connection: Connection, file: FileRecord): Promise<Evidence> {
  const id = file.file;
  return await connection.read(['commits', 'maps', 'segments'], async (r) => {
    const all = commitsFrom(id, 0 as Version);
    const [keys, values, maps] = await Promise.all([
      result(r.getAllKeys('commits', all)),
      result(r.getAll('commits', all)),
      readMaps(r, id),
    ]);
    const marker = markerVersion(keys);
    const above = await result(r.getKey('segments', segmentsAbove(id, marker)));
    const commits = keys.map((key, i) => ({ key, value: values[i] }));
    const stored = (chunk: number) => maps.find(({ key }) => numberIn(key) === chunk)?.value;
    const directory = stored(DIRECTORY_CHUNK);
    const spillOwner = stored(SPILL_OWNER_CHUNK);
    const topUnowned = await lastUnowned(r, { file: id, marker, above, spillOwner });
    const chunks = maps.filter(({ key }) => numberIn(key) >= 0);
    const volume = connection.name;
    return { volume, file, commits, directory, chunks, above, spillOwner, topUnowned };
  });
}

/** A spill owner owns the segments of one version; those below it were committed. */
async function lastUnowned(
  r: Requests,
  at: Pick<Evidence, 'above' | 'spillOwner'> & { readonly file: FileId; readonly marker: Version },
): Promise<IDBValidKey | undefined> {
  const { file, marker, above, spillOwner } = at;
  if (above === undefined) return undefined;
  const owner = decodeSpillOwner(spillOwner, file);
  let end = Number.POSITIVE_INFINITY;
  // A damaged owner may own anything.
  if (spillOwner !== undefined) end = owner.ok ? owner.value.version - 1 : 0;
  if (numberIn(above) > end) return undefined;
  const [lower] = segmentsAbove(file, marker);
  return (await result(r.getAllKeys('segments', [lower, [file, end, []]]))).at(-1);
}

function markerVersion(keys: readonly IDBValidKey[]): Version {
  const last = keys.at(-1);
  return (last === undefined ? 0 : numberIn(last)) as Version;
}

/** Spill owner, directory and map chunks, each with its key: a misplaced one is found out by it. */
async function readMaps(r: Requests, id: FileId): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let from: number = SPILL_OWNER_CHUNK; ; ) {
    const bounds = chunksBetween(id, from, CHUNK_MAX);
    const [keys, values] = await Promise.all([
      result(r.getAllKeys('maps', bounds, CHUNKS_PER_REQUEST)),
      result(r.getAll('maps', bounds, CHUNKS_PER_REQUEST)),
    ]);
    for (const [i, key] of keys.entries()) records.push({ key, value: values[i] });
    const last = keys.at(-1);
    if (last === undefined || keys.length < CHUNKS_PER_REQUEST) return records;
    from = numberIn(last) + 1;
  }
}

/** The second part of a key: a version or the number of a chunk. */
export function numberIn(key: IDBValidKey): number {
  return Array.isArray(key) && typeof key[1] === 'number' ? key[1] : 0;
}
