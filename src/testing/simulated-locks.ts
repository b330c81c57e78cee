/**
 * Web Locks in memory, for hosts that have none: one origin's lock manager.
 *
 *   I1  Per name, requests are granted in the order they came; shared ones together.
 *   I2  A stolen lock is free at once; its request rejects, its callback runs on.
 *
 * Not modelled: clients. All requests are those of one tab, and only their callbacks end them.
 */
import { exception } from './exceptions.js';

interface Wanted {
  readonly name: string;
  readonly mode: LockMode;
  /** Runs the callback. The lock is held until it resolves. */
  readonly grant: () => Promise<void>;
  /** The lock is taken away. */
  readonly steal: () => void;
}

/** A LockManager in memory, for hosts without Web Locks. */
export class SimulatedLocks implements LockManager {
  #held: Wanted[] = [];
  #pending: Wanted[] = [];

  /** As `LockManager.query`. */
  query(): Promise<LockManagerSnapshot> {
    const info = ({ name, mode }: Wanted) => ({ name, mode, clientId: 'simulated' });
    return Promise.resolve({ held: this.#held.map(info), pending: this.#pending.map(info) });
  }

  /** As `LockManager.request`. */
  request<T>(name: string, callback: LockGrantedCallback<T>): Promise<Awaited<T>>;
  /** As `LockManager.request`. */
  request<T>(
    name: string,
    options: LockOptions,
    callback: LockGrantedCallback<T>,
  ): Promise<Awaited<T>>;
  async request<T>(
    name: string,
    second: LockOptions | LockGrantedCallback<T>,
    third?: LockGrantedCallback<T>,
  ): Promise<Awaited<T>> {
    const [options, callback] = typeof second === 'function' ? [{}, second] : [second, third];
    if (!callback) throw new TypeError('There is no callback.');
    const { mode = 'exclusive', ifAvailable = false, steal = false, signal } = options;
    requireSense(String(name), options);
    signal?.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const run = async (lock: Lock | null) => {
        await (async () => await callback(lock))().then(resolve, reject);
      };
      const wanted: Wanted = {
        name: String(name),
        mode,
        grant: () => run({ name: String(name), mode }),
        steal: () => reject(exception('AbortError', 'The lock was stolen.')),
      };
      if (ifAvailable && !this.#isFree(wanted, this.#pending)) {
        run(null).catch(reject);
        return;
      }
      if (steal) this.#steal(wanted);
      else this.#pending.push(wanted);
      signal?.addEventListener('abort', () => {
        if (!this.#pending.includes(wanted)) return;
        this.#pending = this.#pending.filter((other) => other !== wanted);
        reject(signal.reason);
        this.#grantWhatMay();
      });
      this.#grantWhatMay();
    });
  }

  /** I2 */
  #steal(wanted: Wanted): void {
    const robbed = this.#held.filter(({ name }) => name === wanted.name);
    this.#held = this.#held.filter((held) => !robbed.includes(held));
    for (const { steal } of robbed) steal();
    this.#pending.unshift(wanted);
  }

  /** I1 */
  #grantWhatMay(): void {
    for (const wanted of [...this.#pending]) {
      const earlier = this.#pending.slice(0, this.#pending.indexOf(wanted));
      if (this.#isFree(wanted, earlier)) this.#grant(wanted);
    }
  }

  #isFree({ name, mode }: Wanted, earlier: readonly Wanted[]): boolean {
    return [...this.#held, ...earlier].every(
      (other) => other.name !== name || (mode === 'shared' && other.mode === 'shared'),
    );
  }

  #grant(wanted: Wanted): void {
    this.#pending = this.#pending.filter((other) => other !== wanted);
    this.#held.push(wanted);
    const over = () => {
      this.#held = this.#held.filter((held) => held !== wanted);
      this.#grantWhatMay();
    };
    // The callback runs later, as it does in a browser.
    Promise.resolve()
      .then(() => wanted.grant())
      .then(over, over);
  }
}

function requireSense(name: string, options: LockOptions): void {
  const { mode = 'exclusive', ifAvailable = false, steal = false, signal } = options;
  const isSenseless =
    name.startsWith('-') ||
    (steal && (ifAvailable || mode === 'shared')) ||
    (signal !== undefined && (steal || ifAvailable));
  if (isSenseless) throw new DOMException('The options exclude each other.', 'NotSupportedError');
}
