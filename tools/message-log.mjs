/** Messages from a page, kept in order, with ways to wait for them. */

/**
 * @typedef {{ run: number, kind: string, data: unknown }} Message
 *   run: which start of the browser sent it, from 1
 */

export const PAGE_ERROR = 'page-error';

export class MessageLog {
  /** @type {Message[]} */
  all = [];
  /** @type {Error | undefined} why nothing more will come */
  #ended;
  #listeners = new Set();

  /** @param {Message} message */
  add(message) {
    this.all.push(message);
    this.#wake();
  }

  /** @param {Error} reason */
  end(reason) {
    this.#ended = reason;
    this.#wake();
  }

  resume() {
    this.#ended = undefined;
  }

  /** Every message from the first on, for as long as the browser runs. */
  async *[Symbol.asyncIterator]() {
    for (let next = 0; ; ) {
      const message = this.all[next];
      if (message !== undefined) {
        next += 1;
        yield message;
      } else if (this.#ended) {
        return;
      } else {
        await this.#change();
      }
    }
  }

  /**
   * @param {string} kind
   * @param {{ run: number, timeoutMs: number }} options
   * @returns {Promise<unknown>} the data of that run's first message of this kind; rejects when the
   *   page reported an error instead, the browser went away, or time is up
   */
  async waitFor(kind, { run, timeoutMs }) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const ofRun = this.all.filter((message) => message.run === run);
      const found = ofRun.find((message) => message.kind === kind);
      if (found) return found.data;
      const failure = ofRun.find((message) => message.kind === PAGE_ERROR);
      if (failure) throw new Error(`The page failed: ${JSON.stringify(failure.data)}`);
      if (this.#ended) throw this.#ended;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) {
        const kinds = [...new Set(ofRun.map((message) => message.kind))].join(', ') || 'none';
        throw new Error(`No "${kind}" message within ${timeoutMs} ms; received: ${kinds}`);
      }
      await this.#change(leftMs);
    }
  }

  /** @param {number} [timeoutMs] @returns {Promise<void>} */
  #change(timeoutMs) {
    return new Promise((resolve) => {
      /** @type {NodeJS.Timeout | undefined} */
      let timer;
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      if (timeoutMs !== undefined) timer = setTimeout(done, timeoutMs);
      this.#listeners.add(done);
    });
  }

  #wake() {
    for (const listener of [...this.#listeners]) listener();
  }
}
