/** The engines and builds of wa-sqlite that tests run on, and the npm packages the builds come from. */

/** An engine on a build of wa-sqlite. */
export type BuildName = LocalBuild | SharedBuild;
export type LocalBuild = 'asyncify' | 'jspi' | 'legacy-asyncify' | 'mirror' | 'legacy-mirror';
export type SharedBuild = 'shared' | 'legacy-shared';
/** The same, and on a package that is tried with the SQL suites only. */
export type SqlBuild = BuildName | 'livestore-mirror' | 'livestore-shared';

/** `IDBBlockVFS`, on every build. */
export const BUILDS: readonly BuildName[] = ['asyncify', 'jspi', 'legacy-asyncify'];
/** Every engine, on each build of the current line, and `IDBBlockVFS` on the old one. */
export const ENGINES: readonly BuildName[] = [...BUILDS, 'mirror', 'shared'];
/** Each engine once: what fails below the VFS methods fails alike on all builds of an engine. */
export const ONE_OF_EACH = ['asyncify', 'mirror', 'shared'] as const;
/** Where a statement lasts until what it has to wait for is done: every SQL suite runs on these. */
export const SQL_ENGINES: readonly SqlBuild[] = [...ENGINES, 'legacy-shared', 'livestore-shared'];
/** The memory mirror where API calls cannot wait: files are loaded ahead, commits land behind. */
export const UNWAITING: readonly ('legacy-mirror' | 'livestore-mirror')[] = [
  'legacy-mirror',
  'livestore-mirror',
];
export const EVERY_ENGINE: readonly SqlBuild[] = [...SQL_ENGINES, ...UNWAITING];

export type Engine = 'IDBBlockVFS' | 'IDBBlockMirrorVFS' | 'IDBBlockSharedVFS';

export function engineOf(build: SqlBuild): Engine {
  if (build.endsWith('mirror')) return 'IDBBlockMirrorVFS';
  return build.endsWith('shared') ? 'IDBBlockSharedVFS' : 'IDBBlockVFS';
}

/** Whether a sqliteTx larger than `spillBytes` goes out ahead of its commit: a mirror stages all of it. */
export function spills(build: SqlBuild): boolean {
  return engineOf(build) !== 'IDBBlockMirrorVFS';
}

export interface Distribution {
  /** Its name on npm. */
  readonly name: string;
  /** Where it is in node_modules. */
  readonly folder: string;
  /** The version of SQLite in it. */
  readonly sqlite: string;
  /** What it is called before the name of an engine. */
  readonly prefix: string;
}

/** The packages, each with the builds that it has. */
export const DISTRIBUTIONS: readonly Distribution[] = [
  {
    name: '@journeyapps/wa-sqlite',
    folder: '@journeyapps/wa-sqlite',
    sqlite: '3.53',
    prefix: '',
  },
  { name: 'wa-sqlite', folder: 'wa-sqlite-legacy', sqlite: '3.44', prefix: 'legacy-' },
  {
    name: '@livestore/wa-sqlite',
    folder: '@livestore/wa-sqlite',
    sqlite: '3.47',
    prefix: 'livestore-',
  },
];

/** The package that a build is from. */
export function distributionOf(build: SqlBuild): Distribution {
  const found = DISTRIBUTIONS.find(({ prefix }) => prefix !== '' && build.startsWith(prefix));
  return found ?? (DISTRIBUTIONS[0] as Distribution);
}
