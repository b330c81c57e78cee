/**
 * Looks through a file's evidence: the state it amounts to, and every defect. Pure and total.
 *
 *   I2  Only commit records make versions; what lies above the greatest one is not looked at.
 *   I7  Every record used is intact, in its place, and agrees with its neighbours.
 */
import { refusalError } from '../blockstore/evidence.js';
import { BlockMap } from '../blockstore/map.js';
import { FileState } from '../blockstore/state.js';
import { CorruptionError, type RecordLocation } from '../errors.js';
import { type CommitRecord, decodeCommit } from '../format/commit.js';
import { commitKey, directoryKey, mapKey, spillOwnerKey } from '../format/keys.js';
import { type Directory, decodeChunk, decodeDirectory } from '../format/maps.js';
import type { Decoded } from '../format/record.js';
import { decodeSpillOwner } from '../format/spill-owner.js';
import type { BlockSize, Version } from '../types.js';
import { type Evidence, numberIn } from './scan.js';

interface Commit {
  readonly record: CommitRecord;
  readonly bytes: number;
}

/** What the evidence amounts to. */
export interface Findings {
  /** Undefined if the defects leave none. */
  readonly state: FileState | undefined;
  readonly marker: CommitRecord | undefined;
  readonly replayedCommits: number;
  readonly commits: readonly CommitRecord[];
  readonly defects: readonly Error[];
}

export function inquire(evidence: Evidence): Findings {
  const inquiry = new Inquiry(evidence);
  const state = inquiry.state();
  const { marker, replayedCommits, commits, defects } = inquiry;
  const sound = defects.length > 0 ? undefined : state;
  return { state: sound, marker, replayedCommits, commits, defects };
}

