import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { dyingWithUs } from '../dying-with-us.mjs';
import { killMembers, killTree, membersOf, waitUntilDead } from '../process-tree.mjs';
import { BROWSERS } from './browser.mjs';

/**
 * @typedef {ReturnType<Launcher['start']>} RunningBrowser
 * @typedef {Awaited<ReturnType<typeof launcher>>} Launcher
 */

/**
 * Makes ready to start one browser on one profile, as often as one likes, one at a time.
 *
 * @param {import('./browser.mjs').BrowserName} name
 * @param {{ executable: string, profileDir: string, env?: Readonly<Record<string, string>> }} options
 *   env: more variables of its environment
 */
export async function launcher(name, { executable, profileDir, env = {} }) {
  const browser = BROWSERS[name];
  const surroundings = await browser.prepare?.(profileDir);

  return {
    /** @param {string} url @param {readonly string[]} [flags] */
    start(url, flags = []) {
      const args = browser.args({ profileDir, url, flags });
      const { pid, onExit, kill } = startProcess(executable, args, {
        ...surroundings?.env,
        ...env,
      });
      const pages = () => membersOf(pid, browser.isPage);
      return {
        pid,
        onExit,
        /** SIGKILL to the browser with all its processes; resolves when they are dead. */
        async kill() {
          await kill();
          for (const lock of browser.locks) rmSync(join(profileDir, lock), { force: true });
        },
        /**
         * SIGKILL to the processes of the pages only.
         * @param {readonly number[]} [spared] pids of some that are to live on
         */
        killPages: (spared = []) =>
          killMembers(
            pid,
            pages().filter((page) => !spared.includes(page)),
          ),
        /** SIGKILL to the process of the network only, where IndexedDB is a part of it. */
        killNetwork: () => killMembers(pid, membersOf(pid, browser.isNetwork ?? (() => false))),
        /** Pids of the processes of the pages. */
        pages,
      };
    },
    /** To be called when the browser does not run. */
    async close() {
      await surroundings?.close();
    },
  };
}

/**
 * @param {string} executable
 * @param {string[]} args
 * @param {Readonly<Record<string, string>>} [env] more variables
 */
function startProcess(executable, args, env = {}) {
  // Its own process group, so that one signal reaches every process of it at the same moment.
  const child = spawn(executable, args, {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, ...env },
  });
  const { pid } = child;
  // Unheard, the event of a failed start would end this process before the error below is seen.
  child.on('error', () => {});
  if (pid === undefined) throw new Error(`Cannot start ${executable}`);
  const forget = dyingWithUs(() => killTree(pid));
  return {
    pid,
    /** @param {(reason: Error) => void} listener */
    onExit(listener) {
      child.once('exit', (code, signal) =>
        listener(new Error(`The browser exited by itself: ${signal ?? `status ${code}`}`)),
      );
    },
    async kill() {
      await waitUntilDead(pid, killTree(pid));
      forget();
    },
  };
}
