/** Ways to install a browser, least intrusive first. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const PLAYWRIGHT_TIMEOUT_MS = 180_000;
const PACKAGE_MANAGER_TIMEOUT_MS = 600_000;

/**
 * @typedef {{ title: string, run: (log: (line: string) => void) => boolean }} Installer
 *   run: true when every command succeeded
 *
 * @typedef {object} Wanted what a browser is called by those who have it
 * @property {string} [playwright] default: its build is of no use here
 * @property {string} [cask] of Homebrew
 * @property {Readonly<Partial<Record<Manager, readonly string[]>>>} packages
 *
 * @typedef {keyof typeof COMMANDS} Manager
 *
 * @typedef {object} Machine
 * @property {string} platform
 * @property {(command: string) => boolean} has
 * @property {() => readonly string[] | undefined} elevation the words before a command that needs
 *   root; undefined if we may not run it
 */

/** The commands of each package manager that come before the names of packages. */
const COMMANDS = {
  'apt-get': [
    ['apt-get', 'update', '-q'],
    ['apt-get', 'install', '-q', '-y', '--no-install-recommends'],
  ],
  dnf: [['dnf', 'install', '-y']],
  apk: [['apk', 'add']],
};
const MANAGERS = /** @type {readonly Manager[]} */ (Object.keys(COMMANDS));

/** @type {Machine} */
const THIS_MACHINE = { platform: process.platform, has, elevation };

/**
 * @param {Wanted} wanted
 * @param {Machine} [machine] default: this one
 * @returns {Installer[]} those that can work on the machine
 */
export function installersOf({ playwright, cask, packages }, machine = THIS_MACHINE) {
  const own = playwright === undefined ? [] : [playwrightInstaller(playwright)];
  // Homebrew refuses to run as root and needs no rights of its own.
  if (machine.platform === 'darwin') {
    if (cask === undefined || !machine.has('brew')) return own;
    return [...own, system([['brew', 'install', '--cask', cask]])];
  }
  if (machine.platform !== 'linux') return own;
  const elevate = machine.elevation();
  if (elevate === undefined) return own;
  const systems = MANAGERS.flatMap((manager) => {
    const { [manager]: names } = packages;
    if (!names || !machine.has(manager)) return [];
    const steps = COMMANDS[manager];
    const commands = steps.map((step, i) => {
      const isLast = i === steps.length - 1;
      return [...elevate, ...step, ...(isLast ? names : [])];
    });
    return [system(commands)];
  });
  return [...own, ...systems];
}

/** @param {string} browser @returns {Installer} */
function playwrightInstaller(browser) {
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright')), 'cli.js');
  return sequence([[process.execPath, cli, 'install', browser]], PLAYWRIGHT_TIMEOUT_MS);
}

function elevation() {
  if (process.getuid?.() === 0) return [];
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 10_000 });
  return sudo.status === 0 ? ['sudo', '-n'] : undefined;
}

/** @param {string} command */
function has(command) {
  return (
    spawnSync(command, ['--version'], { stdio: 'ignore', timeout: 10_000 }).error === undefined
  );
}

/** @param {string[][]} commands @returns {Installer} */
function system(commands) {
  return sequence(commands, PACKAGE_MANAGER_TIMEOUT_MS);
}

/** @param {string[][]} commands @param {number} timeoutMs @returns {Installer} */
function sequence(commands, timeoutMs) {
  return {
    title: commands.map((command) => command.join(' ')).join(' && '),
    run: (log) => commands.every((command) => succeeds(command, timeoutMs, log)),
  };
}

/** @param {string[]} command @param {number} timeoutMs @param {(line: string) => void} log */
function succeeds([program = '', ...args], timeoutMs, log) {
  const { status, error } = spawnSync(program, args, {
    // stdout stays free for the path that find-browser prints.
    stdio: ['ignore', 2, 2],
    timeout: timeoutMs,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status === 0) return true;
  log(`${program} failed: ${error?.message ?? `exit status ${status}`}`);
  return false;
}
