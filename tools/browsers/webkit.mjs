/**
 * WebKitGTK, by its MiniBrowser: the engine of Safari, with the same IndexedDB in a network process.
 * It has no way to run without a display, so it gets one of its own that nobody sees. Playwright's
 * build obeys only a debugger and cannot be used here.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { installersOf } from '../install-browser.mjs';
import { askVersion } from './version.mjs';
import { startDisplay } from './virtual-display.mjs';

const LIBRARY_FOLDERS = ['/usr/lib', '/usr/lib64', '/usr/libexec'];
const PACKAGE_FOLDERS = ['webkit2gtk-4.1', 'webkitgtk-6.0', 'webkit2gtk-4.0'];
const ENVIRONMENT = {
  WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  WEBKIT_DISABLE_COMPOSITING_MODE: '1',
  LIBGL_ALWAYS_SOFTWARE: '1',
  GSETTINGS_BACKEND: 'memory',
  NO_AT_BRIDGE: '1',
  GDK_BACKEND: 'x11',
};

/** @type {import('./browser.mjs').Browser} */
export const webkit = {
  title: 'WebKitGTK',
  variables: ['IDB_BLOCK_VFS_WEBKIT'],
  names: ['MiniBrowser'],
  places: usualPlaces,
  helpers: ['Xvfb'],
  advice:
    'Install WebKitGTK with its MiniBrowser, and Xvfb, on Linux (Debian: ' +
    '"apt-get install webkit2gtk-driver xvfb")',
  installers: (machine) =>
    installersOf(
      {
        packages: {
          'apt-get': ['webkit2gtk-driver', 'xvfb'],
          dnf: ['webkit2gtk4.1', 'xorg-x11-server-Xvfb'],
        },
      },
      machine,
    ),
  version: async (executable) => {
    const display = await startDisplay();
    try {
      return await askVersion(executable, { ...ENVIRONMENT, DISPLAY: display.name });
    } finally {
      await display.close();
    }
  },
  prepare: async (profileDir) => {
    const display = await startDisplay();
    const env = {
      ...ENVIRONMENT,
      DISPLAY: display.name,
      HOME: profileDir,
      XDG_DATA_HOME: join(profileDir, 'data'),
      XDG_CACHE_HOME: join(profileDir, 'cache'),
      XDG_CONFIG_HOME: join(profileDir, 'config'),
    };
    return { env, close: display.close };
  },
  args: ({ url, flags }) => [...flags, url],
  locks: [],
  isPage: (commandLine) => /^\S*WebKitWebProcess /.test(commandLine),
  isNetwork: (commandLine) => /^\S*WebKitNetworkProcess /.test(commandLine),
};

/** Beside the library: in a folder of the architecture with Debian, in the library folder elsewhere. */
function usualPlaces() {
  if (process.platform !== 'linux') return [];
  const folders = LIBRARY_FOLDERS.flatMap((folder) => [
    folder,
    ...foldersIn(folder)
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => join(folder, name)),
  ]);
  return PACKAGE_FOLDERS.flatMap((name) =>
    folders.map((folder) => join(folder, name, 'MiniBrowser')),
  );
}

/** @param {string} folder */
function foldersIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
