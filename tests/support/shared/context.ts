/**
 * The shared engine as tests speak to it: it runs in a worker, this is its remote control. Without Vitest, for
 * pages that run by themselves use it, too.
 */
import type {
  ApplyOptions,
  ByteSource,
  ExportOptions,
  ImportOptions,
  TransferProgress,
  VFSEventMap,
  VFSEventType,
} from '../../../src/index.js';
import { SourceReader } from '../../../src/transfer/source.js';
import { receiveFrom, sendThrough } from '../../../src/vfs/shared/byte-pipe.js';
import { revivedError, withErrors } from '../../../src/vfs/shared/plain-error.js';
import { Database, type Row, type Value } from '../database.ts';
import type {
  Answer,
  Call,
  Calls,
  SendingMethod,
  SharedOptions,
  SharedSqlBuild,
  StorageFunction,
  TakingMethod,
} from './calls.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

type Listener = (event: { readonly detail: never }) => void;

/** Counts what comes by a way of its own. */
class Arrivals {
  #count = 0;
  #wake: () => void = () => undefined;

  add(): void {
    this.#count++;
    this.#wake();
  }

  /** Resolves when so many have come; rejects if there are more. */
  async reach(count: number): Promise<void> {
    while (this.#count < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#count > count) throw new Error(`${this.#count} came, not ${count}`);
  }
}

/** A worker in which SQLite runs. */
export class SharedPage {
  readonly worker: Worker;
  readonly #pending: Map<number, Pending> = new Map();
  readonly #listeners: Map<string, Listener[]> = new Map();
  #calls = 0;

  constructor() {
    this.worker = new Worker(new URL('./page.ts', import.meta.url), { type: 'module' });
    this.worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#hear(data);
    this.worker.onerror = (event) => {
      for (const { reject } of this.#pending.values()) reject(new Error(event.message));
    };
  }

  #hear(answer: Answer): void {
    if ('event' in answer) {
      const detail = withErrors(answer.detail) as never;
      const listeners = this.#listeners.get(`${answer.context} ${answer.event}`) ?? [];
      for (const listener of listeners) listener({ detail });
      return;
    }
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if ('error' in answer) pending?.reject(revivedError(answer.error));
    else if ('sqlite' in answer) {
      pending?.reject(Object.assign(new Error(answer.sqlite.message), answer.sqlite));
    } else pending?.resolve(withErrors(answer.value));
  }

  call<K extends keyof Calls>(
    name: K,
    ...args: Parameters<Calls[K]>
  ): Promise<ReturnType<Calls[K]>> {
    const id = ++this.#calls;
    const ports = args.filter((argument) => (argument as unknown) instanceof MessagePort);
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      const call: Call = { id, name, args };
      this.worker.postMessage(call, ports as unknown as MessagePort[]);
    });
  }

  async listen(context: number, type: VFSEventType, listener: Listener): Promise<void> {
    const key = `${context} ${type}`;
    const listeners = this.#listeners.get(key) ?? [];
    this.#listeners.set(key, [...listeners, listener]);
    if (listeners.length === 0) await this.call('listen', context, type);
  }
}

/** The VFS's own methods, each a promise. */
export type RemoteVFS = ReturnType<typeof remoteVFS>;

function remoteVFS(page: SharedPage, context: number) {
  const method =
    (name: string) =>
    (...args: readonly unknown[]) =>
      page.call('vfs', context, name, args);
  return {
    durable: method('durable'),
    listFiles: method('listFiles'),
    deleteFile: method('deleteFile'),
    verify: method('verify'),
    layout: method('layout'),
    salvage: method('salvage'),
    ...remoteTransfer(page, context),
    stats: method('stats'),
    close: method('close'),
    get engine() {
      return method('engine')();
    },
    addEventListener<K extends VFSEventType>(
      type: K,
      listener: (event: { readonly detail: VFSEventMap[K] }) => void,
    ): void {
      page.listen(context, type, listener as Listener).catch(() => undefined);
    },
  };
}

/** Its streams go through ports, as they do between the VFS's own threads. */
function remoteTransfer(page: SharedPage, context: number) {
  const receive = (method: SendingMethod, args: readonly unknown[], heard: ExportOptions) => {
    const { port1, port2 } = new MessageChannel();
    const { stream, fail } = receiveFrom(port1, heard);
    page.call('send', context, port2, method, args).catch(fail);
    return stream;
  };
  const send = async (
    method: TakingMethod,
    path: string,
    given: ByteSource,
    all: ImportOptions,
  ) => {
    const { signal, onProgress, ...options } = all;
    const source = new SourceReader(given, signal);
    const { port1, port2 } = new MessageChannel();
    let failed: { readonly cause: unknown } | undefined;
    const arrivals = new Arrivals();
    const hear = (progress: TransferProgress) => {
      onProgress?.(progress);
      arrivals.add();
    };
    sendThrough(port1, source, { volume: '', onProgress: hear }).catch((cause) => {
      failed = { cause };
    });
    try {
      const { totalBytes } = source;
      const known = { ...(totalBytes !== undefined && { totalBytes }), ...options };
      const taken = await page.call('take', context, port2, method, path, known);
      // Progress has a port of its own, and may come behind the report.
      await arrivals.reach(taken.progressCount);
      return taken.report;
    } catch (cause) {
      throw failed ? failed.cause : cause;
    } finally {
      await source.close();
    }
  };
  return {
    exportFile: (path: string, options: ExportOptions = {}) =>
      receive('exportFile', [path], options),
    changesSince: (path: string, since: unknown) => receive('changesSince', [path, since], {}),
    importFile: (path: string, source: ByteSource, options: ImportOptions = {}) =>
      send('importFile', path, source, options),
    applyChanges: (path: string, changes: ByteSource, options: ApplyOptions = {}) =>
      send('applyChanges', path, changes, options),
  };
}

/** One module with one VFS. */
export class SharedContext {
  readonly page: SharedPage;
  readonly vfs: RemoteVFS;
  /** What VFS methods answered with an error code for, in order. */
  readonly errors: Error[] = [];
  readonly #number: number;

  private constructor(page: SharedPage, number: number) {
    this.page = page;
    this.#number = number;
    this.vfs = remoteVFS(page, number);
  }

  static async create(
    page: SharedPage,
    build: SharedSqlBuild,
    options: SharedOptions,
    storage?: MessagePort | StorageFunction,
  ): Promise<SharedContext> {
    const context = new SharedContext(page, await page.call('create', build, options, storage));
    context.vfs.addEventListener('error', ({ detail }) => context.errors.push(detail.error));
    return context;
  }

  async open(path = 'test.db', flags?: number, onclose = () => {}): Promise<SharedDatabase> {
    const number = await this.page.call('open', this.#number, path, flags);
    return new SharedDatabase(this.page, number, onclose);
  }

  /** Closes in good order. */
  close(): Promise<void> {
    return this.page.call('close', this.#number);
  }
}

export class SharedDatabase extends Database {
  readonly #page: SharedPage;
  readonly #onclose: () => void;

  constructor(page: SharedPage, number: number, onclose: () => void) {
    // All that needs SQLite at hand is overridden.
    super(undefined as never, number, onclose);
    this.#page = page;
    this.#onclose = onclose;
  }

  override rows(sql: string, parameters: readonly Value[] = []): Promise<Row[]> {
    return this.#page.call('rows', this.handle, sql, parameters);
  }

  override inTransaction(): Promise<boolean> {
    return this.#page.call('inTransaction', this.handle);
  }

  override async close(): Promise<void> {
    this.#onclose();
    await this.#page.call('closeDatabase', this.handle);
  }
}
