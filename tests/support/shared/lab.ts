/**
 * A storage worker and its clients in one thread of Node, over a simulated IndexedDB.
 *
 * A client locks and writes as ClientFile does, by its lease or by requests through a ring, but never
 * blocks; what it has sent can be kept from being acted on.
 */

import * as rc from '../../../src/result-codes.js';
import { installGlobals } from '../../../src/testing/index.js';
import type { Durability } from '../../../src/types.js';
import { resolveOptions, type VFSOptions } from '../../../src/vfs/options.js';
import { ChannelClient } from '../../../src/vfs/shared/client.js';
import { FieldReader } from '../../../src/vfs/shared/fields.js';
import { createShared, type SharedParts, WORD } from '../../../src/vfs/shared/layout.js';
import { ClientLease } from '../../../src/vfs/shared/lease.js';
import {
  decodeReply,
  isAnswered,
  type Op,
  type Reply,
  type Request,
} from '../../../src/vfs/shared/protocol.js';
import { ServedVolume } from '../../../src/vfs/shared/served-volume.js';
import { ChannelServer } from '../../../src/vfs/shared/server.js';
import { Storage } from '../../../src/vfs/shared/storage.js';

export const VOLUME = 'volume';
export const PATH = 'one.db';
export const PAGE_BYTES = 4096;
/** Behind SQLite's header. */
const MARK_OFFSET = 100;
const RING_BYTES = 256 * 1024;
const ID = 1;
const { SQLITE_LOCK_NONE: NONE, SQLITE_LOCK_SHARED: SHARED } = rc;
const { SQLITE_LOCK_RESERVED: RESERVED } = rc;

/** What a reply that tells of a failure says. */
export interface Failure {
  readonly code: string;
  readonly lost: boolean;
}

let count = 0;

export class LabClient {
  readonly storage: Storage;
  readonly #parts: SharedParts;
  readonly #channel: ChannelClient;
  readonly #server: ChannelServer;
  readonly #running: Promise<void>;
  #lease: ClientLease | undefined;
  /** Requests that are still acted on before `#gate` is waited for. */
  #left = Number.POSITIVE_INFINITY;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;
  readonly #beginnings: { readonly op: Op; readonly begun: () => void }[] = [];

