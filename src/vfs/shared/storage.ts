/**
 * Acts on one client's requests: its open files, their locks and leases, their writes and commits.
 *
 *   I3  A lease is granted only while the writer lock is held and no other connection has the file.
 *   I5  A failed request leaves its file as the asynchronous engine leaves it after a failed method.
 *
 * What goes wrong with a request that nobody answers is kept and told by the file's next answer.
 */
import type { LossesSeen } from '../../blockstore/write-behind.js';
import { type BlockStoreError, fromDomException, InvariantError } from '../../errors.js';
import * as rc from '../../result-codes.js';
import { DatabaseFile } from '../database-file.js';
import type { VFSEventType } from '../events.js';
import { ConnectionPragmas } from '../pragmas.js';
import type { Thread } from '../shared-file.js';
import type { SharedParts } from './layout.js';
import { LeaseSlots, StorageLease } from './lease.js';
import { type OpenFile, read, shapeOf } from './open-file.js';
import { Patience } from './patience.js';
import { plainError, withPlainErrors } from './plain-error.js';
import {
  CHANGED_BLOCKS_MAX,
  isAnswered,
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
}

type Answer = Reply | undefined;

const DONE: Reply = { tag: 'done' };
export class Storage implements RequestHandler {
  readonly #served: ServedVolume;
  readonly #client: StorageClient;
  readonly #files: Map<number, OpenFile> = new Map();
  readonly #slots: LeaseSlots = new LeaseSlots();
  readonly #thread: Thread = { gone: false };
  /** Why an acknowledged commit was lost, for the next who waits for it to be durable. */
  #loss: BlockStoreError | undefined;
  /** Losses of the volume that this client was told of. */
  readonly #seen: LossesSeen;

  constructor(served: ServedVolume, client: StorageClient) {
    this.#served = served;
    this.#client = client;
    this.#seen = { losses: served.host.volume.committer.losses };
    served.storages.add(this);
  }