class Inquiry {
  readonly defects: Error[] = [];
  marker: CommitRecord | undefined;
  replayedCommits = 0;
  commits: readonly CommitRecord[] = [];
  readonly #evidence: Evidence;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  state(): FileState | undefined {
    this.#spillOwner();
    const commits = this.#commits();
    this.commits = commits.map(({ record }) => record);
    const marker = this.commits.at(-1);
    this.marker = marker;
    if (!marker) {
      if (this.defects.length === 0 && this.#evidence.file.born) {
        this.#defect('commits', [this.#evidence.file.file], 'every commit record is missing');
      }
      const at = { version: 0 as Version, blockSize: 4096 as BlockSize, fileBytes: 0 };
      return new FileState(new BlockMap(at));
    }
    const directory = this.#directory(marker);
    const first = marker.directoryVersion;
    const replayed = commits.filter(({ record }) => record.version > first);
    this.#checkContiguous(first, replayed);
    if (this.defects.length > 0) return undefined;
    this.replayedCommits = replayed.length;
    return this.#replay(marker, directory, replayed, commits);
  }

  /** A damaged one is nobody's, like what lies above; a newer release's is not ours to clear away. */
  #spillOwner(): void {
    const { file, spillOwner } = this.#evidence;
    if (spillOwner === undefined) return;
    const decoded = decodeSpillOwner(spillOwner, file.file);
    if (decoded.ok || decoded.refusal.tag !== 'newer') return;
    this.#use(decoded, { store: 'maps', key: spillOwnerKey(file.file) });
  }

  #commits(): Commit[] {
    const commits: Commit[] = [];
    for (const { key, value } of this.#evidence.commits) {
      const version = (Array.isArray(key) ? key[1] : undefined) as Version;
      const decoded = decodeCommit(value, { file: this.#evidence.file.file, version });
      const record = this.#use(decoded, { store: 'commits', key, version });
      if (record && record.path !== this.#evidence.file.path) {
        this.#defect('commits', key, `a commit of "${record.path}"`, version);
      } else if (record) commits.push({ record, bytes: (value as ArrayBuffer).byteLength });
    }
    return commits;
  }

  #directory(marker: CommitRecord): Directory | undefined {
    const { file, directory: stored } = this.#evidence;
    const key = directoryKey(file.file);
    if (marker.directoryVersion === 0 && stored === undefined) return undefined;
    if (stored === undefined) {
      this.#defect('maps', key, 'a missing directory', marker.directoryVersion);
      return undefined;
    }
    const directory = this.#use(decodeDirectory(stored, file.file), { store: 'maps', key });
    if (directory && directory.version > marker.version) {
      // It was written together with the commit record of its version.
      const lost = commitKey(file.file, directory.version);
      this.#defect('commits', lost, 'a missing or damaged commit record', directory.version);
    } else if (directory && directory.version !== marker.directoryVersion) {
      const what = `a directory of version ${directory.version}, expected that of`;
      this.#defect('maps', key, what, marker.directoryVersion);
    }
    return directory;
  }

  #checkContiguous(after: Version, commits: readonly Commit[]): void {
    let expected = after + 1;
    for (const { record } of commits) {
      for (; expected < record.version; expected++) {
        // One that is there and damaged has been named already.
        if (this.#evidence.commits.some(({ key }) => numberIn(key) === expected)) continue;
        this.#defect('commits', [record.file, expected], 'a missing commit record', expected);
      }
      if (!record.entries) {
        this.#defect('maps', directoryKey(record.file), 'a checkpoint missing', record.version);
      }
      expected = record.version + 1;
    }
  }

  #replay(
    marker: CommitRecord,
    directory: Directory | undefined,
    replayed: readonly Commit[],
    all: readonly Commit[],
  ): FileState | undefined {
    const blockSize = directory?.blockSize ?? replayed[0]?.record.blockSize ?? marker.blockSize;
    const version = directory?.version ?? (0 as Version);
    // The directory does not know the file's size; its own commit record, kept with it, does.
    const own = all.find(({ record }) => record.version === version)?.record;
    if (directory && !own) {
      this.#defect('commits', [marker.file, version], 'a missing commit record', version);
      return undefined;
    }
    const map = new BlockMap({ version, blockSize, fileBytes: own?.fileBytes ?? 0 });
    if (!this.#loadChunks(map, directory)) return undefined;
    const state = new FileState(map);
    state.marker = marker.nonce;
    map.forEachBlock((segment, slot) => state.live.retain(segment, slot + 1));
    if (directory) {
      state.live.addWaiting(directory.reclaim);
      state.directory = directory.chunks;
      state.directoryVersion = directory.version;
    }
    for (const { record, bytes } of replayed) {
      if (!record.entries) continue;
      const written = { endPart: record.endPart, recordBytes: bytes };
      state.apply({ ...record, entries: record.entries }, written, false);
    }
    return state;
  }

  #loadChunks(map: BlockMap, directory: Directory | undefined): boolean {
    const { file, chunks } = this.#evidence;
    const wanted = new Map(directory?.chunks);
    for (const { key, value } of chunks) {
      const number = Array.isArray(key) ? Number(key[1]) : Number.NaN;
      const asOf = wanted.get(number);
      const place = {
        store: 'maps',
        key,
        ...(asOf === undefined ? {} : { version: asOf }),
      } as const;
      const chunk = this.#use(decodeChunk(value, { file: file.file, chunk: number }), place);
      if (!chunk) return false;
      if (asOf !== chunk.asOf || chunk.blockSize !== map.blockSize) {
        this.#defect('maps', key, `a map chunk of version ${chunk.asOf}, expected`, asOf);
        return false;
      }
      wanted.delete(chunk.chunk);
      map.chunks[chunk.chunk] = chunk.columns;
    }
    for (const [chunk, asOf] of wanted) {
      this.#defect('maps', mapKey(file.file, chunk), 'a missing map chunk', asOf);
    }
    return wanted.size === 0;
  }

  #use<T>(decoded: Decoded<T>, at: Omit<RecordLocation, 'volume'>): T | undefined {
    if (decoded.ok) return decoded.value;
    this.defects.push(refusalError(decoded.refusal, { volume: this.#evidence.volume, ...at }));
    return undefined;
  }

  #defect(store: RecordLocation['store'], key: IDBValidKey, what: string, version?: number): void {
    const { volume } = this.#evidence;
    const at = version === undefined ? {} : { version };
    this.defects.push(new CorruptionError({ volume, store, key, ...at }, what));
  }
}
