/**
 * A main database as one connection of a client thread has it open: its locks, its copies of blocks,
 * and what it wrote. The storage worker has the same file as a DatabaseFile.
 *
 *   I4  The commit point returns when the commit has the durability asked for, or throws. A deferred one
 *       has it when it is sent, if there is room for it and nothing was lost (backlog.ts).
 *   I5  After a failed or discarded sqliteTx no block of it is left, and the shape is the one before.
 *   I7  A copy is used only under a lock: it is then of the snapshot, or of what this sqliteTx wrote.
 *   I9  Copies are bounded by the VFS's cache; the storage worker has whatever is not kept here.
 *
 *   none ──lock: lease, or request──▶ shared ──lock──▶ writing ──commit──▶ writing ──unlock──▶ …
 */
import { equalBytes } from '../../blockstore/bytes.js';
import type { FileSegments, SegmentCache } from '../../blockstore/cache.js';
import { InvariantError } from '../../errors.js';
import * as rc from '../../result-codes.js';
import { type Durability, isBlockSize } from '../../types.js';
import type { SyncFile } from '../methods-sync.js';
import { failCacheCheck, isCacheCheck } from '../page-cache.js';
import { ConnectionPragmas } from '../pragmas.js';
import type { SnapshotPages } from '../snapshot-pages.js';
import type { Backlog } from './backlog.js';
import type { ChannelClient } from './client.js';
import { ClientLease } from './lease.js';
import { type PlainError, revivedError } from './plain-error.js';
import type { FileShape, Reply, ReplyOf, Request } from './protocol.js';

/** What every file of a client needs of it. */
export interface ClientFileEnv {
  readonly channel: ChannelClient;
  readonly backlog: Backlog;
  readonly cache: SegmentCache;
  readonly durability: Durability | 'pragma';
  /** Bytes that a sqliteTx may write before its commit is always waited for. */
  readonly spillBytes: number;
  readonly counters: { cacheHits: number };
  /** The image of `page` if SQLite has just read it from the rollback journal. */
  playedBack(path: string, page: number): Uint8Array | undefined;
  /** The file's sqliteTx is over: nobody is to play back what is left of its rollback journal. */
  expireJournal(path: string): void;
  /** The wasm memory as it is now. */
  heap(): Uint8Array<ArrayBuffer>;
}

export interface ClientFileDeps extends ClientFileEnv {
  readonly id: number;
  readonly path: string;
}

export class ClientFile implements SyncFile {
  readonly path: string;
  readonly pragmas: ConnectionPragmas = new ConnectionPragmas();
  readonly #deps: ClientFileDeps;
  readonly #lease: ClientLease | undefined;
  readonly #blocks: FileSegments = new Map();
  /** Blocks that this sqliteTx wrote. */
  readonly #dirty: Set<number> = new Set();
  #level: number = rc.SQLITE_LOCK_NONE;
  /** What the storage worker has granted, where no lease does. */
  #granted: number = rc.SQLITE_LOCK_NONE;
  #shape: FileShape;
  /** The shape of the newest version that this connection knows. */
  #committed: FileShape;
  /** Something was sent since the last commit, and how many bytes. */
  #wrote = false;
  #writtenBytes = 0;
  /** SQLite's page cache may hold pages of versions that were lost: make it drop them. */
  #distrusted = false;
  /** Its sqliteTx stands on a version that was lost: what SQLite plays back is none of the file's. */
  #isOnLost = false;
  /** Losses that this connection cannot have built on. */
  #lossesSeen: number;
  #pages: SnapshotPages | undefined;

  constructor(deps: ClientFileDeps, { shape, lease }: ReplyOf<'opened'>) {
    this.path = deps.path;
    this.#deps = deps;
    this.#shape = shape;
    this.#committed = shape;
    this.#lossesSeen = deps.backlog.losses;
    this.#lease = lease === undefined ? undefined : new ClientLease(deps.channel.words, lease);
  }

  /** Bytes of the file as this connection sees it. */
  get size(): number {
    return this.#shape.fileBytes;
  }

  get holdsReserved(): boolean {
    return this.#level >= rc.SQLITE_LOCK_RESERVED;
  }

