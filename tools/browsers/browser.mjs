/**
 * The browsers that this project runs in. Each module beside this one knows of its browser where it
 * is installed, how it is started on a page, and what it leaves behind when it is killed.
 *
 * @typedef {'chromium' | 'firefox' | 'webkit'} BrowserName
 *
 * @typedef {(line: string) => void} Log
 *
 * @typedef {object} Surroundings what must be there before the browser starts, and as long as it runs
 * @property {Readonly<Record<string, string>>} env variables besides those of this process
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Browser
 * @property {string} title
 * @property {readonly string[]} variables of the environment that may give its executable
 * @property {readonly string[]} names of its executable, to be looked for in PATH
 * @property {() => readonly string[]} places where else it may be
 * @property {readonly string[]} [helpers] programs without which it does not run
 * @property {string} advice how to install it, as a sentence
 * @property {(machine?: import('../install-browser.mjs').Machine) =>
 *   readonly import('../install-browser.mjs').Installer[]} installers ways to install it without
 *   asking, on that machine or this one
 * @property {(executable: string) => Promise<string>} version rejects if it does not run
 * @property {(profileDir: string) => Promise<Surroundings>} [prepare] default: nothing is needed
 * @property {(options: { profileDir: string, url: string, flags: readonly string[] }) => string[]} args
 * @property {readonly string[]} locks files in the profile that outlive a kill and must not
 * @property {(commandLine: string) => boolean} isPage is this one of its processes that
 *   run pages?
 * @property {(commandLine: string) => boolean} [isNetwork] is this the one that IndexedDB and the network
 *   are in? Default: there is no such process apart from the browser's own
 */
import { chromium } from './chromium.mjs';
import { firefox } from './firefox.mjs';
import { webkit } from './webkit.mjs';

/** @type {Readonly<Record<BrowserName, Browser>>} */
export const BROWSERS = Object.freeze({ chromium, firefox, webkit });
export const BROWSER_NAMES = /** @type {readonly BrowserName[]} */ (Object.keys(BROWSERS));
