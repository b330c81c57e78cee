/** Ways to install Chromium, least intrusive first. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const PLAYWRIGHT_TIMEOUT_MS = 180_000;
const PACKAGE_MANAGER_TIMEOUT_MS = 600_000;

/**
 * @typedef {{ title: string, run: (log: (line: string) => void) => boolean }} Installer
 *   run: true when every command succeeded
 */

/** @returns {Installer[]} those that can work on this machine */
export function installers() {
  return [playwrightInstaller(), ...systemInstallers()];
}

/** @returns {Installer} */
function playwrightInstaller() {
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright')), 'cli.js');
  return sequence([[process.execPath, cli, 'install', 'chromium']], PLAYWRIGHT_TIMEOUT_MS);
}

/** @returns {Installer[]} */
function systemInstallers() {
  // Homebrew refuses to run as root and needs no rights of its own.
  if (process.platform === 'darwin') {
    return has('brew') ? [system([['brew', 'install', '--cask', 'google-chrome']])] : [];
  }
  if (process.platform !== 'linux') return [];
  const elevate = elevation();
  if (elevate === undefined) return [];
  /** @type {Record<string, string[][]>} */
  const commands = {
    'apt-get': [
      ['apt-get', 'update', '-q'],
      ['apt-get', 'install', '-q', '-y', '--no-install-recommends', 'chromium'],
    ],
    dnf: [['dnf', 'install', '-y', 'chromium']],
    apk: [['apk', 'add', 'chromium']],
  };
  return Object.entries(commands)
    .filter(([manager]) => has(manager))
    .map(([, steps]) => system(steps.map((step) => [...elevate, ...step])));
}

/** @returns {string[] | undefined} the words before a command that needs root, if we may run it */
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
