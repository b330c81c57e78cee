/** The wa-sqlite builds, each loaded only by the contender that runs on it. */

export type AsyncBuild = 'asyncify' | 'jspi';
export type Build = 'sync' | AsyncBuild;

export interface Loaded {
  readonly module: object;
  readonly sqlite3: SQLiteAPI;
}

/** WebKit has no JSPI yet. */
export const available = (build: string): boolean =>
  build !== 'jspi' || 'Suspending' in WebAssembly;

/** WebKitGTK has none by itself; absurd-sql would go on in memory. */
export const hasSharedMemory = (): boolean => typeof SharedArrayBuffer === 'function';

/** WebKitGTK has none. */
export const hasFileSystem = (): boolean => 'getDirectory' in (navigator.storage ?? {});

const LOAD = {
  sync: () => import('@journeyapps/wa-sqlite/dist/wa-sqlite.mjs'),
  asyncify: () => import('@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs'),
  jspi: () => import('@journeyapps/wa-sqlite/dist/wa-sqlite-jspi.mjs'),
};

export async function loadBuild(build: Build): Promise<Loaded> {
  const [{ default: create }, { Factory }] = await Promise.all([
    LOAD[build](),
    import('@journeyapps/wa-sqlite'),
  ]);
  const module = await create();
  return { module, sqlite3: Factory(module) };
}

/** npm `wa-sqlite@1.0.0`: the old line, SQLite 3.44, Asyncify only. */
export async function loadLegacy(): Promise<Loaded> {
  const [{ default: create }, { Factory }] = await Promise.all([
    import('wa-sqlite-legacy/dist/wa-sqlite-async.mjs'),
    import('wa-sqlite-legacy'),
  ]);
  const module = await create();
  return { module, sqlite3: Factory(module) };
}
