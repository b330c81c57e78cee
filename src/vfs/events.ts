/** Events of a VFS, typed. */
import type { BlockFile } from '../blockstore/file.js';
import type { News } from '../blockstore/told.js';
import type { Flush } from '../blockstore/write-behind.js';
import {
  type BlockStoreError,
  CorruptionError,
  fromDomException,
  type RecordLocation,
} from '../errors.js';
import { HOLE } from '../format/commit.js';
import type { Durability } from '../types.js';
import { ErrorCounts } from './error-counts.js';
import type { QuotaWarning } from './quota.js';
import type { SyncEnd, SyncStart } from './syncs.js';
import type { WriterChange } from './writer-role.js';

/** What opening a file found, and what it did about it. */
export interface RecoveryReport {
  /** The database. */
  readonly path: string;
  /** Version the file is open at; 0 for an empty file. */
  readonly version: number;
  /** Commit records replayed on top of the last checkpoint. */
  readonly replayedCommits: number;
  /** Something lay above the marker: a sqliteTx that never committed. */
  readonly foundAbove: boolean;
  /** It was deleted; false if another context may still be writing it. */
  readonly deletedAbove: boolean;
  /**
   * Set if the newest commit records are damaged or lost: the content is that of version `to`, and
   * the commits after it, up to `from`, are lost to SQLite. The next commit makes that final; until
   * then the store is as it was found.
   */
  readonly fellBack:
    | {
        /** The newest version that is lost. */
        readonly from: number;
        /** The version it is open at. */
        readonly to: number;
      }
    | undefined;
  /** What is wrong with the records of the versions that were lost. */
  readonly defects: readonly Error[];
  /** Milliseconds that opening took. */
  readonly durationMs: number;
}

/** A commit, or several of other contexts that could not be told one by one. */
export interface CommitEvent {
  /** The database. */
  readonly path: string;
  /** Version of the file now. */
  readonly version: number;
  /** Version before: `version − 1`, unless this tells of several commits. */
  readonly after: number;
  /** It was made through this VFS, or with the shared engine through its storage worker. */
  readonly own: boolean;
  /**
   * Numbers of the pages that were written, from 1, in no order; some may be as they were, written
   * anew to compact the file. Undefined if any page may have changed: the commit wrote more than
   * 2,048 pages, cut the file, or was read with others.
   */
  readonly pages: readonly number[] | undefined;
  /**
   * Bytes of a page as they are counted here. The commit of a VACUUM that changes the page size counts
   * in the old one.
   */
  readonly pageBytes: number | undefined;
  /** How many pages were written, if that is known. */
  readonly blocks: number | undefined;
  /** Milliseconds from the commit point to `complete`; undefined if it is not an own one. */
  readonly durationMs: number | undefined;
}

/** What the `detail` of each event tells, by the event's type. */
export interface VFSEventMap {
  /**
   * A commit is complete in IndexedDB: of this context, or of another one, as soon as this one knows.
   * Each is told once, in the order of versions, when what is read from then on is that version.
   */
  commit: CommitEvent;
  /** A file was opened and its state recovered. */
  recovery: RecoveryReport;
  /** A mirror brings a file into memory. */
  progress: {
    /** The database. */
    readonly path: string;
    /** Bytes of segments that are in memory. */
    readonly loadedBytes: number;
    /** As the block map promises; it grows if superseded blocks come along. */
    readonly totalBytes: number;
  };
  /**
   * A VFS method answered with an error code: the error behind it. Also each defect that made a file
   * open at an older version.
   */
  error: {
    /** The database, if it concerns one. */
    readonly path: string | undefined;
    /** What went wrong. */
    readonly error: BlockStoreError;
  };
  /**
   * A record that was needed is damaged or lost, and nothing of it was served; the same as an `error` event
   * tells of. What `verify` and `salvage` find they report themselves.
   */
  corruption: {
    /** The database, if it concerns one. */
    readonly path: string | undefined;
    /** The record. */
    readonly location: RecordLocation;
    /** What is wrong with it. */
    readonly error: CorruptionError;
  };
  /**
   * The origin's storage is used up to the option `quotaWarningRatio`: told once, and again when usage was below
   * it meanwhile.
   */
  quota: QuotaWarning;
  /** Commits that were acknowledged before are complete in IndexedDB; they shared one idbTx. */
  flush: Flush;
  /**
   * As many deferred commits wait as may, so that the next one waits too; then, with `waits` false,
   * it goes on.
   */
  backpressure: {
    /** True if the next commit waits. */
    readonly waits: boolean;
    /** Bytes of the segments of these commits. */
    readonly bytes: number;
    /** Commits that are acknowledged and not complete. */
    readonly commits: number;
  };
  /**
   * Commits go to IndexedDB, in one idbTx, whatever their durability. With `syncend` it is what an app shows as
   * "saving", "saved" and "not saved".
   */
  syncstart: SyncStart;
  /** That idbTx is over; behind the `commit` events of what it has saved. */
  syncend: SyncEnd;
  /** Acknowledged commits of deferred durability did not land. */
  loss: {
    /** The databases. */
    readonly paths: readonly string[];
    /** Why. */
    readonly error: Error;
  };
  /** The IndexedDB connection went away; the next request opens a new one. */
  connectionlost: {
    /** For people. */
    readonly why: string;
  };
  /** There is a new connection in the place of a lost one. */
  connectionhealed: {
    /** How often this VFS's connection was opened anew so far. */
    readonly reopens: number;
  };
  /** This context got the writer role of a file, or lost it. */
  writerchange: {
    /** The database. */
    readonly path: string;
    /** True if it has it now. */
    readonly held: boolean;
    /** How that came. */
    readonly why: WriterChange;
  };
}

