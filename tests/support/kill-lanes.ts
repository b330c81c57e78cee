/**
 * Where crash trials run: in a browser, on one of the stores that it has for IndexedDB, with or without
 * SharedArrayBuffer. A lane carries the builds, and has the victims, that there are.
 */
import type { BrowserName } from '../../tools/browsers/browser.mjs';
import { BUILDS, ENGINES, type EngineName, engineOf } from './kill-engines.ts';
import type { Victim } from './kill-plan.ts';
import type { BuildName } from './sqlite.ts';

export const LANE_NAMES = ['leveldb', 'sqlite', 'firefox', 'webkit', 'webkit-sab'] as const;
export type LaneName = (typeof LANE_NAMES)[number];

export interface Lane {
  readonly name: LaneName;
  readonly browser: BrowserName;
  /** More words of the browser's command line. */
  readonly flags: readonly string[];
  /** More variables of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly builds: readonly BuildName[];
  /** What is killed, as it is drawn. */
  readonly victims: readonly Victim[];
  /** Where there is a way to close it in good order: not drawn, but it may be asked for. */
  readonly closing?: 'tab';
}

/** Chromium's and Firefox's IndexedDB live and die with the browser. */
const VICTIMS = ['browser', 'renderer'] as const;
const PLAIN = { flags: [], env: {}, builds: BUILDS, victims: VICTIMS } as const;
const CHROMIUM = { ...PLAIN, browser: 'chromium', closing: 'tab' } as const;
const WEBKIT = {
  ...PLAIN,
  browser: 'webkit',
  victims: [...VICTIMS, 'network'],
  builds: BUILDS.filter((build) => build !== 'jspi'),
} as const;

const LANES: readonly Lane[] = [
  {
    name: 'leveldb',
    ...CHROMIUM,
    flags: ['--disable-features=IdbSqliteBackingStore'],
  },
  {
    name: 'sqlite',
    ...CHROMIUM,
    flags: ['--enable-features=IdbSqliteBackingStore'],
  },
  { ...PLAIN, name: 'firefox', browser: 'firefox' },
  {
    ...WEBKIT,
    name: 'webkit',
    builds: WEBKIT.builds.filter((build) => engineOf(build) !== 'shared'),
  },
  { ...WEBKIT, name: 'webkit-sab', env: { JSC_useSharedArrayBuffer: '1' } },
];

/** In the order in which trials take turns. */
export function lanesOf(browser: BrowserName): readonly Lane[] {
  return LANES.filter((lane) => lane.browser === browser);
}

/** Those that a lane has a build of. */
export function enginesOf({ builds }: Lane): readonly EngineName[] {
  return ENGINES.filter((engine) => builds.some((build) => engineOf(build) === engine));
}
