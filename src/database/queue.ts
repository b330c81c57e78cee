/**
 * Turns on one connection: a wa-sqlite build runs one call at a time.
 *
 *   I1  Turns are had one at a time, in the order they were asked for.
 *   I2  One that is aborted while it waits is never had, and holds up nobody.
 */

export class Queue {
  #last: Promise<void> = Promise.resolve();

  /** Has a turn. Rejects with the signal's reason if it is aborted before the turn comes. */
  async run<T>(turn: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const before = this.#last;
    let end: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    // I1: also behind one that gives up its place.
    this.#last = before.then(() => over);
    try {
      await (signal ? orAborted(before, signal) : before);
      return await turn();
    } finally {
      end();
    }
  }
}

function orAborted(before: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    void before.then(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}
