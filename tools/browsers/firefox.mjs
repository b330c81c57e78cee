import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { firefox as playwrightFirefox } from 'playwright';
import { installersOf } from '../install-browser.mjs';
import { askVersion } from './version.mjs';

/** A port where nobody listens. */
const NOWHERE = 'http://127.0.0.1:9/';

/** No pages but ours, quiet on the network, and no questions: nobody is there to answer. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.auto': false,
  'browser.aboutwelcome.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.sessionstore.resume_from_crash': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.healthreport.uploadEnabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  // A page may open others without having been clicked on, as many as it likes.
  'dom.disable_open_during_load': false,
  // No process waits for a page that may come: each one that there is belongs to a page.
  'dom.ipc.processPrelaunch.enabled': false,
  'dom.max_script_run_time': 0,
  'dom.popup_maximum': -1,
  'dom.storageManager.prompt.testing': true,
  'dom.storageManager.prompt.testing.allow': true,
  // Where it is driven by WebDriver: at any port, which it writes into its profile.
  'marionette.port': 0,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': NOWHERE,
  'toolkit.startup.max_resumed_crashes': -1,
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.server': NOWHERE,
  'toolkit.telemetry.unified': false,
};

/** @type {import('./browser.mjs').Browser} */
export const firefox = {
  title: 'Firefox',
  variables: ['IDB_BLOCK_VFS_FIREFOX', 'FIREFOX_BIN', 'PLAYWRIGHT_FIREFOX_EXECUTABLE_PATH'],
  names: ['firefox', 'firefox-esr'],
  places: () => [...usualPlaces(), playwrightFirefox.executablePath()],
  advice:
    'Install Firefox (Debian: "apt-get install firefox-esr"; elsewhere: ' +
    '"npx playwright install --with-deps firefox")',
  installers: (machine) =>
    installersOf(
      {
        playwright: 'firefox',
        cask: 'firefox',
        packages: { 'apt-get': ['firefox-esr'], dnf: ['firefox'], apk: ['firefox'] },
      },
      machine,
    ),
  version: askVersion,
  prepare: async (profileDir) => {
    mkdirSync(profileDir, { recursive: true });
    writeFileSync(join(profileDir, 'user.js'), userPreferences());
    return { env: { MOZ_CRASHREPORTER_DISABLE: '1' }, close: async () => {} };
  },
  args: ({ profileDir, url, flags }) => [
    '--headless',
    '--no-remote',
    '--profile',
    profileDir,
    ...flags,
    url,
  ],
  locks: ['lock', '.parentlock'],
  // Its last word is the kind of process: tab, rdd, socket, utility, …
  isPage: (commandLine) => / -contentproc .* tab$/.test(commandLine),
};

function userPreferences() {
  return Object.entries(PREFERENCES)
    .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
    .join('');
}

function usualPlaces() {
  switch (process.platform) {
    case 'darwin':
      return ['/Applications', join(homedir(), 'Applications')].map((dir) =>
        join(dir, 'Firefox.app/Contents/MacOS/firefox'),
      );
    case 'win32':
      return ['PROGRAMFILES', 'PROGRAMFILES(X86)']
        .map((variable) => process.env[variable])
        .filter((dir) => dir !== undefined)
        .map((dir) => join(dir, 'Mozilla Firefox/firefox.exe'));
    default:
      return ['/snap/bin/firefox'];
  }
}
