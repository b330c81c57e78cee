/**
 * Acts on one client's requests: its open files, their locks and leases, their writes and commits.
 *
 *   I3  A lease ends with what it was granted on: a request that failed, a connection or a lock lost.
 *   I5  A failed request leaves its file as the asynchronous engine leaves it after a failed method.
 *
 * What goes wrong with a request that nobody answers is kept and told by the file's next answer.
 */
import type { LossesSeen } from '../../blockstore/write-behind.js';
import { assert, type BlockStoreError, fromDomException, InvariantError } from '../../errors.js';
import { DatabaseFile } from '../database-file.js';
import type { VFSEventType } from '../events.js';
import { ConnectionPragmas } from '../pragmas.js';
import type { Thread } from '../shared-file.js';
import { publishLoss, publishRoom } from './backlog.js';
import type { SharedParts } from './layout.js';
import { LeaseSlots, StorageLease } from './lease.js';
import { Lending } from './lending.js';
import { lock, type OpenFile, read, shapeOf } from './open-file.js';
import { plainError, withPlainErrors } from './plain-error.js';
import {
  CHANGED_BLOCKS_MAX,
  isAnswered,
  isWrite,
  type Reply,
  type Request,
  type RequestOf,
} from './protocol.js';
import type { ServedVolume } from './served-volume.js';
import type { RequestHandler } from './server.js';

/** The client as its storage knows it. */
export interface StorageClient {
  /** No other client of the storage worker has it. */
  readonly number: number;
  readonly words: SharedParts['words'];
  /** It wants events of this type. */
  listen(event: VFSEventType): void;
  /** A promise while something that it has sent waits to be acted on; it never rejects. */
  unacted(): Promise<void> | undefined;
}

type Answer = Reply | undefined;

const DONE: Reply = { tag: 'done' };

export class Storage implements RequestHandler {
  readonly #served: ServedVolume;
  readonly #client: StorageClient;
  readonly #files: Map<number, OpenFile> = new Map();
  readonly #slots: LeaseSlots = new LeaseSlots();
  readonly #lending: Lending;
  readonly #ended = new AbortController();
  readonly #thread: Thread = { ended: this.#ended.signal };
  /** The client waits for an answer: what it sent before was acted on, and it sends nothing. */
  #isAwaited = false;
  /** Why an acknowledged commit was lost, for the next who waits for it to be durable. */
  #loss: BlockStoreError | undefined;
  /** Losses of the volume that this client was told of. */
  readonly #seen: LossesSeen;

