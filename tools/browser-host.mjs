/**
 * Runs pages of this repository in a real Chromium that can be killed and started again on the same
 * profile. The page server lives in this process and survives the browser, so what a page reported
 * before a kill is evidence from outside the crash.
 *
 *   idle ──open──▶ running ──kill──▶ idle
 *                     └─browser exits─▶ idle (waiting calls reject)
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CHROMIUM_FLAGS } from './chromium-flags.mjs';
import { findChromium } from './find-browser.mjs';
import { MessageLog } from './message-log.mjs';
import { closeTabs, openNewTab, TABS_FLAG } from './new-tab.mjs';
import { modulePage, startPageServer } from './page-server.mjs';
import { killRenderers, killTree, waitUntilDead } from './process-tree.mjs';
import { createProfileDir, removeProfileDir } from './profile-dir.mjs';

export { modulePage };

const HOST_FLAGS = [
  '--headless=new',
  '--disable-breakpad',
  '--disable-popup-blocking',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];
const PROFILE_LOCKS = ['SingletonLock', 'SingletonSocket', 'SingletonCookie'];
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
const WAIT_TIMEOUT_MS = 60_000;

/**
 * @typedef {object} HostOptions
 * @property {string} [entry] path of the page to open at once, as for open()
 * @property {string} [root] folder to serve; default: the repository
 * @property {number} [port] default: a free one
 * @property {string} [chromium] executable; default: the one find-browser finds
 * @property {string} [profileDir] default: a new one, removed by close()
 * @property {Readonly<Record<string, import('./page-server.mjs').Route>>} [routes] what else to serve
 * @property {readonly string[]} [flags] more command line flags for Chromium
 * @property {boolean} [tabs] can openTab() and closePages() be called? default: false
 * @property {(message: import('./message-log.mjs').Message) => void} [onMessage]
 */

/** @param {HostOptions} [options] */
export async function startHost(options = {}) {
  const chromium = options.chromium ?? (await findChromium());
  const profileDir = options.profileDir ?? createProfileDir('host');
  const messages = new MessageLog();
  let run = 0;
  const server = await startPageServer({
    ...(options.root === undefined ? {} : { root: options.root }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.routes === undefined ? {} : { routes: options.routes }),
    onMessage: ({ kind, data }) => {
      const message = { run, kind, data };
      messages.add(message);
      options.onMessage?.(message);
    },
  });
  /** @type {ReturnType<typeof startBrowser> | undefined} */
  let browser;

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
      const flags = [...CHROMIUM_FLAGS, ...HOST_FLAGS, ...(options.flags ?? [])];
      if (options.tabs) flags.push(TABS_FLAG);
      const started = startBrowser(chromium, [...flags, `--user-data-dir=${profileDir}`, url]);
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
      const { kill } = browser;
      await kill();
      await server.drained();
      browser = undefined;
      messages.end(new Error('The browser was killed'));
      for (const name of PROFILE_LOCKS) rmSync(join(profileDir, name), { force: true });
    },

    /** SIGKILL to the processes of the pages only: the browser goes on, its database with it. */
    async killPages() {
      if (!browser) throw new Error('The browser does not run');
      await killRenderers(browser.pid);
    },

    /** Closes the pages in good order: the browser goes on. */
    async closePages() {
      await closeTabs(profileDir, server.origin);
    },

    /** Opens another page in the running browser. @param {string} path as for open() */
    async openTab(path) {
      run += 1;
      await openNewTab(profileDir, new URL(path, server.origin).href);
    },

    /** Kills the browser and starts it again on the same profile and origin. @param {string} path */
    async restart(path) {
      await host.kill();
      host.open(path);
    },

    async close() {
      await host.kill();
      await server.close();
      if (options.profileDir === undefined) removeProfileDir(profileDir);
    },
  };
  if (options.entry !== undefined) host.open(options.entry);
  return host;
}

/** @param {string} executable @param {string[]} args */
function startBrowser(executable, args) {
  // Its own process group, so that one signal reaches every process of it at the same moment.
  const child = spawn(executable, args, { detached: true, stdio: 'ignore' });
  const { pid } = child;
  // Unheard, the event of a failed start would end this process before the error below is seen.
  child.on('error', () => {});
  if (pid === undefined) throw new Error(`Cannot start ${executable}`);

  const killNow = () => killTree(pid);
  /** @param {NodeJS.Signals} signal */
  const killAndPassOn = (signal) => {
    killNow();
    forget();
    process.kill(process.pid, signal);
  };
  const forget = () => {
    process.off('exit', killNow);
    for (const signal of SIGNALS) process.off(signal, killAndPassOn);
  };
  process.once('exit', killNow);
  for (const signal of SIGNALS) process.once(signal, killAndPassOn);

  return {
    pid,
    /** @param {(reason: Error) => void} listener */
    onExit(listener) {
      child.once('exit', (code, signal) =>
        listener(new Error(`The browser exited by itself: ${signal ?? `status ${code}`}`)),
      );
    },
    async kill() {
      await waitUntilDead(pid, killNow());
      forget();
    },
  };
}
