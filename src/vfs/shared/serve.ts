/**
 * What a storage worker does: takes clients in and serves them, until each says goodbye or dies.
 *
 *   attached ──close──────────────────────────────────────▶ its files are closed ──▶ gone
 *       └──its Web Lock came free──▶ what it sent is done ──┘
 *
 * Clients of one volume share its IndexedDB connection, its cache and its files, and have to agree on
 * the options for them.
 */
import { OptionError } from '../../errors.js';
import type { VFSEventMap, VFSEventType } from '../events.js';
import { ATTACHING, partsOf, SAY_AGAIN_MS, type SharedParts, WORD } from './layout.js';
import { plainError, withPlainErrors } from './plain-error.js';
import { ServedVolume } from './served-volume.js';
import { ChannelServer } from './server.js';
import { Storage } from './storage.js';
import { transferCalls } from './transfer-calls.js';
import {
  type Attach,
  type ClientMessage,
  isAttach,
  isConnect,
  type RemoteCalls,
  type StorageMessage,
  type StorageOptions,
} from './worker-protocol.js';

/** What a storage worker uses, and where it listens. */
export interface ServeOptions {
  /** The IDBFactory to use. Default: the context's own. */
  readonly indexedDB?: IDBFactory;
  /** The LockManager to use; null for none. Default: the context's own. */
  readonly locks?: LockManager | null;
  /**
   * Where clients attach; the port's other end is their option `worker`. Default: messages to this
   * worker.
   */
  readonly port?: MessagePort;
}

/**
 * Makes this worker a storage worker: clients attach through messages to it. What
 * `IDBBlockSharedVFS` starts by itself does nothing else; an app may do it in a worker of its own. With
 * `port` also a page can: it never blocks.
 */
export function serveStorage(options: ServeOptions = {}): void {
  const server = new StorageServer(options);
  const { port } = options;
  if (port) port.onmessage = (event) => server.hear(event);
  else globalThis.addEventListener('message', (event) => server.hear(event as MessageEvent));
}

/** Half a minute of them: a client that has not heard one by then is dead. */
const ANSWERS_MAX = 120;

/** Whoever is attached already is told once. */
function answerUntilHeard(words: Int32Array, tell: () => void): void {
  let left = ANSWERS_MAX;
  tell();
  const again = setInterval(() => {
    left--;
    const isOver = left === 0 || Atomics.load(words, WORD.ATTACHING) === ATTACHING.OVER;
    if (isOver) clearInterval(again);
    else tell();
  }, SAY_AGAIN_MS);
}

interface Entry {
  readonly served: Promise<ServedVolume>;
  /** Of the client that opened it. */
  readonly options: StorageOptions;
  users: number;
}

class StorageServer {
  readonly #indexedDB: IDBFactory;
  readonly #locks: LockManager | null;
  readonly #volumes: Map<string, Entry> = new Map();
  #clients = 0;

  constructor(options: ServeOptions) {
    this.#indexedDB = options.indexedDB ?? globalThis.indexedDB;
    this.#locks = options.locks === undefined ? (navigator.locks ?? null) : options.locks;
  }

  hear({ data, ports }: MessageEvent<unknown>): void {
    const [port] = ports;
    if (!port) return;
    if (isConnect(data)) port.onmessage = (event) => this.hear(event);
    if (isAttach(data)) this.#attach(data, port);
  }

