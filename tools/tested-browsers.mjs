/**
 * The browsers that `npm test` runs in. In CI (variable `CI`) that is each of them: one that is missing is
 * installed or an error. Elsewhere it is Chromium, which is installed, and of the others those that are there.
 * As a program: finds or installs them, and says what is left out.
 */
import { pathToFileURL } from 'node:url';
import { BROWSERS } from './browsers/browser.mjs';
import { findBrowser, looksInstalled } from './find-browser.mjs';

/** @typedef {import('./browsers/browser.mjs').BrowserName} BrowserName */

/** @type {readonly BrowserName[]} */
const ALL = ['chromium', 'firefox', 'webkit'];

/**
 * @param {{ isCI?: boolean, isThere?: (name: BrowserName) => boolean }} [host] default: this one
 * @returns {readonly BrowserName[]}
 */
export function testedBrowsers({
  isCI = Boolean(process.env['CI']),
  isThere = looksInstalled,
} = {}) {
  return ALL.filter((name) => name === 'chromium' || isCI || isThere(name));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const tested = testedBrowsers();
  for (const name of ALL) {
    if (tested.includes(name)) {
      await findBrowser(name, { log: (line) => console.error(`find-browser: ${line}`) });
    } else {
      console.error(`Not tested in ${BROWSERS[name].title}. ${BROWSERS[name].advice}.`);
    }
  }
}