  get holdsIdbTx(): boolean {
    for (const { database } of this.#files.values()) if (database.isSpilling) return true;
    return false;
  }

  /** Bytes of segments that sqliteTxs of this client hold. */
  get stagedBytes(): number {
    let bytes = 0;
    for (const { database } of this.#files.values()) bytes += database.stagedBytes;
    return bytes;
  }

  serve(request: Request): Answer | Promise<Answer> {
    try {
      const file = 'id' in request ? this.#files.get(request.id) : undefined;
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
    this.#revoke(file);
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
        return this.#write(this.#databaseOf(request), request);
      case 'truncate':
        this.#databaseOf(request).truncate(request.fileBytes);
        return undefined;
      case 'commit':
        return this.#commit(this.#fileOf(request), request);
      case 'discard':
        this.#databaseOf(request).discard();
        return undefined;
      case 'claim':
        return this.#claim(this.#databaseOf(request));
      case 'commitGroup':
        return this.#served.group.commit(this.#groupOf(request.group))?.then(() => DONE) ?? DONE;
      case 'delete':
        return this.#served.host.volume.delete(request.path).then(() => DONE);
      case 'exists':
        return this.#exists(request.path);
      case 'listen':
        this.#client.listen(request.event);
        return undefined;
      case 'stats':
        return { tag: 'stats', json: this.#stats() };
    }
  }

  #stats(): string {
    return JSON.stringify(withPlainErrors(this.#served.host.stats(), this.#volumeName));
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

  async #open({ id, path, create }: RequestOf<'open'>): Promise<Answer> {
    const shared = await this.#served.files.share(path, create);
    if (!shared) return { tag: 'absent' };
    const slot = this.#slots.take();
    const lease = slot === undefined ? undefined : new StorageLease(this.#client.words, slot);
    const database = new DatabaseFile(shared, new ConnectionPragmas(), this.#thread);
    const patience = new Patience();
    const { pragmas } = database;
    // Without a busy handler it is the program that tries again.
    database.patience = (waitMs) => (pragmas.busyTimeoutMs > 0 ? patience.left(waitMs) : waitMs);
    const file: OpenFile = {
      database,
      patience,
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
    await this.#lend(file);
    return { tag: 'opened', shape: shapeOf(database.shown), lease: slot };
  }

  async #lock(file: OpenFile, request: RequestOf<'lock'>): Promise<Answer> {
    const { database } = file;
    database.pragmas.busyTimeoutMs = request.busyTimeoutMs;
    database.pragmas.exclusive = request.exclusive;
    try {
      await database.lock(request.level);
      // Between two tries SQLite lets go of SHARED, and gets it again.
      if (request.level >= rc.SQLITE_LOCK_RESERVED) file.patience.granted();
    } catch (cause) {
      file.patience.refused();
      throw cause;
    }
    const { state } = database.shared.file;
    const { map } = database.shown;
    const known = file.seen?.state === state ? file.seen.version : undefined;
    const changed = known === undefined ? undefined : state.recent.between(known, map.version);
    file.seen = { state, version: map.version };
    await this.#lend(file, request.level);
    const isShort = changed !== undefined && changed.length <= CHANGED_BLOCKS_MAX;
    return {
      tag: 'locked',
      shape: shapeOf(database.shown),
      changed: isShort ? changed : undefined,
    };
  }

  /** I3: grants the lease if it can be had without waiting for anybody. */
  async #lend(file: OpenFile, level: number = rc.SQLITE_LOCK_NONE): Promise<void> {
    const { database, lease } = file;
    const { shared } = database;
    const isAlone = shared.users === 1 && shared.file.exclusive && !shared.file.suspect;
    const isFree = shared.writer === undefined || shared.writer === database;
    if (!lease || !isAlone || !isFree || file.failure) return;
    try {
      await database.lock(rc.SQLITE_LOCK_SHARED);
      await database.lock(rc.SQLITE_LOCK_RESERVED);
    } catch {
      // Without a lease the client asks, and is told what is wrong.
      database.unlock(level);
      return;
    }
    shared.lessee = () => this.#revoke(file);
    lease.grant(level);
  }

  /** Takes the lease back; what the client holds stays locked until it says otherwise. */
  #revoke({ database, lease }: OpenFile): void {
    const held = lease?.revoke();
    if (held === undefined) return;
    database.shared.lessee = undefined;
    database.unlock(held);
  }

  #commit(file: OpenFile, request: RequestOf<'commit'>): Answer | Promise<Answer> {
    const { database } = file;
    database.pragmas.durability = request.durability;
    if (request.group !== '') {
      this.#served.group.join(this.#groupOf(request.group), database);
      return DONE;
    }
    const committing = database.commit();
    if (!(committing instanceof Promise)) return DONE;
    return committing.then(() => {
      const { state } = database.shared.file;
      file.seen = { state, version: state.map.version };
      return DONE;
    });
  }

  async #close(id: number, file: OpenFile): Promise<Answer> {
    // A loss has its own event; closing goes through in any case.
    await this.#served.host.volume.committer.settled();
    this.#revoke(file);
    file.database.close();
    this.#served.files.unshare(file.database.shared);
    if (file.slot !== undefined) this.#slots.free(file.slot);
    this.#files.delete(id);
    return DONE;
  }

  /** Acknowledged commits were lost: the client has to ask before it locks again, and is told then. */
  lost(paths: readonly string[]): void {
    for (const file of this.#files.values()) {
      if (paths.includes(file.database.path)) this.#revoke(file);
    }
  }

  /** The client goes: what it waits for is not waited for any longer. */
  cancel(): void {
    this.#thread.gone = true;
    for (const { database } of this.#files.values()) database.shared.wake();
  }

  /** The client is gone: what it had open is closed. */
  async dispose(): Promise<void> {
    this.cancel();
    for (const [id, file] of [...this.#files]) await this.#close(id, file);
    this.#served.storages.delete(this);
  }

  #fileOf({ id }: { readonly id: number }): OpenFile {
    const file = this.#files.get(id);
    if (!file) throw new InvariantError(`file ${id} is open`);
    return file;
  }
}

function isWrite({ op }: Request): boolean {
  return op === 'write' || op === 'truncate';
}
