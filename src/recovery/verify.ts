/**
 * Reads everything of a file and reports each defect; deletes, if asked, what nothing lists.
 *
 *   I7  Every live block is checked against its checksum, and its segment's trailer against the map.
 *   I8  Only what is certainly nobody's is deleted, under the writer lock.
 *   I9  At most SEGMENTS_PER_BATCH segments are in memory at a time.
 */
import type { Connection } from '../blockstore/connection.js';
import { refusalError } from '../blockstore/evidence.js';
import type { BlockFile } from '../blockstore/file.js';
import { segmentNumber } from '../blockstore/live.js';
import type { BlockMap } from '../blockstore/map.js';
import { result } from '../blockstore/requests.js';
import { deleteAbove } from '../blockstore/write-commit.js';
import { CorruptionError, FormatVersionError, OptionError } from '../errors.js';
import { blockChecksum } from '../format/checksum.js';
import { decodeFile } from '../format/files.js';
import { commitsFrom, everythingOf, segmentKey } from '../format/keys.js';
import { segmentEntries } from '../format/segment.js';
import type { BlockNumber, FileId, Version } from '../types.js';
import { decide } from './decide.js';
import { type Defect, defectOf } from './defect.js';
import { lostFile } from './recover.js';
import { repairFileRecord, repairMap } from './repair.js';
import { scan } from './scan.js';

const SEGMENTS_PER_BATCH = 16;

/** What `verify` has read, found and repaired. */
export interface VerifyReport {
  /** The database. */
  readonly path: string;
  /** Version that was checked: the newest when `verify` began. */
  readonly version: number;
  /** Its bytes in that version. */
  readonly fileBytes: number;
  /** Blocks, that is pages, that were read and compared with their checksums. */
  readonly blocksChecked: number;
  /** Segments that they lie in. */
  readonly segmentsRead: number;
  /** What is wrong; empty if nothing is. */
  readonly defects: readonly Defect[];
  /** Defects of records that were repaired without loss. */
  readonly repaired: readonly Defect[];
  /** Segments above the marker: a writer's that lives, or orphans. */
  readonly pendingSegments: number;
  /** Segments that neither the map nor the list of those to reclaim names: wasted space. */
  readonly unlistedSegments: number;
  /** Segments that were deleted because nothing names them. */
  readonly deletedSegments: number;
}

interface Segment {
  readonly version: Version;
  readonly part: number;
}

export interface VerifyOptions {
  /** Delete what nothing names. Allowed under the writer lock only, while nobody writes. */
  readonly repair: boolean;
}

/** What a look at the records found, and what was done about it. */
export interface RecordsReport {
  readonly defects: readonly Defect[];
  /** Defects that were repaired without loss. */
  readonly repaired: readonly Defect[];
}

/**
 * Checks the file's records, one by one and against each other; repairs what can be without loss.
 * @throws OptionError if there is no such file.
 */
export async function verifyRecords(
  connection: Connection,
  path: string,
  options: VerifyOptions,
): Promise<RecordsReport> {
  const repaired: Defect[] = [];
  // A file record first, then the map; a third look finds what is left.
  for (let round = 0; ; round++) {
    const { errors, repair } = await lookAtRecords(connection, path);
    const defects = errors.map((cause) => defectOf(cause, connection.name));
    // A newer release's records are its own to repair.
    const isOurs = !errors.some((error) => error instanceof FormatVersionError);
    const mayRepair = options.repair && isOurs && round < 2;
    if (!mayRepair || !(await repair?.())) return { defects, repaired };
    repaired.push(...defects);
  }
}

interface Look {
  readonly errors: readonly unknown[];
  /** Repairs them; false if it cannot. Undefined if there is nothing to be done without loss. */
  readonly repair?: () => Promise<boolean>;
}

async function lookAtRecords(connection: Connection, path: string): Promise<Look> {
  const stored = await connection.read(['files'], (r) => result(r.get('files', path)));
  const decoded = decodeFile(stored, path);
  if (decoded.ok) {
    const file = decoded.value;
    const verdict = decide(await scan(connection, file));
    if (verdict.tag === 'intact') return { errors: [] };
    // What was fallen back over cannot be had again: that is for the next commit to make final.
    if (verdict.tag === 'fallen-back') return { errors: verdict.fellBack.defects };
    return { errors: verdict.defects, repair: () => repairMap(connection, file) };
  }
  const id = await lostFile(connection, path);
  if (stored === undefined && id === undefined) {
    throw new OptionError('path', `there is no database "${path}"`);
  }
  const location = { volume: connection.name, store: 'files', key: path } as const;
  const error =
    stored === undefined
      ? new CorruptionError(location, 'a missing record')
      : refusalError(decoded.refusal, location);
  return {
    errors: [error],
    repair: async () =>
      id !== undefined && (await repairFileRecord(connection, path, id)) !== undefined,
  };
}

/** A report on records alone, of a file that cannot be opened. */
export function recordsOnly(path: string, records: RecordsReport): VerifyReport {
  return { ...emptyReport(path), ...records };
}

/** Reads all of the newest version of a file whose records are in order. */
export async function verifyBlocks(file: BlockFile, options: VerifyOptions): Promise<VerifyReport> {
  if (!file.exclusive) await file.refresh();
  const map = file.pin();
  try {
    if (map.version === 0) return emptyReport(file.path);
    const check = new Check(file, map);
    const { pending, unlisted } = await check.keys();
    await check.segments();
    const found = { file: file.file, marker: map.version, pending, unlisted };
    const deleted = options.repair ? await deleteSegments(file.connection, found) : 0;
    return {
      path: file.path,
      version: map.version,
      fileBytes: map.fileBytes,
      blocksChecked: check.blocksChecked,
      segmentsRead: check.segmentsRead,
      defects: check.defects,
      repaired: [],
      pendingSegments: pending,
      unlistedSegments: unlisted.length,
      deletedSegments: deleted,
    };
  } finally {
    file.unpin(map);
  }
}

