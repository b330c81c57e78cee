/**
 * The client's end of the message port: calls that nothing blocks for, and events.
 *
 *   I9  A storage worker that does not take the client in within the limit, or whose heart stops while
 *       something is asked of it, is given up. Until then the client asks until it is heard; it is
 *       taken in once, and not after it has given up.
 *
 *   attaching ──attached──▶ open ──close──▶ closing ──closed──▶ closed
 *       └──failed, late──▶ (thrown)   └──failed, silent──▶ lost: every call fails at once
 */
import { type BlockStoreError, ConnectionLostError, StorageWorkerError } from '../../errors.js';
import type { Emitter } from '../events.js';
import { ATTACHING, partsOf, SAY_AGAIN_MS, WORD } from './layout.js';
import { revivedError, withErrors } from './plain-error.js';
import type { Pulse } from './pulse.js';
import type { Attach, ClientMessage, RemoteCalls, StorageMessage } from './worker-protocol.js';

interface Pending {
  resolve(value: unknown): void;
  reject(error: BlockStoreError): void;
}

/** Something that takes a message and a port: a Worker, or a port to one. */
export type StorageTarget = Pick<Worker, 'postMessage'>;

export interface RemoteOptions {
  readonly emitter: Emitter;
  readonly pulse: Pulse;
  readonly timeoutMs: number;
  /** Rejects when the storage worker could not be started. */
  readonly failed: Promise<never>;
}

export class RemoteStorage {
  readonly #port: MessagePort;
  readonly #options: RemoteOptions;
  readonly #volume: string;
  readonly #pending: Map<number, Pending> = new Map();
  #calls = 0;
  #look: ReturnType<typeof setInterval> | undefined;
  #closed: (() => void) | undefined;
  #lost: BlockStoreError | undefined;
  /** Called when the storage worker is known to be gone. */
  onlost: ((error: BlockStoreError) => void) | undefined;

  private constructor(port: MessagePort, volume: string, options: RemoteOptions) {
    this.#port = port;
    this.#volume = volume;
    this.#options = options;
  }

  /** @throws what opening the volume failed with, StorageWorkerError */
  static async attach(
    target: StorageTarget,
    attach: Attach,
    options: RemoteOptions,
  ): Promise<RemoteStorage> {
    const { idbName } = attach.options;
    const { words } = partsOf(attach.buffer);
    const ports: MessagePort[] = [];
    let asking: ReturnType<typeof setInterval> | undefined;
    let limit: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = `it did not answer within ${options.timeoutMs} ms`;
      const giveUp = () => reject(new StorageWorkerError(idbName, why));
      limit = setTimeout(giveUp, options.timeoutMs);
    });
    const attached = new Promise<RemoteStorage>((resolve, reject) => {
      const ask = () => {
        if (Atomics.load(words, WORD.ATTACHING) !== ATTACHING.ASKS) return;
        const { port1, port2 } = new MessageChannel();
        ports.push(port1);
        const remote = new RemoteStorage(port1, idbName, options);
        remote.#expect().then(() => resolve(remote), reject);
        target.postMessage(attach, [port2]);
      };
      ask();
      asking = setInterval(ask, SAY_AGAIN_MS);
    });
    let remote: RemoteStorage | undefined;
    try {
      remote = await Promise.race([attached, late, options.failed]);
      return remote;
    } finally {
      Atomics.store(words, WORD.ATTACHING, ATTACHING.OVER);
      clearInterval(asking);
      clearTimeout(limit);
      for (const port of ports) if (!remote || port !== remote.#port) port.close();
    }
  }

  #expect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#port.onmessage = ({ data }: MessageEvent<StorageMessage>) => {
        if (data.type === 'failed') {
          const error = revivedError(data.error);
          reject(error);
          this.lose(error);
        } else if (data.type === 'attached') {
          resolve();
        } else {
          this.#hear(data);
        }
      };
    });
  }

  #hear(message: StorageMessage): void {
    switch (message.type) {
      case 'result':
        this.#take(message.id)?.resolve(withErrors(message.value));
        break;
      case 'error':
        this.#take(message.id)?.reject(revivedError(message.error));
        break;
      case 'event':
        this.#options.emitter.emit(message.event, () => withErrors(message.detail) as never);
        break;
      default:
        // Whoever asked for something else meanwhile is not answered any more.
        this.#reject(new ConnectionLostError(this.#volume, 'the VFS was closed'));
        this.#closed?.();
    }
    this.#watch();
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  call<K extends keyof RemoteCalls>(
    name: K,
    ...args: Parameters<RemoteCalls[K]>
  ): ReturnType<RemoteCalls[K]> {
    const answer = this.#lost
      ? Promise.reject(this.#lost)
      : new Promise((resolve, reject) => {
          const id = ++this.#calls;
          this.#pending.set(id, { resolve, reject });
          this.#tell({ type: 'call', id, name, args }, portsIn(args));
          this.#watch();
        });
    return answer as ReturnType<RemoteCalls[K]>;
  }

  doorbell(): void {
    this.#tell({ type: 'doorbell' });
  }

  /** Says goodbye, and resolves when the storage worker has closed what was open, or is given up. */
  async close(): Promise<void> {
    if (!this.#lost) {
      await new Promise<void>((resolve) => {
        this.#closed = resolve;
        this.#tell({ type: 'close' });
        this.#watch();
      });
      this.#closed = undefined;
      this.#watch();
    }
    this.#port.close();
  }

  /** I9: looks at the heart while an answer is due. */
  #watch(): void {
    const { pulse } = this.#options;
    const isDue = !this.#lost && (this.#pending.size > 0 || this.#closed !== undefined);
    if (isDue === (this.#look !== undefined)) return;
    clearInterval(this.#look);
    this.#look = undefined;
    if (!isDue) return;
    pulse.start();
    this.#look = setInterval(() => {
      if (pulse.isGone()) this.lose(new StorageWorkerError(this.#volume, pulse.why));
    }, pulse.lookMs);
  }

  /** The storage worker is gone: whoever waits for it is told. */
  lose(error: BlockStoreError): void {
    this.#lost ??= error;
    this.#reject(error);
    this.#closed?.();
    this.#watch();
    this.onlost?.(error);
  }

  #reject(error: BlockStoreError): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #tell(message: ClientMessage, ports: MessagePort[] = []): void {
    this.#port.postMessage(message, ports);
  }
}

/** They are handed over. */
function portsIn(args: readonly unknown[]): MessagePort[] {
  return args.flatMap((argument) => (argument instanceof MessagePort ? [argument] : []));
}
