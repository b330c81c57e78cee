/** Where the browser suites run: which browser, how it is started, and what it cannot do. */
import type { BrowserName } from '../../../tools/browsers/browser.mjs';
import type { Deviant } from '../idb-conformance/table.ts';
import type { Capability } from './capabilities.ts';

export interface Target {
  readonly title: string;
  readonly browser: BrowserName;
  readonly flags: readonly string[];
  /** Variables of the environment that the browser is started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Paths, within the profile, of the files that hold its IndexedDB. */
  readonly store: RegExp;
  /** Checked in the browser by `environment.test.ts`, both ways. */
  readonly lacks: readonly Capability[];
  /** Runs only when it is asked for by name: its browser is not as its users have it. */
  readonly isExtra?: true;
}

export const TARGET_NAMES = [
  'chromium',
  'chromium-sqlite',
  'firefox',
  'webkit',
  'webkit-sab',
] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** Its last tier takes 20 s over one function of the Asyncify build, and all compiling waits for that. */
const WEBKIT_ENV = { JSC_useOMGJIT: '0' };

export const TARGETS: Readonly<Record<TargetName, Target>> = {
  chromium: {
    title: 'Chromium (LevelDB)',
    browser: 'chromium',
    flags: ['--disable-features=IdbSqliteBackingStore'],
    env: {},
    store: /^Default\/IndexedDB\/[^/]*\.leveldb\//,
    lacks: [],
  },
  'chromium-sqlite': {
    title: 'Chromium (SQLite)',
    browser: 'chromium',
    flags: ['--enable-features=IdbSqliteBackingStore'],
    env: {},
    store: /^Default\/IndexedDB\/(?!.*\.leveldb\/)/,
    lacks: [],
  },
  firefox: {
    title: 'Firefox',
    browser: 'firefox',
    flags: [],
    env: {},
    store: /^storage\/default\/.*\/idb\//,
    lacks: ['isolation by policy'],
  },
  webkit: {
    title: 'WebKitGTK',
    browser: 'webkit',
    flags: [],
    env: WEBKIT_ENV,
    store: /\/IndexedDB\.sqlite3/,
    lacks: ['JSPI', 'SharedArrayBuffer', 'StorageManager', 'OPFS', 'isolation by policy'],
  },
  'webkit-sab': {
    title: 'WebKitGTK, SharedArrayBuffer switched on',
    browser: 'webkit',
    flags: [],
    env: { ...WEBKIT_ENV, JSC_useSharedArrayBuffer: '1' },
    store: /\/IndexedDB\.sqlite3/,
    lacks: ['JSPI', 'StorageManager', 'OPFS', 'isolation by policy'],
    isExtra: true,
  },
};

/** Whose known differences from our model of IndexedDB it has. */
export function deviantOf(name: TargetName): Deviant {
  return name === 'chromium-sqlite' ? name : TARGETS[name].browser;
}

/** Files of tests that make no sense without a capability; the others take from it what there is. */
const NEEDED: readonly (readonly [files: string, capability: Capability])[] = [
  ['tests/browser/shared-{clients,transfer-loss,worker-loss}.test.ts', 'SharedArrayBuffer'],
  ['tests/browser/migrate-absurd-sql.test.ts', 'SharedArrayBuffer'],
  ['tests/browser/migrate-opfs.test.ts', 'OPFS'],
];

/** Patterns of the files that a browser without these capabilities has no use for. */
export function filesBeyond(lacks: readonly Capability[]): string[] {
  return NEEDED.filter(([, capability]) => lacks.includes(capability)).map(([files]) => files);
}
