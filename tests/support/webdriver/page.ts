/** A page in a browser that is driven by WebDriver: what a person does there with the keyboard, and what they see. */
import { type KeyName, pressed, typed } from './keys.ts';

export type Command =
  | 'NewSession'
  | 'Navigate'
  | 'ExecuteScript'
  | 'PerformActions'
  | 'TakeScreenshot';

/** How commands get to a browser. */
export interface Wire {
  /** @returns what the command answers; rejects with the browser's own words */
  send(command: Command, parameters: object): Promise<unknown>;
  /** Ends the browser. */
  close(): Promise<void>;
}

const TABS_MAX = 60;
const POLL_MS = 50;

export class DrivenPage {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async goto(url: string): Promise<void> {
    await this.#wire.send('Navigate', { url });
  }

  /** Runs the body of a function in the page; it sees what it is given as `arguments`. */
  async run<T>(script: string, ...args: readonly unknown[]): Promise<T> {
    return (await this.#wire.send('ExecuteScript', { script, args })) as T;
  }

  /** The text that an element has now. */
  async text(id: string): Promise<string> {
    return await this.run('return document.getElementById(arguments[0]).textContent.trim()', id);
  }

  /** Resolves with an element's text when it matches. */
  async textLike(id: string, pattern: RegExp, timeoutMs = 60_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const text = await this.text(id);
      if (pattern.test(text)) return text;
      if (Date.now() > deadline) throw new Error(`"${id}" says "${text}", not ${pattern}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Goes to an element by the Tab key. */
  async tabTo(id: string): Promise<void> {
    for (let i = 0; i < TABS_MAX; i++) {
      const at = await this.run<string>('return document.activeElement?.id ?? ""');
      if (at === id) return;
      await this.press('Tab');
    }
    throw new Error(`The Tab key does not lead to "${id}"`);
  }

  /** Keys at the same time, the last one released first. */
  async press(...keys: readonly (KeyName | string)[]): Promise<void> {
    await this.#wire.send('PerformActions', pressed(keys));
  }

  async type(text: string): Promise<void> {
    await this.#wire.send('PerformActions', typed(text));
  }

  /** A PNG image of what is seen. */
  async screenshot(): Promise<Buffer> {
    return Buffer.from((await this.#wire.send('TakeScreenshot', {})) as string, 'base64');
  }

  async close(): Promise<void> {
    await this.#wire.close();
  }
}
