/**
 * Says what a page is asking of IndexedDB at this moment, so that a test can stop or kill it there.
 *
 * It wraps the methods of the IndexedDB interfaces; the code that is watched knows nothing of it. The
 * listener runs inside the call that it tells of, so a listener that blocks stops the page there.
 *
 *   volume:    upgrading → opened
 *   create:    opened → commit → complete              the idbTx that gives a file its id
 *   spill:     opened → segment … → stored … → complete
 *   commit:    opened → segment … → record → recorded → commit → complete
 *   recovery:  opened → complete                       as commit, while `stage` is 'opening'
 *
 * Any idbTx may end in `aborted` instead of `complete`.
 */

import { SPILL_OWNER_CHUNK } from '../src/format/keys.js';

export type TraceKind = 'volume' | 'create' | 'spill' | 'commit' | 'recovery';

export type TraceMoment =
  | 'upgrading'
  | 'opened'
  /** A segment's `add` was called. */
  | 'segment'
  /** A segment's `add` succeeded. */
  | 'stored'
  /** The commit record's `add` is the next call. */
  | 'record'
  | 'recorded'
  /** `commit()` was called. */
  | 'commit'
  | 'complete'
  | 'aborted';

export type TraceName = `${TraceKind}:${TraceMoment}`;

export interface TracePoint {
  readonly name: TraceName;
  /** How many points of this name there were, this one included, in this era. */
  readonly nth: number;
  /** How many points of any name there were, this one included, since the page began. */
  readonly sequence: number;
  /** The commits whose records were added to this idbTx so far, for each file. */
  readonly commits: readonly CommitRange[];
}

/** Commits of one file that follow each other, by version. */
export interface CommitRange {
  readonly file: number;
  readonly first: number;
  readonly last: number;
}

export type TraceListener = (point: TracePoint) => void;

/** What the watched program is doing: opening a database runs recovery, with the stores of a commit. */
export type TraceStage = 'opening' | 'running';

/** In each era every name is counted from 1. */
export interface TraceEra {
  readonly number: number;
  readonly stage: TraceStage;
}

export class IDBTrace {
  readonly #listener: TraceListener;
  readonly #eraOf: () => TraceEra;
  /** The one that began with `restart`. */
  #own: TraceEra = { number: 0, stage: 'opening' };
  /** Number of the era whose points are counted. */
  #counted = 0;
  readonly #kinds: WeakMap<IDBTransaction, TraceKind> = new WeakMap();
  readonly #commits: WeakMap<IDBTransaction, CommitRange[]> = new WeakMap();
  readonly #counts: Map<TraceName, number> = new Map();
  #sequence = 0;

  /**
   * Wraps the interfaces for the rest of the page's life.
   *
   * @param eraOf the era now. Default: a new one begins with each `restart`.
   */
  constructor(listener: TraceListener, eraOf?: () => TraceEra) {
    this.#listener = listener;
    this.#eraOf = eraOf ?? (() => this.#own);
    this.#watchFactory();
    this.#watchDatabase();
    this.#watchStore();
    this.#watchTransaction();
  }

  /** Counts every name from 1 again. */
  restart(stage: TraceStage): void {
    this.#own = { number: this.#own.number + 1, stage };
  }

  get stage(): TraceStage {
    return this.#eraOf().stage;
  }

  #tell(kind: TraceKind, moment: TraceMoment, idbTx?: IDBTransaction): void {
    const { number: era } = this.#eraOf();
    if (era !== this.#counted) this.#counts.clear();
    this.#counted = era;
    const name: TraceName = `${kind}:${moment}`;
    const nth = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, nth);
    this.#sequence++;
    const commits = [...((idbTx && this.#commits.get(idbTx)) ?? [])];
    this.#listener({ name, nth, sequence: this.#sequence, commits });
  }

  #addCommit(idbTx: IDBTransaction, key: IDBValidKey | undefined): void {
    const [file, version] = key as [file: number, version: number];
    const commits = this.#commits.get(idbTx) ?? [];
    const i = commits.findIndex((range) => range.file === file);
    const first = commits[i]?.first ?? version;
    commits.splice(i < 0 ? commits.length : i, 1, { file, first, last: version });
    this.#commits.set(idbTx, commits);
  }

  #watchFactory(): void {
    const tell = this.#tell.bind(this);
    const { open } = IDBFactory.prototype;
    IDBFactory.prototype.open = function (...args) {
      const request = open.apply(this, args);
      request.addEventListener('upgradeneeded', () => tell('volume', 'upgrading'));
      request.addEventListener('success', () => tell('volume', 'opened'));
      return request;
    };
  }

  #watchDatabase(): void {
    const opened = this.#opened.bind(this);
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (stores, mode, options) {
      const idbTx = transaction.call(this, stores, mode, options);
      if (mode === 'readwrite') opened(idbTx);
      return idbTx;
    };
  }

  #opened(idbTx: IDBTransaction): void {
    const ended = (moment: 'complete' | 'aborted') => {
      const kind = this.#kinds.get(idbTx);
      if (kind) this.#tell(kind, moment, idbTx);
    };
    // Heard before the program's own listeners: it does not know yet what became of the idbTx.
    idbTx.addEventListener('complete', () => ended('complete'));
    idbTx.addEventListener('abort', () => ended('aborted'));
    const kind = this.#kindOf(idbTx.objectStoreNames);
    if (kind) this.#decide(idbTx, kind);
  }

  /** Undefined while the scope does not tell: a first spill and a commit may have the same. */
  #kindOf(stores: DOMStringList): TraceKind | undefined {
    if (stores.contains('commits')) return this.stage === 'opening' ? 'recovery' : undefined;
    if (stores.contains('files')) return 'create';
    return stores.contains('segments') ? 'spill' : undefined;
  }

  /** The first telling call decides what an idbTx is, and opens it as far as the listener knows. */
  #decide(idbTx: IDBTransaction, kind: TraceKind): TraceKind {
    const before = this.#kinds.get(idbTx);
    if (before) return before;
    this.#kinds.set(idbTx, kind);
    this.#tell(kind, 'opened', idbTx);
    return kind;
  }

  #watchStore(): void {
    const decide = this.#decide.bind(this);
    const tell = this.#tell.bind(this);
    const addCommit = this.#addCommit.bind(this);
    const { add, put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (value, key) {
      // Only a spill says whose segments lie above the marker.
      const isOwner = this.name === 'maps' && Array.isArray(key) && key[1] === SPILL_OWNER_CHUNK;
      if (isOwner) decide(this.transaction, 'spill');
      return put.call(this, value, key);
    };
    IDBObjectStore.prototype.add = function (value, key) {
      if (this.name !== 'commits' && this.name !== 'segments') return add.call(this, value, key);
      const { transaction: idbTx } = this;
      const kind = decide(idbTx, 'commit');
      if (this.name === 'commits') tell(kind, 'record', idbTx);
      const request = add.call(this, value, key);
      if (this.name === 'commits') {
        addCommit(idbTx, key);
        tell(kind, 'recorded', idbTx);
      } else {
        request.addEventListener('success', () => tell(kind, 'stored', idbTx));
        tell(kind, 'segment', idbTx);
      }
      return request;
    };
  }

  #watchTransaction(): void {
    const kinds = this.#kinds;
    const tell = this.#tell.bind(this);
    const { commit } = IDBTransaction.prototype;
    IDBTransaction.prototype.commit = function () {
      commit.call(this);
      const kind = kinds.get(this);
      if (kind) tell(kind, 'commit', this);
    };
  }
}