  #attach(attach: Attach, port: MessagePort): void {
    const { idbName } = attach.options;
    const parts = partsOf(attach.buffer);
    const { words } = parts;
    const { ASKS, HEARD } = ATTACHING;
    // It asks again, or has given up.
    if (Atomics.compareExchange(words, WORD.ATTACHING, ASKS, HEARD) !== ASKS) {
      port.close();
      return;
    }
    const tell = (message: StorageMessage) => port.postMessage(message);
    this.#serve(attach, parts, port).then(
      () => tell({ type: 'closed' }),
      (cause) =>
        answerUntilHeard(words, () => tell({ type: 'failed', error: plainError(cause, idbName) })),
    );
  }

  async #serve(attach: Attach, parts: SharedParts, port: MessagePort): Promise<void> {
    const { options, aliveLock } = attach;
    const { words } = parts;
    const { idbName } = options;
    const served = await this.#volumeOf(options);
    const tell = (message: StorageMessage) => port.postMessage(message);
    const gone = new AbortController();
    const storage = new Storage(served, {
      number: ++this.#clients,
      words,
      listen: (event) => forward(served, event, { tell, signal: gone.signal }),
      unacted: () => channel.unacted(),
    });
    const channel: ChannelServer = new ChannelServer(parts, storage);
    const calls = callsOf(served, storage, gone.signal);
    const leave = (how: 'close' | 'drain') => {
      storage.cancel();
      channel[how]();
    };
    port.onmessage = ({ data }: MessageEvent<ClientMessage>) => {
      if (data.type === 'doorbell') channel.doorbell();
      if (data.type === 'close') leave('close');
      if (data.type === 'call') answer(data, { calls, channel, tell, volume: idbName });
    };
    // Whoever gets it after the client: the client is gone, without a goodbye.
    if (aliveLock !== undefined) {
      this.#locks?.request(aliveLock, () => leave('drain')).catch(() => undefined);
    }
    // It gave up while its volume was opened.
    if (Atomics.load(words, WORD.ATTACHING) === ATTACHING.OVER) leave('close');
    else answerUntilHeard(words, () => tell({ type: 'attached' }));
    try {
      await channel.run();
    } finally {
      gone.abort();
      await storage.dispose();
      await this.#release(idbName);
    }
  }

  async #volumeOf(options: Attach['options']): Promise<ServedVolume> {
    const { idbName } = options;
    let entry = this.#volumes.get(idbName);
    if (entry) assertAgree(entry.options, options);
    else {
      const locks = options.locks ? this.#locks : null;
      const served = ServedVolume.open({ ...options, indexedDB: this.#indexedDB, locks });
      entry = { served, options, users: 0 };
      this.#volumes.set(idbName, entry);
      served.catch(() => this.#volumes.delete(idbName));
    }
    entry.users++;
    return await entry.served;
  }

  async #release(idbName: string): Promise<void> {
    const entry = this.#volumes.get(idbName);
    if (!entry || --entry.users > 0) return;
    this.#volumes.delete(idbName);
    const { host } = await entry.served;
    // A loss was told by its event.
    await host.close().catch(() => undefined);
  }
}

/** @throws OptionError of the first option that the volume was not opened with */
function assertAgree(opened: StorageOptions, asked: StorageOptions): void {
  for (const key of Object.keys(opened) as (keyof StorageOptions)[]) {
    // That one each client applies by itself.
    if (key === 'durability' || opened[key] === asked[key]) continue;
    const value = JSON.stringify(opened[key]);
    throw new OptionError(key, `${value}, as the storage worker has opened the volume with it`);
  }
}

type Tell = (message: StorageMessage) => void;

function forward(
  { host }: ServedVolume,
  event: VFSEventType,
  to: { readonly tell: Tell; readonly signal: AbortSignal },
): void {
  const listener = ({ detail }: CustomEvent<VFSEventMap[VFSEventType]>) => {
    to.tell({ type: 'event', event, detail: withPlainErrors(detail, host.options.idbName) });
  };
  host.emitter.addEventListener(event, listener, { signal: to.signal });
}

function callsOf({ host }: ServedVolume, storage: Storage, signal: AbortSignal): RemoteCalls {
  return {
    durable: () => storage.durable(),
    listFiles: () => host.listFiles(),
    deleteFile: (path) => host.deleteFile(path),
    verify: (path, options) => host.verify(path, options),
    layout: (path) => host.layout(path),
    salvage: (path, options) => host.salvage(path, options),
    ...transferCalls(host.transfer, host.options.idbName, signal),
  };
}

function answer(
  { id, name, args }: ClientMessage & { type: 'call' },
  by: {
    readonly calls: RemoteCalls;
    readonly channel: ChannelServer;
    readonly tell: Tell;
    readonly volume: string;
  },
): void {
  const call = by.calls[name] as (...args: readonly unknown[]) => Promise<unknown>;
  Promise.resolve(by.channel.unacted())
    .then(() => call(...args))
    .then(
      (value) => by.tell({ type: 'result', id, value: withPlainErrors(value, by.volume) }),
      (cause) => by.tell({ type: 'error', id, error: plainError(cause, by.volume) }),
    );
}