  constructor(served: ServedVolume) {
    this.#parts = createShared(RING_BYTES);
    const { words } = this.#parts;
    this.#channel = new ChannelClient(this.#parts, {
      volume: VOLUME,
      workerTimeoutMs: 1000,
      trustMs: 1000,
      ring: () => this.#server.doorbell(),
      onPoison: () => undefined,
    });
    this.storage = new Storage(served, {
      number: ++count,
      words,
      listen: () => undefined,
      unacted: () => this.#server.unacted(),
    });
    const { storage } = this;
    this.#server = new ChannelServer(this.#parts, {
      serve: (request) => this.#serve(request),
      get holdsIdbTx() {
        return storage.holdsIdbTx;
      },
      paused: (ms) => storage.paused(ms),
    });
    this.#running = this.#server.run();
  }

  #serve(request: Request): Reply | undefined | Promise<Reply | undefined> {
    if (this.#left-- <= 0) return this.#gate.then(() => this.#act(request));
    return this.#act(request);
  }

  #act(request: Request): Reply | undefined | Promise<Reply | undefined> {
    const acting = this.storage.serve(request);
    const i = this.#beginnings.findIndex(({ op }) => op === request.op);
    for (const { begun } of i < 0 ? [] : this.#beginnings.splice(i, 1)) begun();
    return acting;
  }

  /** Only the next `count` requests are acted on, until `resume`. */
  pauseAfter(requests: number): void {
    this.#left = requests;
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  resume(): void {
    this.#left = Number.POSITIVE_INFINITY;
    this.#open();
  }

  /** Resolves when the storage worker has begun to act on the next request of a kind. */
  begun(op: Op): Promise<void> {
    return new Promise((begun) => {
      this.#beginnings.push({ op, begun });
    });
  }

  /** Resolves when all that was sent was acted on. */
  async caughtUp(): Promise<void> {
    await this.#server.unacted();
  }

  get isLeased(): boolean {
    return this.#lease?.granted ?? false;
  }

  async call(request: Request): Promise<Reply> {
    const { words, reply } = this.#parts;
    const before = Atomics.load(words, WORD.REPLY);
    this.#channel.send(request);
    while (Atomics.load(words, WORD.REPLY) === before) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    return decodeReply(new FieldReader(reply)) as Reply;
  }

  async open(): Promise<this> {
    const reply = await this.call({ op: 'open', id: ID, path: PATH, create: true });
    if (reply.tag !== 'opened') throw new Error(`opened, not ${reply.tag}`);
    if (reply.lease !== undefined) this.#lease = new ClientLease(this.#parts.words, reply.lease);
    return this;
  }

  /** @returns the failure if it failed */
  async lock(level: number): Promise<Failure | undefined> {
    if (this.#lease?.take(level)) return undefined;
    const request = {
      op: 'lock',
      id: ID,
      level,
      busyTimeoutMs: 300,
      exclusive: false,
      writes: false,
    } as const;
    return failureOf(await this.call(request));
  }

  unlock(level: number = NONE): void {
    if (!this.#lease?.give(level)) this.#channel.send({ op: 'unlock', id: ID, level });
  }

  write(marks: Readonly<Record<number, number>>): void {
    for (const [block, mark] of Object.entries(marks)) {
      const bytes = new Uint8Array(PAGE_BYTES).fill(mark, MARK_OFFSET);
      const offset = Number(block) * PAGE_BYTES;
      this.#channel.send({ op: 'write', id: ID, offset, playedBack: false, bytes });
    }
  }

  async commit(durability: Durability = 'strict'): Promise<Failure | undefined> {
    const waits = durability !== 'deferred';
    const request = { op: 'commit', id: ID, durability, group: '', waits } as const;
    if (isAnswered(request)) return failureOf(await this.call(request));
    this.#channel.send(request);
    return undefined;
  }

  discard(): void {
    this.#channel.send({ op: 'discard', id: ID });
  }

  /** A whole sqliteTx. @returns the first failure */
  async transact(
    marks: Readonly<Record<number, number>>,
    durability: Durability = 'strict',
  ): Promise<Failure | undefined> {
    let failure = (await this.lock(SHARED)) ?? (await this.lock(RESERVED));
    if (!failure) {
      this.write(marks);
      failure = await this.commit(durability);
      if (failure) this.discard();
    }
    this.unlock();
    return failure;
  }

  /** The blocks that a reply has, by their marks. */
  async read(block: number): Promise<Record<number, number | undefined> | Failure> {
    const reply = await this.call({ op: 'read', id: ID, block, snapshot: false });
    if (reply.tag !== 'blocks') return failureOf(reply) as Failure;
    return Object.fromEntries(reply.blocks.map((got) => [got.block, got.bytes?.[MARK_OFFSET]]));
  }

  /** The marks of the newest version. */
  async marks(): Promise<Record<number, number | undefined> | Failure> {
    const failure = await this.lock(SHARED);
    if (failure) {
      this.unlock();
      return failure;
    }
    const marks = await this.read(0);
    this.unlock();
    return marks;
  }

  async close(): Promise<void> {
    this.resume();
    await this.caughtUp();
    this.storage.cancel();
    this.#server.close();
    await this.#running;
    await this.storage.dispose();
  }
}

function failureOf(reply: Reply): Failure | undefined {
  if (reply.tag !== 'failed') return undefined;
  return { code: JSON.parse(reply.json).code, lost: reply.lost };
}

/** What a test has open, closed by `closeAll`. */
export class Lab {
  readonly #clients: LabClient[] = [];
  readonly #volumes: ServedVolume[] = [];
  readonly #uninstall: () => void = installGlobals();

  async serve(indexedDB: IDBFactory, options: VFSOptions): Promise<ServedVolume> {
    const served = await ServedVolume.open(
      resolveOptions(VOLUME, { autoSync: false, maxDelayMs: 20, ...options, indexedDB }),
    );
    this.#volumes.push(served);
    return served;
  }

  /** A client that has the database open. */
  async client(served: ServedVolume): Promise<LabClient> {
    const client = new LabClient(served);
    this.#clients.push(client);
    return await client.open();
  }

  async closeAll(): Promise<void> {
    for (const client of this.#clients) await client.close();
    for (const { host } of this.#volumes) await host.close().catch(() => undefined);
    this.#uninstall();
  }
}