/** A type that `addEventListener` of a VFS takes. */
export type VFSEventType = keyof VFSEventMap;

/** A listener to events of one type. */
export type VFSListener<K extends VFSEventType> = (event: CustomEvent<VFSEventMap[K]>) => void;

export function commitEvent(path: string, { listed, ownMs, ...news }: News): CommitEvent {
  const { version, after, blockCount: blocks } = news;
  const pages = listed?.entries && pagesOf(listed.entries.blocks);
  const own = ownMs !== undefined;
  const pageBytes = listed?.blockSize;
  return { path, version, after, own, pages, pageBytes, blocks, durationMs: ownMs };
}

function pagesOf(blocks: Uint32Array): number[] {
  const pages: number[] = [];
  for (const block of blocks) if (block !== HOLE) pages.push(block + 1);
  return pages;
}

/** The report on a file that was just opened. */
export function recoveryReport(
  { path, recovery, fellBack, state }: BlockFile,
  more: Pick<RecoveryReport, 'deletedAbove' | 'durationMs'>,
): RecoveryReport {
  return {
    path,
    version: state.map.version,
    replayedCommits: recovery?.replayedCommits ?? 0,
    foundAbove: recovery?.pendingAbove ?? false,
    fellBack: fellBack && { from: fellBack.from, to: fellBack.marker.version },
    defects: fellBack?.defects ?? [],
    ...more,
  };
}

/** Which engine and durability a VFS runs with. */
export interface EngineInfo {
  /** The class of the VFS. */
  readonly engine: 'IDBBlockVFS' | 'IDBBlockSharedVFS' | 'IDBBlockMirrorVFS';
  /** The option `durability`. */
  readonly durability: Durability | 'pragma';
}

/** A typed EventTarget. Building an event costs nothing while nobody listens. */
export class Emitter {
  /** What `emitError` told of, whether anybody listened or not. */
  readonly errors: ErrorCounts = new ErrorCounts();
  /** Called when somebody begins to listen. */
  onlisten: ((type: VFSEventType) => void) | undefined;
  readonly #target: EventTarget = new EventTarget();
  readonly #listeners: Map<VFSEventType, Set<unknown>> = new Map();

  addEventListener<K extends VFSEventType>(
    type: K,
    listener: VFSListener<K>,
    options?: AddEventListenerOptions,
  ): void {
    if (options?.signal?.aborted) return;
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    const forget = () => listeners.delete(listener);
    options?.signal?.addEventListener('abort', forget);
    if (options?.once) this.#target.addEventListener(type, forget, options);
    this.#target.addEventListener(type, listener as EventListener, options);
    this.onlisten?.(type);
  }

  removeEventListener<K extends VFSEventType>(type: K, listener: VFSListener<K>): void {
    this.#listeners.get(type)?.delete(listener);
    this.#target.removeEventListener(type, listener as EventListener);
  }

  /** True if somebody listens. */
  hears(type: VFSEventType): boolean {
    return (this.#listeners.get(type)?.size ?? 0) > 0;
  }

  emit<K extends VFSEventType>(type: K, detail: () => VFSEventMap[K]): void {
    if (!this.hears(type)) return;
    this.#target.dispatchEvent(new CustomEvent(type, { detail: detail() }));
  }
}

/** Tells what a VFS method answered with an error code for. */
export function emitError(
  emitter: Emitter,
  cause: unknown,
  at: { readonly volume: string; readonly path: string | undefined },
): BlockStoreError {
  const error = fromDomException(cause, at.volume, 'a VFS method');
  emitter.errors.add(error.code, performance.now());
  emitter.emit('error', () => ({ path: at.path, error }));
  if (error instanceof CorruptionError) {
    const { location } = error;
    emitter.emit('corruption', () => ({ path: at.path, location, error }));
  }
  return error;
}
