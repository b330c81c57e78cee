/**
 * Finds a Chromium that runs, installing one if there is none.
 * As a program: says on stderr what it tries, prints the path on stdout.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium as playwrightChromium } from 'playwright';
import { installers } from './install-browser.mjs';

const ENVIRONMENT_VARIABLES = [
  'IDB_BLOCK_VFS_CHROMIUM',
  'CHROME_PATH',
  'PUPPETEER_EXECUTABLE_PATH',
  'PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH',
];
const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const VERSION_TIMEOUT_MS = 20_000;

/** @typedef {(line: string) => void} Log */

/**
 * @param {{ log?: Log, install?: boolean }} [options]
 *   log: default is to say nothing · install: may it install a browser? default true
 * @returns {Promise<string>} path of the executable
 */
export async function findChromium({ log = () => {}, install = true } = {}) {
  const found = fromEnvironment(log) ?? firstThatRuns(installedPlaces(), log);
  if (found !== undefined) return found;
  if (install) {
    for (const installer of installers()) {
      log(`no Chromium yet; trying: ${installer.title}`);
      if (!installer.run(log)) continue;
      const installed = firstThatRuns(installedPlaces(), log);
      if (installed !== undefined) return installed;
    }
  }
  throw new Error(
    'No Chromium found. Install Chromium or Chrome (Debian: "apt-get install chromium"; elsewhere: ' +
      '"npx playwright install --with-deps chromium"), or set IDB_BLOCK_VFS_CHROMIUM to its path.',
  );
}

/**
 * A variable that names a browser that doesn't run is an error: falling through would hide it.
 *
 * @param {Log} log
 */
function fromEnvironment(log) {
  for (const variable of ENVIRONMENT_VARIABLES) {
    const path = process.env[variable];
    if (!path) continue;
    if (runs(path, log)) return path;
    throw new Error(`${variable} is set to "${path}", but that does not run as a browser.`);
  }
  return undefined;
}

/** @param {string[]} paths @param {Log} log */
function firstThatRuns(paths, log) {
  return paths.find((path) => isExecutable(path) && runs(path, log));
}

function installedPlaces() {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const inPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((dir) => isAbsolute(dir))
    .flatMap((dir) => NAMES.map((name) => join(dir, name + suffix)));
  return [...new Set([...inPath, ...usualPlaces(), playwrightChromium.executablePath()])];
}

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
      return [
        ...NAMES.map((name) => join('/usr/bin', name)),
        '/opt/google/chrome/chrome',
        '/snap/bin/chromium',
      ];
  }
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

/** @param {string} path @param {Log} log */
function runs(path, log) {
  // On Windows `chrome.exe --version` opens a window instead of printing; being there must do.
  if (process.platform === 'win32') return isExecutable(path);
  try {
    const version = execFileSync(path, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: VERSION_TIMEOUT_MS,
    });
    log(`found ${path}: ${version.trim()}`);
    return true;
  } catch (error) {
    log(`${path} does not run: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(await findChromium({ log: (line) => console.error(`find-browser: ${line}`) }));
  } catch (error) {
    console.error(`find-browser: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
