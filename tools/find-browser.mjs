/**
 * Finds a browser that runs; installs it if there is none.
 * As a program (arguments: any of chromium, firefox and webkit; without one chromium): says on stderr
 * what it tries, prints the paths on stdout.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BROWSER_NAMES, BROWSERS } from './browsers/browser.mjs';

/**
 * @typedef {import('./browsers/browser.mjs').Browser} Browser
 * @typedef {import('./browsers/browser.mjs').BrowserName} BrowserName
 * @typedef {import('./browsers/browser.mjs').Log} Log
 *
 * @typedef {object} FindOptions
 * @property {Log} [log] default is to say nothing
 * @property {boolean} [install] may it install a browser? default true
 */

/** @param {FindOptions} [options] @returns {Promise<string>} path of the executable */
export function findChromium(options) {
  return findBrowser('chromium', options);
}

/**
 * @param {BrowserName} name
 * @param {FindOptions} [options]
 * @returns {Promise<string>} path of the executable
 */
export async function findBrowser(name, { log = () => {}, install = true } = {}) {
  const browser = BROWSERS[name];
  const found = (await fromEnvironment(browser, log)) ?? (await firstThatRuns(browser, log));
  if (found !== undefined) return found;
  if (install) {
    for (const installer of browser.installers()) {
      log(`no ${browser.title} yet; trying: ${installer.title}`);
      if (!installer.run(log)) continue;
      const installed = await firstThatRuns(browser, log);
      if (installed !== undefined) return installed;
    }
  }
  throw new Error(
    `No ${browser.title} found. ${browser.advice}, or set ${browser.variables[0]} to its path.`,
  );
}

/**
 * Whether a browser seems to be there. Nothing is started, so it may turn out not to run.
 *
 * @param {BrowserName} name
 */
export function looksInstalled(name) {
  const browser = BROWSERS[name];
  const isThere = browser.variables.some((variable) => process.env[variable]) || isIn(browser);
  return isThere && (browser.helpers ?? []).every((helper) => isIn({ names: [helper] }));
}

/** @param {Places} where */
function isIn(where) {
  return [...placesOf(where)].some(isExecutable);
}

/**
 * A variable that names a browser that doesn't run is an error: falling through would hide it.
 *
 * @param {Browser} browser
 * @param {Log} log
 */
async function fromEnvironment(browser, log) {
  for (const variable of browser.variables) {
    const path = process.env[variable];
    if (!path) continue;
    if (await runs(browser, path, log)) return path;
    throw new Error(`${variable} is set to "${path}", but that does not run as a browser.`);
  }
  return undefined;
}

/** @param {Browser} browser @param {Log} log */
async function firstThatRuns(browser, log) {
  for (const path of placesOf(browser)) {
    if (isExecutable(path) && (await runs(browser, path, log))) return path;
  }
  return undefined;
}

/**
 * @typedef {{ names: readonly string[], places?: () => readonly string[] }} Places
 * @param {Places} where
 */
function placesOf({ names, places = () => [] }) {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((dir) => isAbsolute(dir));
  if (process.platform === 'linux') folders.push('/usr/bin');
  const inFolders = folders.flatMap((dir) => names.map((name) => join(dir, name + suffix)));
  return new Set([...inFolders, ...places()]);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {Browser} browser @param {string} path @param {Log} log */
async function runs(browser, path, log) {
  try {
    if (!isExecutable(path)) throw new Error('there is no such program');
    log(`found ${path}: ${await browser.version(path)}`);
    return true;
  } catch (error) {
    log(`${path} does not run: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const words = process.argv.slice(2);
    const log = (/** @type {string} */ line) => console.error(`find-browser: ${line}`);
    for (const word of words.length > 0 ? words : ['chromium']) {
      const name = BROWSER_NAMES.find((known) => known === word);
      if (!name) throw new Error(`"${word}" is none of ${BROWSER_NAMES.join(', ')}`);
      console.log(await findBrowser(name, { log }));
    }
  } catch (error) {
    console.error(`find-browser: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
