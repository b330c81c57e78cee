/**
 * Runs pages of this repository in a real browser that can be killed and started again on the same
 * profile. The page server lives in this process and survives the browser, so what a page reported
 * before a kill is evidence from outside the crash.
 *
 *   idle ──open──▶ running ──kill──▶ idle
 *                     └─browser exits─▶ idle (waiting calls reject)
 */
import { launcher } from './browsers/start.mjs';
import { findBrowser } from './find-browser.mjs';
import { MessageLog } from './message-log.mjs';
import { modulePage, startPageServer } from './page-server.mjs';
import { createProfileDir, removeProfileDir } from './profile-dir.mjs';
import { tabsOf } from './tabs.mjs';

export { modulePage };

const WAIT_TIMEOUT_MS = 60_000;

/**
 * @typedef {object} HostOptions
 * @property {string} [entry] path of the page to open at once, as for open()
 * @property {string} [root] folder to serve; default: the repository
 * @property {number} [port] default: a free one
 * @property {import('./browsers/browser.mjs').BrowserName} [browser] default: chromium
 * @property {string} [executable] of that browser; default: the one find-browser finds
 * @property {string} [profileDir] default: a new one, removed by close()
 * @property {Readonly<Record<string, import('./page-server.mjs').Route>>} [routes] what else to serve
 * @property {readonly string[]} [flags] more command line flags for the browser
 * @property {Readonly<Record<string, string>>} [env] more variables for the browser
 * @property {boolean} [tabs] can openTab() be called, and in Chromium closePages()? Default: false
 * @property {(message: import('./message-log.mjs').Message) => void} [onMessage]
 */

/** @param {HostOptions} [options] */
export async function startHost(options = {}) {
  const { browser: name = 'chromium' } = options;
  const executable = options.executable ?? (await findBrowser(name));
  const profileDir = options.profileDir ?? createProfileDir('host');
  const launch = await launcher(name, { executable, profileDir, env: options.env ?? {} });
  const messages = new MessageLog();
  let run = 0;
  /** @type {import('./browsers/start.mjs').RunningBrowser | undefined} */
  let browser;
  const running = () => {
    if (!browser) throw new Error('The browser does not run');
    return browser;
  };
  const pages = () => running().pages();
  const tabs = options.tabs ? tabsOf(name, { profileDir, pages }) : undefined;
  const server = await startPageServer({
    ...(options.root === undefined ? {} : { root: options.root }),
    ...(options.port === undefined ? {} : { port: options.port }),
    routes: { ...options.routes, ...tabs?.routes },
    onMessage: ({ kind, data }) => {
      const message = { run, kind, data };
      messages.add(message);
      options.onMessage?.(message);
    },
  });

  const host = {
    origin: server.origin,
    profileDir,
    /** All messages of all runs: iterate to follow them, or read `.all`. */
    messages,

    /** Pid of the browser's first process while it runs. */
    get pid() {
      return browser?.pid;
    },

    /**
     * Starts the browser on a page.
     *
     * @param {string} path of an HTML file in the repository, or modulePage('some/module.ts', {…})
     */
    open(path) {
      if (browser) throw new Error('The browser runs already: kill() it first, or restart()');
      run += 1;
      messages.resume();
      const url = new URL(path, server.origin).href;
      const flags = [...(options.flags ?? []), ...(tabs?.flags ?? [])];
      const started = launch.start(tabs?.start(url) ?? url, flags);
      browser = started;
      started.onExit((reason) => {
        if (browser === started) messages.end(reason);
      });
    },

    /**
     * @param {string} kind
     * @param {{ timeoutMs?: number }} [waitOptions] default: 60,000 ms
     */
    waitFor(kind, { timeoutMs = WAIT_TIMEOUT_MS } = {}) {
      return messages.waitFor(kind, { run, timeoutMs });
    },

    /** SIGKILL to the whole process tree. Afterwards no message of this run can arrive any more. */
    async kill() {
      if (!browser) return;
      await browser.kill();
      await server.drained();
      browser = undefined;
      messages.end(new Error('The browser was killed'));
    },

    /** SIGKILL to the processes of the pages only: the browser goes on, its database with it. */
    async killPages() {
      await running().killPages(tabs?.spared());
    },

    /** SIGKILL to the process behind IndexedDB and the network, in WebKit: the pages go on. */
    async killNetwork() {
      await running().killNetwork();
    },

    /** Pids of the processes of the pages. */
    pagePids: pages,

    /** Closes the pages in good order: the browser goes on. */
    async closePages() {
      await tabs?.close(server.origin);
    },

    /** Opens another page in the running browser. @param {string} path as for open() */
    async openTab(path) {
      run += 1;
      await tabs?.open(new URL(path, server.origin).href);
    },

    /** Kills the browser and starts it again on the same profile and origin. @param {string} path */
    async restart(path) {
      await host.kill();
      host.open(path);
    },

    async close() {
      await host.kill();
      await launch.close();
      await server.close();
      if (options.profileDir === undefined) removeProfileDir(profileDir);
    },
  };
  if (options.entry !== undefined) host.open(options.entry);
  return host;
}
