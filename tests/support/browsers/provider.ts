/**
 * A provider for Vitest's browser mode that only starts a browser on Vitest's page and kills it at the
 * end. Vitest's runner in the page does all else over its own WebSocket, so no protocol is needed to
 * drive the browser, and any browser will do.
 *
 *   closed ──openPage──▶ running ──close──▶ closed
 */
import { defineBrowserProvider } from '@vitest/browser';
import type { BrowserProvider, BrowserProviderOption } from 'vitest/node';
import { BROWSER_NAMES } from '../../../tools/browsers/browser.mjs';
import { launcher } from '../../../tools/browsers/start.mjs';
import { findBrowser } from '../../../tools/find-browser.mjs';
import type { Target } from './targets.ts';

const NAME = 'started';

export interface StartedOptions {
  readonly target: Target;
  readonly profileDir: string;
}

export function startedBrowser(options: StartedOptions): BrowserProviderOption {
  return defineBrowserProvider({
    name: NAME,
    supportedBrowser: BROWSER_NAMES,
    options: { ...options },
    providerFactory: () => new StartedBrowser(options),
  });
}

class StartedBrowser implements BrowserProvider {
  readonly name = NAME;
  /** One page on one profile. */
  readonly supportsParallelism = false;
  readonly #options: StartedOptions;
  #close: (() => Promise<void>) | undefined;

  constructor(options: StartedOptions) {
    this.#options = options;
  }

  /** Commands get nothing of the browser: there is no protocol to it. */
  getCommandsContext(): Record<string, unknown> {
    return {};
  }

  async openPage(_sessionId: string, url: string): Promise<void> {
    await this.close();
    const { target, profileDir } = this.#options;
    const executable = await findBrowser(target.browser, { install: false });
    const { env, flags } = target;
    const launch = await launcher(target.browser, { executable, profileDir, env });
    const browser = launch.start(url, flags);
    this.#close = async () => {
      await browser.kill();
      await launch.close();
    };
  }

  async close(): Promise<void> {
    const close = this.#close;
    this.#close = undefined;
    await close?.();
  }
}
