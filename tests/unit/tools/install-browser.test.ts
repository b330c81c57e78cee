import { expect, test } from 'vitest';
import { BROWSER_NAMES, BROWSERS } from '../../../tools/browsers/browser.mjs';
import { installersOf } from '../../../tools/install-browser.mjs';
import { testedBrowsers } from '../../../tools/tested-browsers.mjs';

// Goal: a browser that is missing is installed the least intrusive way there is. Method: ask for the ways
// on machines of each kind; none is run.

const WANTED = {
  playwright: 'some',
  cask: 'some-cask',
  packages: { 'apt-get': ['some-deb', 'xvfb'], dnf: ['some-rpm'] },
} as const;

function ways(machine: { platform: string; has: string[]; root: string[] | undefined }): string[] {
  const installers = installersOf(WANTED, {
    platform: machine.platform,
    has: (command) => machine.has.includes(command),
    elevation: () => machine.root,
  });
  return installers.map(({ title }) => title.replace(/^.*cli\.js /, 'playwright '));
}

test('Playwright comes first, then the package managers that are there, as root', () => {
  const root = ['sudo', '-n'];
  expect(ways({ platform: 'linux', has: ['apt-get', 'dnf', 'apk'], root })).toEqual([
    'playwright install some',
    'sudo -n apt-get update -q && ' +
      'sudo -n apt-get install -q -y --no-install-recommends some-deb xvfb',
    'sudo -n dnf install -y some-rpm',
  ]);
  expect(ways({ platform: 'linux', has: ['dnf'], root: [] })).toEqual([
    'playwright install some',
    'dnf install -y some-rpm',
  ]);
});

test('without the right to install, only into the own folder', () => {
  const machine = { platform: 'linux', has: ['apt-get'], root: undefined };
  expect(ways(machine)).toEqual(['playwright install some']);
  expect(ways({ platform: 'win32', has: [], root: [] })).toEqual(['playwright install some']);
});

test('on macOS Homebrew, where it is there', () => {
  expect(ways({ platform: 'darwin', has: ['brew'], root: undefined })).toEqual([
    'playwright install some',
    'brew install --cask some-cask',
  ]);
  expect(ways({ platform: 'darwin', has: [], root: undefined })).toHaveLength(1);
});

test.each(BROWSER_NAMES)('%s can be installed with apt-get, with all it needs', (name) => {
  const { advice } = BROWSERS[name];
  const [, packages = ''] = /"apt-get install ([^"]+)"/.exec(advice) ?? [];
  expect(packages).not.toBe('');
  const debian = {
    platform: 'linux',
    has: (word: string) => word === 'apt-get',
    elevation: () => [],
  };
  expect(BROWSERS[name].installers(debian).at(-1)?.title).toMatch(new RegExp(` ${packages}$`));
});

// Goal: CI leaves out no browser, and nobody else has to install two. Method: ask for the browsers that
// are tested in, for hosts that have some.
test('npm test runs in all browsers in CI, elsewhere in Chromium and what is there', () => {
  const both = ['chromium', 'firefox'];
  expect(testedBrowsers({ isCI: true, isThere: () => false })).toEqual(BROWSER_NAMES);
  expect(testedBrowsers({ isCI: false, isThere: () => false })).toEqual(['chromium']);
  expect(testedBrowsers({ isCI: false, isThere: (name) => name === 'firefox' })).toEqual(both);
});
