/** Events of a VFS, typed. */
import type { BlockFile } from '../blockstore/file.js';
import type { Flush } from '../blockstore/write-behind.js';
import { type BlockStoreError, fromDomException } from '../errors.js';
import type { Durability } from '../types.js';
import type { WriterChange } from './writer-role.js';

/** What opening a file found, and what it did about it. */
export interface RecoveryReport {
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
  readonly fellBack: { readonly from: number; readonly to: number } | undefined;
  /** What is wrong with the records of the versions that were lost. */
  readonly defects: readonly Error[];
  readonly durationMs: number;
}

export interface VFSEventMap {
  /** A commit is complete in IndexedDB. */
  commit: {
    readonly path: string;
    readonly version: number;
    readonly blocks: number;
    readonly durationMs: number;
  };
  /** A file was opened and its state recovered. */
  recovery: RecoveryReport;
  /** A mirror brings a file into memory. */
  progress: {
    readonly path: string;
    readonly loadedBytes: number;
    /** As the block map promises; it grows if superseded blocks come along. */
    readonly totalBytes: number;
  };
  /**
   * A VFS method answered with an error code: the error behind it. Also each defect that made a file
   * open at an older version.
   */
  error: { readonly path: string | undefined; readonly error: BlockStoreError };
  /** Commits that were acknowledged before are complete in IndexedDB; they shared one idbTx. */
  flush: Flush;
  /**
   * As many deferred commits wait as may, so that the next one waits too; then, with `waits` false,
   * it goes on.
   */
  backpressure: {
    readonly waits: boolean;
    /** Acknowledged and not complete: commits, and bytes of their segments. */
    readonly bytes: number;
    readonly commits: number;
  };
  /** Acknowledged commits of deferred durability did not land. */
  loss: { readonly paths: readonly string[]; readonly error: Error };
  /** The IndexedDB connection went away; the next request opens a new one. */
  connectionlost: { readonly why: string };
  /** There is a new connection in the place of a lost one. */
  connectionhealed: {
    /** How often this VFS's connection was opened anew so far. */
    readonly reopens: number;
  };
  /** This context got the writer role of a file, or lost it. */
  writerchange: { readonly path: string; readonly held: boolean; readonly why: WriterChange };
}

export type VFSEventType = keyof VFSEventMap;

export type VFSListener<K extends VFSEventType> = (event: CustomEvent<VFSEventMap[K]>) => void;

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
  readonly engine: 'IDBBlockVFS' | 'IDBBlockSharedVFS' | 'IDBBlockMirrorVFS';
  readonly durability: Durability | 'pragma';
}

/** A typed EventTarget. Building an event costs nothing while nobody listens. */
export class Emitter {
  readonly #target: EventTarget = new EventTarget();
  readonly #counts: Map<VFSEventType, number> = new Map();

  addEventListener<K extends VFSEventType>(
    type: K,
    listener: VFSListener<K>,
    options?: AddEventListenerOptions,
  ): void {
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
    this.#target.addEventListener(type, listener as EventListener, options);
  }

  removeEventListener<K extends VFSEventType>(type: K, listener: VFSListener<K>): void {
    this.#target.removeEventListener(type, listener as EventListener);
  }

  emit<K extends VFSEventType>(type: K, detail: () => VFSEventMap[K]): void {
    if (!this.#counts.has(type)) return;
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
  emitter.emit('error', () => ({ path: at.path, error }));
  return error;
}
