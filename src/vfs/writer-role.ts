/**
 * The writer lock of one file, as one context holds it.
 *
 *   I3  It is for politeness: a commit is fenced by the store, whoever thinks to hold the lock.
 *   I9  Waiting has a limit.
 *
 * Taken at RESERVED and kept afterwards, so that a lone tab asks for it once. Another context that
 * wants it says so on a BroadcastChannel; the holder lets go as soon as no connection of it writes.
 *
 *   free ──acquire──▶ held ──asked while idle, or released──▶ free
 *                      └──asked while writing──▶ wanted ──write ends──▶ free
 *
 * Deferred commits that are on their way belong to the write: another context's would fence them.
 */

const ASK_INTERVAL_MS = 100;

export interface RoleDeps {
  readonly locks: LockManager;
  /** Name of the Web Lock. */
  readonly name: string;
  readonly channel: RoleChannel;
  readonly onChange: (held: boolean) => void;
  /** A promise while something this context acknowledged is on its way; it never rejects. */
  readonly unlanded: () => Promise<void> | undefined;
}

/** How contexts ask each other for a lock. */
export interface RoleChannel {
  ask(name: string): void;
  /** Calls `asked` when another context asks for `name`. */
  listen(name: string, asked: () => void): () => void;
  /** False if others cannot be heard: then no lock is kept longer than needed. */
  readonly hears: boolean;
}

export class WriterRole {
  readonly #deps: RoleDeps;
  readonly #unlisten: () => void;
  #release: (() => void) | undefined;
  #writing = 0;
  #wanted = false;
  /** Called when another context asks while something is being written, or could be. */
  onwanted: (() => void) | undefined;

  constructor(deps: RoleDeps) {
    this.#deps = deps;
    this.#unlisten = deps.channel.listen(deps.name, () => this.#asked());
  }

  get held(): boolean {
    return this.#release !== undefined;
  }

  /** Takes the lock if nobody has it. */
  async tryAcquire(): Promise<boolean> {
    return this.held || (await this.#request({ ifAvailable: true }));
  }

  /** Takes the lock, asking its holder for it; false when the time is up, or nobody waits any more. */
  async acquire(timeoutMs: number, ended?: AbortSignal): Promise<boolean> {
    if (await this.tryAcquire()) return true;
    if (ended?.aborted) return false;
    const { channel, name } = this.#deps;
    const limit = new AbortController();
    const end = () => limit.abort();
    ended?.addEventListener('abort', end);
    const timer = setTimeout(end, timeoutMs);
    const asking = setInterval(() => channel.ask(name), ASK_INTERVAL_MS);
    channel.ask(name);
    try {
      return await this.#request({ signal: limit.signal });
    } finally {
      ended?.removeEventListener('abort', end);
      clearTimeout(timer);
      clearInterval(asking);
    }
  }

  /** A connection begins to write: the lock stays until it has ended. */
  beginWrite(): void {
    this.#writing++;
  }

  endWrite(): void {
    this.#writing--;
    if (this.#wanted || !this.#deps.channel.hears) this.#letGo();
  }

  /** Gives the lock up once nothing is being written; what comes first is waited for. */
  #letGo(): void {
    if (this.#writing > 0) {
      this.#wanted = true;
      this.onwanted?.();
      return;
    }
    const wait = this.#deps.unlanded();
    if (!wait) {
      this.release();
      return;
    }
    this.#wanted = true;
    const again = () => {
      if (this.held && this.#wanted) this.#letGo();
    };
    wait.then(again, again);
  }

  release(): void {
    const release = this.#release;
    if (!release) return;
    this.#release = undefined;
    this.#wanted = false;
    this.#deps.onChange(false);
    release();
  }

  close(): void {
    this.#unlisten();
    this.release();
  }

  #asked(): void {
    if (this.held) this.#letGo();
  }

  #request(options: LockOptions): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const held = (lock: Lock | null): Promise<void> | undefined => {
        if (!lock) {
          resolve(false);
          return undefined;
        }
        return new Promise((release) => {
          this.#release = release;
          this.#wanted = false;
          this.#deps.onChange(true);
          resolve(true);
        });
      };
      this.#deps.locks
        .request(this.#deps.name, { mode: 'exclusive', ...options }, held)
        .catch((cause) => {
          const { name } = cause as DOMException;
          // AbortError before it was granted: time is up; after: another context stole it.
          if (name !== 'AbortError') reject(cause);
          else if (this.held) this.release();
          else resolve(false);
        });
    });
  }
}

/** Asks over one BroadcastChannel per volume; deaf where the context has none. */
export class BroadcastRoleChannel implements RoleChannel {
  readonly #channel: BroadcastChannel | undefined;
  readonly #listeners: Map<string, Set<() => void>> = new Map();

  constructor(name: string) {
    if (typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') for (const asked of this.#listeners.get(data) ?? []) asked();
    };
  }

  get hears(): boolean {
    return this.#channel !== undefined;
  }

  ask(name: string): void {
    this.#channel?.postMessage(name);
  }

  listen(name: string, asked: () => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(asked));
    return () => listeners.delete(asked);
  }

  close(): void {
    this.#channel?.close();
  }
}
