/**
 * The browser of the histories: a control page and the pages with seats, in one profile, each in a renderer
 * process of its own, and what can only be done to them from outside.
 *
 *   page: absent ──heal──▶ there ──close, kill──▶ absent
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { modulePage, startHost } from '../../../tools/browser-host.mjs';
import type { HistoryPlan, PageDeed } from './plan.ts';
import type { Control, Recording } from './protocol.ts';
import { PAGES } from './seats.ts';

export const HISTORY_PAGE = 'tests/support/pages/history.ts';
/** A renderer kept for the next page would be taken for it. */
const FLAGS = ['--disable-features=SpareRendererForSitePerProcess'];
const CONNECT_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

type Host = Awaited<ReturnType<typeof startHost>>;

declare global {
  var control: Control;
}

export interface BundledPage {
  readonly root: string;
  readonly entry: string;
}

interface SeatPage {
  readonly page: Page;
  readonly pid: number;
}

export class HistoryBrowser {
  readonly #host: Host;
  readonly #browser: Browser;
  readonly #control: Page;
  readonly #entry: string;
  readonly #pages: Map<number, SeatPage> = new Map();
  /** Errors that nobody caught, of any page. */
  readonly errors: string[];

  private constructor(
    host: Host,
    parts: {
      readonly browser: Browser;
      readonly control: Page;
      readonly entry: string;
      readonly errors: string[];
    },
  ) {
    this.#host = host;
    this.#browser = parts.browser;
    this.#control = parts.control;
    this.#entry = parts.entry;
    this.errors = parts.errors;
  }

  static async start({ root, entry }: BundledPage): Promise<HistoryBrowser> {
    const errors: string[] = [];
    const host = await startHost({
      root,
      tabs: true,
      flags: FLAGS,
      onMessage: ({ kind, data }) => {
        if (kind === 'page-error') errors.push(JSON.stringify(data));
      },
    });
    host.open(modulePage(entry, { role: 'control' }));
    const browser = await connect(host.profileDir);
    const control = await pageAt(contextOf(browser), 'role=control');
    const started = new HistoryBrowser(host, { browser, control, entry, errors });
    await control.exposeFunction('strikeFromOutside', (deed: PageDeed) => started.#strike(deed));
    await control.waitForFunction(() => 'control' in globalThis);
    return started;
  }

  async run(plan: HistoryPlan): Promise<Recording> {
    for (const page of PAGES) if (!this.#pages.has(page)) await this.#openPage(page);
    const seats = plan.jobs.map(({ seat }) => seat);
    await this.#control.evaluate((wanted) => control.seated(wanted), seats);
    return await this.#control.evaluate((wanted) => control.run(wanted), plan);
  }

  async close(): Promise<void> {
    await this.#browser.close().catch(() => {});
    await this.#host.close();
  }

  async #openPage(number: number): Promise<void> {
    const before = this.#host.pagePids();
    const page = await contextOf(this.#browser).newPage();
    await page.goto(new URL(modulePage(this.#entry, { role: number }), this.#host.origin).href);
    const pid = await only(() => this.#host.pagePids().filter((found) => !before.includes(found)));
    this.#pages.set(number, { page, pid });
  }

  async #strike(deed: PageDeed): Promise<void> {
    const struck = this.#pages.get(deed.page);
    if (!struck) return;
    const { page, pid } = struck;
    switch (deed.kind) {
      case 'close':
        this.#pages.delete(deed.page);
        return await page.close();
      case 'kill':
        this.#pages.delete(deed.page);
        // That it is this page that crashes says that the process was its own.
        await Promise.all([page.waitForEvent('crash'), process.kill(pid, 'SIGKILL')]);
        return await page.close().catch(() => {});
      case 'stop':
        process.kill(pid, 'SIGSTOP');
        await sleep(deed.ms);
        process.kill(pid, 'SIGCONT');
        return;
      case 'freeze': {
        const session = await page.context().newCDPSession(page);
        await session.send('Page.setWebLifecycleState', { state: 'frozen' });
        await sleep(deed.ms);
        await session.send('Page.setWebLifecycleState', { state: 'active' });
        return await session.detach();
      }
    }
  }
}

/** The only one, once there is but one: an empty tab may have had a process of its own. */
async function only(found: () => readonly number[]): Promise<number> {
  const deadline = Date.now() + CONNECT_TIMEOUT_MS;
  for (;;) {
    const [first, ...others] = found();
    if (first !== undefined && others.length === 0) return first;
    if (Date.now() > deadline) throw new Error(`A page has the processes ${found().join()}`);
    await sleep(POLL_MS);
  }
}

/** Waits until the browser says where it listens. */
async function connect(profileDir: string): Promise<Browser> {
  const deadline = Date.now() + CONNECT_TIMEOUT_MS;
  for (;;) {
    try {
      const [port] = readFileSync(join(profileDir, 'DevToolsActivePort'), 'utf8').split('\n');
      return await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    } catch (cause) {
      if (Date.now() > deadline) throw cause;
    }
    await sleep(POLL_MS);
  }
}

function contextOf(browser: Browser): BrowserContext {
  const [context] = browser.contexts();
  if (!context) throw new Error('The browser has no profile');
  return context;
}

async function pageAt(context: BrowserContext, part: string): Promise<Page> {
  const deadline = Date.now() + CONNECT_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const page = context.pages().find((candidate) => candidate.url().includes(part));
    if (page) return page;
    await sleep(POLL_MS);
  }
  throw new Error(`There is no page with ${part}`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
