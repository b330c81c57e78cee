/**
 * How more pages are opened in a browser that runs: Chromium is asked through its debugging port, the others
 * by a page that keeps them company.
 */
import { createKeeper } from './keeper.mjs';
import { closeTabs, openNewTab, TABS_FLAG } from './new-tab.mjs';

/**
 * @typedef {object} Tabs
 * @property {readonly string[]} flags for the browser
 * @property {Readonly<Record<string, import('./page-server.mjs').Route>>} routes to be served
 * @property {(url: string) => string} start the page to start the browser on, so that it shows `url`
 * @property {(url: string) => Promise<void>} open
 * @property {(origin: string) => Promise<void>} close the pages of an origin, in good order
 * @property {() => readonly number[]} spared pids of pages' processes that are not the program's
 *
 * @param {import('./browsers/browser.mjs').BrowserName} name
 * @param {{ profileDir: string, pages: () => number[] }} browser pages: pids of its pages' processes
 * @returns {Tabs}
 */
export function tabsOf(name, { profileDir, pages }) {
  if (name === 'chromium') {
    return {
      flags: [TABS_FLAG],
      routes: {},
      start: (url) => url,
      open: (url) => openNewTab(profileDir, url),
      close: (origin) => closeTabs(profileDir, origin),
      spared: () => [],
    };
  }
  const keeper = createKeeper(pages);
  return {
    ...keeper,
    flags: name === 'webkit' ? ['--javascript-can-open-windows-automatically=true'] : [],
    close: () => Promise.reject(new Error(`No way to close tabs in ${name}`)),
  };
}
