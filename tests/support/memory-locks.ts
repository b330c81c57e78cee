/** A LockManager of one origin in memory, as far as the writer role uses one: exclusive locks. */
interface Waiting {
  readonly signal: AbortSignal | undefined;
  readonly grant: () => void;
}

export class MemoryLocks implements LockManager {
  readonly #queues = new Map<string, Waiting[]>();

  request<T>(name: string, callback: LockGrantedCallback<T>): Promise<T>;
  request<T>(name: string, options: LockOptions, callback: LockGrantedCallback<T>): Promise<T>;
  async request<T>(
    name: string,
    second: LockOptions | LockGrantedCallback<T>,
    third?: LockGrantedCallback<T>,
  ): Promise<T> {
    const options = typeof second === 'function' ? {} : second;
    const callback = typeof second === 'function' ? second : third;
    if (!callback) throw new TypeError('A lock needs a callback.');
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    if (options.ifAvailable && queue.length > 0) return await callback(null);
    const granted = new Promise<void>((grant, refuse) => {
      const waiting: Waiting = { signal: options.signal, grant };
      queue.push(waiting);
      if (queue.length === 1) grant();
      options.signal?.addEventListener('abort', () => {
        const at = queue.indexOf(waiting);
        if (at > 0) queue.splice(at, 1);
        if (at > 0) refuse(options.signal?.reason);
      });
    });
    await granted;
    try {
      return await callback({ name, mode: 'exclusive' });
    } finally {
      queue.shift();
      queue[0]?.grant();
    }
  }

  async query(): Promise<LockManagerSnapshot> {
    const held = [...this.#queues].filter(([, queue]) => queue.length > 0);
    return { held: held.map(([name]) => ({ name, mode: 'exclusive' })), pending: [] };
  }
}
