/**
 * Loads a wa-sqlite build.
 *
 * Each import is written out: bundlers then make a chunk of each build, and copy its .wasm, but
 * load only the one that is asked for.
 */
import { UnsupportedError } from '../errors.js';
import type { BundledBuild } from './engine-choice.js';
import type { SqliteApi } from './sqlite-api.js';

/** Where a .wasm file is, by its name. */
export type LocateFile = (file: string) => string | URL;

type CreateModule = (config?: object) => Promise<object>;
type Factory = (module: object) => object;

const BUILDS: Readonly<Record<BundledBuild, () => Promise<{ default: CreateModule }>>> = {
  sync: () => import('@journeyapps/wa-sqlite/dist/wa-sqlite.mjs'),
  asyncify: () => import('@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs'),
  jspi: () => import('@journeyapps/wa-sqlite/dist/wa-sqlite-jspi.mjs'),
};

/** @throws UnsupportedError if the .wasm cannot be had */
export async function loadBuild(build: BundledBuild, locateFile?: LocateFile): Promise<object> {
  const { default: create } = await BUILDS[build]();
  try {
    return await create(locateFile && { locateFile: (file: string) => String(locateFile(file)) });
  } catch (cause) {
    throw new UnsupportedError(
      'wa-sqlite.wasm',
      `the ${build} build could not be loaded (${(cause as Error | null)?.message ?? cause}). ` +
        'It lies beside its module; a bundler that has moved that has to move it too (Vite: ' +
        "optimizeDeps.exclude: ['@journeyapps/wa-sqlite']), or pass the option locateFile.",
      { cause },
    );
  }
}

/** wa-sqlite's API over a module. */
export async function loadApi(module: object): Promise<SqliteApi> {
  const { Factory } = (await import('@journeyapps/wa-sqlite')) as { Factory: Factory };
  return Factory(module) as SqliteApi;
}
