import { homedir } from 'node:os';
import { join } from 'node:path';
import { chromium as playwrightChromium } from 'playwright';
import { CHROMIUM_FLAGS } from '../chromium-flags.mjs';
import { installersOf } from '../install-browser.mjs';
import { askVersion } from './version.mjs';

const FLAGS = [
  ...CHROMIUM_FLAGS,
  '--headless=new',
  '--disable-breakpad',
  '--disable-popup-blocking',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

/** @type {import('./browser.mjs').Browser} */
export const chromium = {
  title: 'Chromium',
  variables: [
    'IDB_BLOCK_VFS_CHROMIUM',
    'CHROME_PATH',
    'PUPPETEER_EXECUTABLE_PATH',
    'PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH',
  ],
  names: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'],
  places: () => [...usualPlaces(), playwrightChromium.executablePath()],
  advice:
    'Install Chromium or Chrome (Debian: "apt-get install chromium"; elsewhere: ' +
    '"npx playwright install --with-deps chromium")',
  installers: (machine) =>
    installersOf(
      {
        playwright: 'chromium',
        cask: 'google-chrome',
        packages: { 'apt-get': ['chromium'], dnf: ['chromium'], apk: ['chromium'] },
      },
      machine,
    ),
  version: askVersion,
  args: ({ profileDir, url, flags }) => [...FLAGS, ...flags, `--user-data-dir=${profileDir}`, url],
  locks: ['SingletonLock', 'SingletonSocket', 'SingletonCookie'],
  isPage: (commandLine) => commandLine.includes('--type=renderer'),
};

function usualPlaces() {
  switch (process.platform) {
    case 'darwin':
      return ['/Applications', join(homedir(), 'Applications')].flatMap((dir) => [
        join(dir, 'Chromium.app/Contents/MacOS/Chromium'),
        join(dir, 'Google Chrome.app/Contents/MacOS/Google Chrome'),
      ]);
    case 'win32':
      return ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA']
        .map((variable) => process.env[variable])
        .filter((dir) => dir !== undefined)
        .flatMap((dir) => [
          join(dir, 'Google/Chrome/Application/chrome.exe'),
          join(dir, 'Chromium/Application/chrome.exe'),
        ]);
    default:
      return ['/opt/google/chrome/chrome', '/snap/bin/chromium'];
  }
}