  constructor(served: ServedVolume, client: StorageClient) {
    this.#served = served;
    this.#client = client;
    this.#seen = { losses: served.host.volume.committer.losses };
    this.#lending = new Lending({
      unacted: () => (this.#isAwaited ? undefined : client.unacted()),
    });
    served.storages.add(this);
    served.publishRoom();
  }

  /** The client is to know how much more it may send ahead. */
  publishRoom(): void {
    publishRoom(this.#client.words, this.#served.room);
  }

  /** The client is to wait for its next commits: acknowledged ones were lost. */
  publishLoss(): void {
    publishLoss(this.#client.words);
  }

  /** I3: a context that stood still may have lost what its leases stand on. */
  paused(ms: number): void {
    if (ms < 0 || ms >= this.#served.host.options.stealAfterMs / 2) this.takeBack();
  }

  get holdsIdbTx(): boolean {
    for (const { database } of this.#files.values()) if (database.isSpilling) return true;
    return false;
  }

  /** What the client has open. */
  *databases(): Generator<DatabaseFile> {
    for (const { database } of this.#files.values()) yield database;
  }

  serve(request: Request): Answer | Promise<Answer> {
    if (!isAnswered(request)) return this.#act(request);
    this.#isAwaited = true;
    const answer = this.#act(request);
    if (answer instanceof Promise) {
      return answer.finally(() => {
        this.#isAwaited = false;
      });
    }
    this.#isAwaited = false;
    return answer;
  }

  #act(request: Request): Answer | Promise<Answer> {
    try {
      const file = 'id' in request ? this.#files.get(request.id) : undefined;
      if (this.#isAwaited) this.#lending.settleAll();
      else if (file && request.op === 'unlock') this.#lending.settle(file);
      if (file && (file.failure || file.hole)) {
        const answer = this.#afterFailure(request, file);
        if (answer) return answer;
        if (isWrite(request)) return undefined;
      }
      const answer = this.#serve(request);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((cause) => this.#fail(request, cause));
    } catch (cause) {
      return this.#fail(request, cause);
    }
  }

  /** I5: nobody was told yet, or the sqliteTx has a hole: what would build on it is not acted on. */
  #afterFailure(request: Request, file: OpenFile): Answer {
    if (request.op === 'close' || request.op === 'unlock' || request.op === 'discard') {
      file.hole = undefined;
      if (!file.lostCommit) file.failure = undefined;
      return undefined;
    }
    if (request.op === 'commit') {
      const cause = file.hole ?? file.failure;
      file.database.discard();
      file.hole = undefined;
      return this.#fail(request, cause);
    }
    if (!isAnswered(request) || !file.failure) return undefined;
    return this.#failed(request, file.failure);
  }

  #fail(request: Request, cause: unknown): Answer {
    const error = fromDomException(cause, this.#volumeName, request.op);
    if (isAnswered(request)) return this.#failed(request, error);
    const file = 'id' in request ? this.#files.get(request.id) : undefined;
    if (!file) return undefined;
    file.failure ??= error;
    if (isWrite(request)) file.hole ??= error;
    if (request.op === 'commit') this.#lose(file, error);
    // The client has to ask before it locks again, and is told then.
    this.#lending.takeBack(file);
    return undefined;
  }

  /** A commit that the client believes in has failed. */
  #lose(file: OpenFile, error: BlockStoreError): void {
    file.lostCommit = true;
    this.#loss ??= error;
    // What the committer has lost it tells itself.
    if (error === file.database.shared.file.lastLoss) return;
    const paths = [file.database.path];
    this.#served.host.emitter.emit('loss', () => ({ error, paths }));
  }

  #failed(request: Request, error: BlockStoreError): Reply {
    const file = 'id' in request ? this.#files.get(request.id) : undefined;
    // I3: the store may have another version now, and the connection go on only after it unlocked.
    if (file) this.#lending.takeBack(file);
    else this.takeBack();
    const { lossCount = 0 } = file?.database.shared.file ?? {};
    const lost = file !== undefined && (file.lossesSeen !== lossCount || file.lostCommit);
    if (file) {
      file.lossesSeen = lossCount;
      file.lostCommit = false;
      file.failure = undefined;
      if (lost) file.seen = undefined;
    }
    return { tag: 'failed', json: JSON.stringify(plainError(error, this.#volumeName)), lost };
  }

  get #volumeName(): string {
    return this.#served.host.options.idbName;
  }

  /** What the client acknowledged is complete. @throws why it is not, once */
  async durable(): Promise<void> {
    const loss = this.#loss;
    this.#loss = undefined;
    await this.#served.host.volume.committer.durable(this.#seen);
    if (loss) throw loss;
  }

  #serve(request: Request): Answer | Promise<Answer> {
    switch (request.op) {
      case 'open':
        return this.#open(request);
      case 'close':
        return this.#close(request.id, this.#fileOf(request));
      case 'lock':
        return this.#lock(this.#fileOf(request), request);
      case 'unlock':
        this.#fileOf(request).database.unlock(request.level);
        return undefined;
      case 'read':
        return read(this.#fileOf(request), request);
      case 'write':
        return this.#write(this.#writerOf(request), request);
      case 'truncate':
        this.#writerOf(request).truncate(request.fileBytes);
        return undefined;
      case 'commit':
        return this.#commit(this.#fileOf(request), request);
      case 'discard':
        this.#databaseOf(request).discard();
        return undefined;
      case 'claim':
        return this.#claim(this.#databaseOf(request));
      case 'commitGroup':
        return this.#commitGroup(request);
      case 'delete':
        return this.#served.host.deleteFile(request.path).then(() => DONE);
      case 'exists':
        return this.#exists(request.path);
      case 'listen':
        this.#client.listen(request.event);
        return undefined;
      case 'stats':
        return { tag: 'stats', json: this.#stats() };
      case 'writer':
        return { tag: 'writer', state: this.#served.writer(request.path) };
    }
  }

  #stats(): string {
    const stats = this.#served.host.stats();
    const openSnapshots = stats.openSnapshots - this.#served.idleSnapshots;
    return JSON.stringify(withPlainErrors({ ...stats, openSnapshots }, this.#volumeName));
  }

  /** Snapshots that stay pinned for a lease, while the client reads nothing. */
  get idleSnapshots(): number {
    let count = 0;
    for (const { lease } of this.#files.values()) if (lease?.isIdle) count++;
    return count;
  }

  /** True if a client could write to the file without asking, and does not. */
  lendsIdly(path: string): boolean {
    for (const { database, lease } of this.#files.values()) {
      if (database.path === path && lease?.granted && !lease.isWriting) return true;
    }
    return false;
  }

  #write(
    database: DatabaseFile,
    { bytes, offset, playedBack }: RequestOf<'write'>,
  ): Promise<undefined> | undefined {
    this.#served.playedBack = playedBack ? bytes : undefined;
    const wait = database.put(bytes, offset);
    this.#served.playedBack = undefined;
    return wait?.then(() => undefined);
  }

  async #exists(path: string): Promise<Answer> {
    const { files, host } = this.#served;
    const exists = files.get(path) !== undefined || (await host.volume.exists(path));
    return { tag: 'exists', exists };
  }

  /** Two clients may choose one name for their super-journals. */
  #groupOf(superJournal: string): string {
    return `${this.#client.number}:${superJournal}`;
  }

  async #claim(database: DatabaseFile): Promise<Answer> {
    database.pragmas.exclusive = true;
    await database.claim();
    return DONE;
  }

  #databaseOf(request: { readonly id: number }): DatabaseFile {
    return this.#fileOf(request).database;
  }

  /** I5: what is written or committed by another than the writer would be part of a sqliteTx. */
  #writerOf(request: { readonly id: number }): DatabaseFile {
    const database = this.#databaseOf(request);
    assert(database.shared.writer === database, `"${database.path}" is written under RESERVED`);
    return database;
  }

  async #open({ id, path, create }: RequestOf<'open'>): Promise<Answer> {
    const shared = await this.#served.files.share(path, create);
    if (!shared) return { tag: 'absent' };
    const slot = this.#slots.take();
    const lease = slot === undefined ? undefined : new StorageLease(this.#client.words, slot);
    const database = new DatabaseFile(shared, new ConnectionPragmas(), this.#thread);
    const file: OpenFile = {
      database,
      slot,
      lease,
      seen: undefined,
      readEnd: -1,
      run: 0,
      lossesSeen: shared.file.lossCount,
      failure: undefined,
      hole: undefined,
      lostCommit: false,
    };
    this.#files.set(id, file);
    await this.#lending.lend(file);
    return { tag: 'opened', shape: shapeOf(database.shown), lease: slot };
  }

  async #lock(file: OpenFile, request: RequestOf<'lock'>): Promise<Answer> {
    const { database } = file;
    const level = await lock(database, request);
    const { state } = database.shared.file;
    const { map } = database.shown;
    const known = file.seen?.state === state ? file.seen.version : undefined;
    const changed = known === undefined ? undefined : state.recent.between(known, map.version);
    file.seen = { state, version: map.version };
    await this.#lending.lend(file, level);
    const isShort = changed !== undefined && changed.length <= CHANGED_BLOCKS_MAX;
    return {
      tag: 'locked',
      level,
      shape: shapeOf(database.shown),
      changed: isShort ? changed : undefined,
    };
  }

  #commit(file: OpenFile, request: RequestOf<'commit'>): Answer | Promise<Answer> {
    const database = this.#writerOf(request);
    database.pragmas.durability = request.durability;
    if (request.group !== '') {
      this.#served.group.join(this.#groupOf(request.group), database);
      return DONE;
    }
    const committing = database.commit();
    if (!(committing instanceof Promise)) return DONE;
    return committing.then(() => {
      this.#served.publishRoom();
      const { state } = database.shared.file;
      file.seen = { state, version: state.map.version };
      return DONE;
    });
  }

  async #commitGroup({ group }: RequestOf<'commitGroup'>): Promise<Answer> {
    await this.#served.group.commit(this.#groupOf(group));
    this.#served.publishRoom();
    return DONE;
  }

  async #close(id: number, file: OpenFile): Promise<Answer> {
    // A loss has its own event; closing goes through in any case.
    await this.#served.host.volume.committer.settled();
    this.#lending.takeBack(file);
    file.database.close();
    this.#served.files.unshare(file.database.shared);
    if (file.slot !== undefined) this.#slots.free(file.slot);
    this.#files.delete(id);
    return DONE;
  }

  /** Takes leases back, all or those of some files: the client has to ask before it locks again. */
  takeBack(paths?: readonly string[]): void {
    for (const file of this.#files.values()) {
      if (!paths || paths.includes(file.database.path)) this.#lending.takeBack(file);
    }
  }

  /** The client goes: what it waits for is not waited for any longer. */
  cancel(): void {
    this.#ended.abort();
    for (const { database } of this.#files.values()) database.shared.wake();
  }

  /** The client is gone: what it had open is closed. */
  async dispose(): Promise<void> {
    this.cancel();
    for (const [id, file] of [...this.#files]) await this.#close(id, file);
    this.#served.storages.delete(this);
    this.#served.publishRoom();
  }

  #fileOf({ id }: { readonly id: number }): OpenFile {
    const file = this.#files.get(id);
    if (!file) throw new InvariantError(`file ${id} is open`);
    return file;
  }
}