  get #durability(): Durability {
    const { durability } = this.#deps;
    return durability === 'pragma' ? this.pragmas.durability : durability;
  }

  read(address: number, length: number, offset: number): number {
    const heap = this.#deps.heap();
    if (this.#distrusted && isCacheCheck(length, offset)) {
      this.#distrusted = false;
      return failCacheCheck(heap, address);
    }
    const { blockSize, fileBytes } = this.#shape;
    const available = Math.max(0, Math.min(length, fileBytes - offset));
    for (let at = 0; at < available; ) {
      const block = Math.floor((offset + at) / blockSize);
      const from = offset + at - block * blockSize;
      const count = Math.min(blockSize - from, available - at);
      const bytes = this.#block(block);
      heap.set(count === blockSize ? bytes : bytes.subarray(from, from + count), address + at);
      at += count;
    }
    if (available === length) return rc.SQLITE_OK;
    heap.fill(0, address + available, address + length);
    return rc.SQLITE_IOERR_SHORT_READ;
  }

  #block(block: number): Uint8Array {
    if (this.#level === rc.SQLITE_LOCK_NONE && !this.#lease?.granted) {
      // SQLite reads the header before it takes a lock, when it opens a database.
      return this.#fetch(block, { keep: false });
    }
    const cached = this.#blocks.get(block);
    if (!cached) return this.#fetch(block, { keep: true });
    cached.hot = true;
    this.#deps.counters.cacheHits++;
    return cached.bytes;
  }

  #fetch(block: number, { keep }: { readonly keep: boolean }): Uint8Array {
    const { id } = this.#deps;
    const reply = this.#call({ op: 'read', id, block, snapshot: false }, 'blocks');
    const { blockSize } = this.#shape;
    let wanted: Uint8Array<ArrayBuffer> | undefined;
    for (const { block: number, bytes } of reply.blocks) {
      const isWanted = number === block;
      // What is here already may be newer: this sqliteTx wrote it.
      if (!isWanted && (!keep || this.#blocks.has(number))) continue;
      const copy = new Uint8Array(blockSize);
      if (bytes) copy.set(bytes);
      if (keep) this.#deps.cache.insert(this.#blocks, number, copy, { slots: 0 });
      if (isWanted) wanted = copy;
    }
    if (!wanted) throw new InvariantError(`a reply to read has block ${block}`);
    return wanted;
  }

  /** Copies `source` in, and on to the storage worker. */
  write(source: Uint8Array, offset: number): void {
    const { channel, id, cache } = this.#deps;
    const { length } = source;
    const { blockSize } = this.#shape;
    const playedBack = this.#isPlayedBack(source, offset);
    channel.send({ op: 'write', id, offset, playedBack, bytes: source });
    this.#wrote = true;
    this.#writtenBytes += length;
    if (length === blockSize && offset % blockSize === 0) {
      const block = offset / blockSize;
      const cached = this.#blocks.get(block);
      if (cached) cached.bytes.set(source);
      else cache.insert(this.#blocks, block, new Uint8Array(source), { slots: 0 });
      this.#dirty.add(block);
    } else if (isBlockSize(length) && offset % length === 0) {
      this.#forgetAll();
      this.#shape = { ...this.#shape, blockSize: length };
    } else {
      const last = Math.floor((offset + length - 1) / blockSize);
      for (let block = Math.floor(offset / blockSize); block <= last; block++) {
        this.#dirty.add(block);
        cache.remove(this.#blocks, block);
      }
    }
    if (offset + length > this.#shape.fileBytes) {
      this.#shape = { ...this.#shape, fileBytes: offset + length };
    }
  }

  #isPlayedBack(source: Uint8Array, offset: number): boolean {
    const image = this.#deps.playedBack(this.path, offset / source.length + 1);
    return image !== undefined && equalBytes(source, image);
  }

  truncate(fileBytes: number): void {
    const { channel, id } = this.#deps;
    channel.send({ op: 'truncate', id, fileBytes });
    this.#wrote = true;
    this.#forgetFrom(Math.ceil(fileBytes / this.#shape.blockSize));
    this.#shape = { ...this.#shape, fileBytes };
  }

  lock(level: number): number {
    if (level <= this.#level) return rc.SQLITE_OK;
    const mayTake = this.#level > rc.SQLITE_LOCK_NONE || this.#deps.channel.isFresh;
    const isTaken = mayTake && this.#lease?.take(level);
    if (!isTaken && level > this.#granted) this.#lockByRequest(level);
    this.#level = level;
    return rc.SQLITE_OK;
  }

  #lockByRequest(level: number): void {
    const { id } = this.#deps;
    const { busyTimeoutMs, exclusive } = this.pragmas;
    const writes = this.#level === rc.SQLITE_LOCK_NONE && this.pragmas.beginsToWrite();
    const request = { op: 'lock', id, level, busyTimeoutMs, exclusive, writes } as const;
    const { level: granted, shape, changed } = this.#call(request, 'locked');
    this.#granted = granted;
    if (this.#level === rc.SQLITE_LOCK_NONE) {
      if (changed === undefined || shape.blockSize !== this.#shape.blockSize) this.#distrust();
      else for (const block of changed) this.#deps.cache.remove(this.#blocks, block);
      this.#shape = shape;
      this.#committed = shape;
      this.#forgetFrom(Math.ceil(shape.fileBytes / shape.blockSize));
    }
  }

  unlock(level: number): void {
    if (level >= this.#level) return;
    if (this.holdsReserved && level < rc.SQLITE_LOCK_RESERVED) {
      this.discard();
      this.#deps.expireJournal(this.path);
    }
    if (this.#isOnLost && level === rc.SQLITE_LOCK_NONE) {
      this.#isOnLost = false;
      this.#distrust();
    }
    this.#level = level;
    this.#granted = level;
    if (this.#lease?.give(level)) return;
    const { channel, id } = this.#deps;
    channel.send({ op: 'unlock', id, level });
  }

  /** The commit point. `group`: the super-journal whose deletion commits, or ''. */
  commit(group: string): void {
    if (!this.#wrote) return;
    const { id, backlog } = this.#deps;
    const durability = this.#durability;
    const { losses } = backlog;
    const waits = durability !== 'deferred' || group !== '' || !this.#mayRunAhead(losses);
    try {
      this.#call({ op: 'commit', id, durability, group, waits }, 'done');
    } catch (cause) {
      this.#undo();
      throw cause;
    } finally {
      if (waits) this.#lossesSeen = losses;
      else backlog.add(this.#writtenBytes);
    }
    if (group === '') this.committed();
  }

  /** The super-journal could not be deleted: nobody says which of its files stood on what was lost. */
  groupFailed(): void {
    this.#undo();
    this.#standsOnLost();
  }

  /** Whether a deferred commit is not waited for: not if what was sent ahead may have failed. */
  #mayRunAhead(losses: number): boolean {
    const { backlog, spillBytes } = this.#deps;
    return losses === this.#lossesSeen && this.#writtenBytes < spillBytes && backlog.hasRoom;
  }

  /** What was written is the newest version now. */
  committed(): void {
    this.#dirty.clear();
    this.#wrote = false;
    this.#writtenBytes = 0;
    this.#pages = undefined;
    this.#committed = this.#shape;
  }

  /** Forgets what was written since the last commit. */
  discard(): void {
    if (!this.#wrote) return;
    const { channel, id } = this.#deps;
    this.#undo();
    channel.send({ op: 'discard', id });
  }

  #undo(): void {
    const { cache } = this.#deps;
    if (this.#shape.blockSize !== this.#committed.blockSize) this.#forgetAll();
    for (const block of this.#dirty) cache.remove(this.#blocks, block);
    this.#dirty.clear();
    this.#wrote = false;
    this.#writtenBytes = 0;
    this.#pages = undefined;
    this.#shape = this.#committed;
  }

  claim(): void {
    this.#call({ op: 'claim', id: this.#deps.id }, 'done');
  }

  /** The pages of the snapshot, as a rollback journal compares them. */
  snapshotPages(): SnapshotPages {
    if (this.#pages) return this.#pages;
    const pages: SnapshotPages = {
      pageBytes: this.#committed.blockSize,
      isCurrent: () => this.#pages === pages,
      peek: (page) => this.#original(page - 1),
      load: (page) => Promise.resolve(this.#original(page - 1)),
    };
    this.#pages = pages;
    return pages;
  }

  /** A block as it was before this sqliteTx wrote. */
  #original(block: number): Uint8Array | null {
    const { blockSize, fileBytes } = this.#committed;
    if (block * blockSize >= fileBytes) return null;
    const isAsItWas = this.#shape.blockSize === blockSize && !this.#dirty.has(block);
    if (isAsItWas) return this.#block(block);
    const { id } = this.#deps;
    const reply = this.#call({ op: 'read', id, block, snapshot: true }, 'blocks');
    return reply.blocks[0]?.bytes?.slice() ?? null;
  }

  /** @throws what the storage worker failed with */
  #call<T extends Reply['tag']>(request: Request, tag: T): ReplyOf<T> {
    const reply = this.#deps.channel.call(request);
    if (reply.tag === 'failed' && reply.lost) this.#standsOnLost();
    return expect(reply, tag);
  }

  /** What is in memory of the file is of versions that were lost, until the lock is let go of. */
  #standsOnLost(): void {
    this.#isOnLost = this.#level > rc.SQLITE_LOCK_NONE;
    this.#distrust();
  }

  #distrust(): void {
    this.#distrusted = true;
    this.#forgetAll();
  }

  #forgetAll(): void {
    this.#deps.cache.clear(this.#blocks);
  }

  #forgetFrom(end: number): void {
    const { cache } = this.#deps;
    for (const block of [...this.#blocks.keys()]) {
      if (block >= end) cache.remove(this.#blocks, block);
    }
  }

  close(): void {
    const { channel, id } = this.#deps;
    this.#forgetAll();
    channel.call({ op: 'close', id });
  }
}

/** @throws what the storage worker failed with */
export function expect<T extends Reply['tag']>(reply: Reply, tag: T): ReplyOf<T> {
  if (reply.tag === 'failed') throw revivedError(JSON.parse(reply.json) as PlainError);
  if (reply.tag !== tag) throw new InvariantError(`a reply "${tag}", not "${reply.tag}"`);
  return reply as ReplyOf<T>;
}
