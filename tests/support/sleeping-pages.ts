/** Two pages of one browser, one of which can be put to sleep: by its lifecycle, or with its process. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { modulePage, startHost } from '../../tools/browser-host.mjs';
import { descendants } from '../../tools/process-tree.mjs';
import type { Sleeper } from './pages/sleeper.ts';

const PAGE = 'tests/support/pages/sleeper.ts';
const PORT_FILE = 'DevToolsActivePort';
const BURN_MS = 200;
const POLL_MS = 20;
const START_TIMEOUT_MS = 60_000;

export type Sleep = 'frozen' | 'stopped';

type Argument<F> = F extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never) => infer R ? Awaited<R> : never;

/** A page, asked from outside. */
export class SleepingPage {
  readonly #page: Page;
  readonly #browserPid: number;
  #wake: (() => Promise<void>) | undefined;

  constructor(page: Page, browserPid: number) {
    this.#page = page;
    this.#browserPid = browserPid;
  }

  ask<K extends keyof Sleeper>(
    name: K,
    ...args: Argument<Sleeper[K]>
  ): Promise<Result<Sleeper[K]>> {
    return this.#page.evaluate(
      ([method, given]) => (globalThis.sleeper[method] as (...all: unknown[]) => unknown)(...given),
      [name, args as unknown[]] as const,
    ) as Promise<Result<Sleeper[K]>>;
  }

  /** Loads it anew, as a page that has nothing open. */
  async load(url: string): Promise<void> {
    await this.#page.goto(url);
    // Not by frames: a page that is hidden has none.
    await this.#page.waitForFunction(() => globalThis.sleeper !== undefined, undefined, {
      polling: POLL_MS,
    });
  }

  async sleep(how: Sleep): Promise<void> {
    if (how === 'stopped') {
      const pid = await this.#process();
      process.kill(pid, 'SIGSTOP');
      this.#wake = async () => void process.kill(pid, 'SIGCONT');
      return;
    }
    const session = await this.#page.context().newCDPSession(this.#page);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    this.#wake = async () => {
      await session.send('Page.setWebLifecycleState', { state: 'active' });
      await session.detach();
    };
  }

  async wake(): Promise<void> {
    const wake = this.#wake;
    this.#wake = undefined;
    await wake?.();
  }

  /** The process that does what the page is asked to. */
  async #process(): Promise<number> {
    const before = processorTimes(this.#browserPid);
    const until = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < until) {
      await this.ask('burn', BURN_MS);
      const [most, next] = [...processorTimes(this.#browserPid)]
        .map(([pid, ms]) => ({ pid, ms: ms - (before.get(pid) ?? ms) }))
        .sort((a, b) => b.ms - a.ms);
      // A busy machine gives it less than it asks for.
      if (most && most.ms >= BURN_MS && most.ms > 2 * (next?.ms ?? 0)) return most.pid;
    }
    throw new Error('No process of the page is to be found');
  }
}

/** Processor time of the processes of pages, in milliseconds. */
function processorTimes(browserPid: number): Map<number, number> {
  const times = new Map<number, number>();
  for (const pid of descendants(browserPid)) {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer')) continue;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    times.set(pid, 10 * (Number(user) + Number(system)));
  }
  return times;
}

export class SleepingPages {
  readonly #host: Awaited<ReturnType<typeof startHost>>;
  readonly #browser: Browser;
  readonly first: SleepingPage;
  readonly second: SleepingPage;

  private constructor(
    host: Awaited<ReturnType<typeof startHost>>,
    browser: Browser,
    pages: readonly [SleepingPage, SleepingPage],
  ) {
    this.#host = host;
    this.#browser = browser;
    [this.first, this.second] = pages;
  }

  static async start(): Promise<SleepingPages> {
    const host = await startHost({ tabs: true, entry: modulePage(PAGE) });
    try {
      const browser = await chromium.connectOverCDP(await debuggerOf(host.profileDir), {
        noDefaults: true,
      });
      const [context] = browser.contexts();
      const [page] = context?.pages() ?? [];
      const other = await context?.newPage();
      if (!page || !other || host.pid === undefined) throw new Error('The browser has no pages');
      const pages = [page, other].map((each) => new SleepingPage(each, host.pid ?? 0));
      return new SleepingPages(host, browser, pages as [SleepingPage, SleepingPage]);
    } catch (cause) {
      await host.close();
      throw cause;
    }
  }

  /** Both as new pages. */
  async load(): Promise<void> {
    // A stopped process would not be told anything.
    for (const page of [this.first, this.second]) {
      await page.wake();
      await page.load(new URL(modulePage(PAGE), this.#host.origin).href);
    }
  }

  async close(): Promise<void> {
    for (const page of [this.first, this.second]) await page.wake();
    await this.#browser.close();
    await this.#host.close();
  }
}

async function debuggerOf(profileDir: string): Promise<string> {
  const path = join(profileDir, PORT_FILE);
  const until = Date.now() + START_TIMEOUT_MS;
  while (!existsSync(path) || readFileSync(path, 'utf8').trim() === '') {
    if (Date.now() > until) throw new Error('The browser does not say where it is debugged');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return `http://127.0.0.1:${readFileSync(path, 'utf8').split('\n')[0]}`;
}