class Check {
  readonly defects: Defect[] = [];
  blocksChecked = 0;
  segmentsRead = 0;
  readonly #file: BlockFile;
  readonly #map: BlockMap;
  /** Segment number → its live blocks. */
  readonly #live: Map<number, { readonly segment: Segment; readonly blocks: number[] }>;

  constructor(file: BlockFile, map: BlockMap) {
    this.#file = file;
    this.#map = map;
    this.#live = liveSegments(map);
  }

  /** Compares the keys in the store with what the map and the list to reclaim name. */
  async keys(): Promise<{ pending: number; unlisted: Segment[] }> {
    const { connection, file, state } = this.#file;
    const stored = await connection.read(['segments'], (r) =>
      result(r.getAllKeys('segments', everythingOf(file))),
    );
    const waiting = new Set<number>();
    for (const range of state.live.waiting()) {
      for (let part = range.firstPart; part < range.endPart; part++) {
        waiting.add(segmentNumber(range.version, part));
      }
    }
    let pending = 0;
    const unlisted: Segment[] = [];
    for (const key of stored) {
      const [, version, part] = key as [number, Version, number];
      const number = segmentNumber(version, part);
      if (version > this.#map.version) pending++;
      else if (!this.#live.has(number) && !waiting.has(number)) unlisted.push({ version, part });
    }
    return { pending, unlisted };
  }

  async segments(): Promise<void> {
    const all = [...this.#live.values()];
    for (let at = 0; at < all.length; at += SEGMENTS_PER_BATCH) {
      const batch = all.slice(at, at + SEGMENTS_PER_BATCH);
      const values = await this.#file.connection.read(['segments'], (r) =>
        Promise.all(
          batch.map(({ segment: { version, part } }) =>
            result(r.get('segments', segmentKey(this.#file.file, version, part))),
          ),
        ),
      );
      for (const [i, live] of batch.entries()) this.#check(live.segment, live.blocks, values[i]);
    }
  }

  #check(segment: Segment, blocks: readonly number[], value: unknown): void {
    if (value === undefined) {
      for (const block of blocks) this.#defect(segment, block, 'a missing segment');
      return;
    }
    this.segmentsRead++;
    const stored = value instanceof ArrayBuffer ? value : new ArrayBuffer(0);
    const bytes = new Uint8Array(stored);
    const entries = segmentEntries(stored, this.#map.blockSize);
    for (const block of blocks) {
      this.blocksChecked++;
      const slot = this.#map.slotOf(block) % this.#map.blocksPerSegment;
      const size = this.#map.blockSize;
      const content = bytes.subarray(slot * size, (slot + 1) * size);
      const { file, algorithm } = this.#file;
      const id = { file, block: block as BlockNumber, version: segment.version };
      const expected = this.#map.checksumOf(block);
      const actual = blockChecksum(algorithm, id, content);
      const entry = entries[slot];
      if (content.length !== size) this.#defect(segment, block, 'a truncated segment');
      else if (actual !== expected) {
        this.#defect(segment, block, 'a block whose checksum is wrong', { expected, actual });
      } else if (entry?.block !== block || entry.checksum !== expected) {
        this.#defect(segment, block, `a trailer that does not name block ${block}`);
      }
    }
  }

  #defect(
    { version, part }: Segment,
    block: number,
    what: string,
    checksums?: { expected: number; actual: number },
  ): void {
    const key = segmentKey(this.#file.file, version, part);
    const location = {
      volume: this.#file.connection.name,
      store: 'segments',
      key,
      version,
    } as const;
    const pages = { first: block + 1, last: block + 1 };
    this.defects.push({ pages, error: new CorruptionError(location, what, checksums) });
  }
}

function liveSegments(map: BlockMap): Map<number, { segment: Segment; blocks: number[] }> {
  const live = new Map<number, { segment: Segment; blocks: number[] }>();
  for (let block = 0; block < map.blockCount; block++) {
    const version = map.versionOf(block) as Version;
    if (version === 0) continue;
    const part = Math.floor(map.slotOf(block) / map.blocksPerSegment);
    const number = segmentNumber(version, part);
    const before = live.get(number);
    if (before) before.blocks.push(block);
    else live.set(number, { segment: { version, part }, blocks: [block] });
  }
  return live;
}

/** How many were deleted: all, or none if somebody committed meanwhile. */
async function deleteSegments(
  connection: Connection,
  {
    file,
    marker,
    pending,
    unlisted,
  }: {
    readonly file: FileId;
    readonly marker: Version;
    readonly pending: number;
    readonly unlisted: readonly Segment[];
  },
): Promise<number> {
  const count = pending + unlisted.length;
  if (count === 0) return 0;
  let deleted = 0;
  await connection.write(['segments', 'commits', 'maps'], 'default', (r) => {
    const request = r.count('commits', commitsFrom(file, (marker + 1) as Version));
    request.onsuccess = () => {
      // A commit came in between: what was nobody's then may be its own.
      if (request.result > 0) return;
      deleteAbove(r, file, marker);
      for (const { version, part } of unlisted) {
        const key = segmentKey(file, version, part);
        r.delete('segments', [key, key]);
      }
      deleted = count;
    };
  });
  return deleted;
}

function emptyReport(path: string): VerifyReport {
  return {
    path,
    version: 0,
    fileBytes: 0,
    blocksChecked: 0,
    segmentsRead: 0,
    defects: [],
    repaired: [],
    pendingSegments: 0,
    unlistedSegments: 0,
    deletedSegments: 0,
  };
}
