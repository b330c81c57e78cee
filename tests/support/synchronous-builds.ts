/** The synchronous build of each package, with its API, for windows and workers. */

import * as SQLite from '@journeyapps/wa-sqlite';
import createCurrent from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import currentWasm from '@journeyapps/wa-sqlite/dist/wa-sqlite.wasm?url';
import createLivestore from '@livestore/wa-sqlite/dist/wa-sqlite.mjs';
import livestoreWasm from '@livestore/wa-sqlite/dist/wa-sqlite.wasm?url';
import * as LegacySQLite from 'wa-sqlite-legacy';
import createLegacy from 'wa-sqlite-legacy/dist/wa-sqlite.mjs';
import legacyWasm from 'wa-sqlite-legacy/dist/wa-sqlite.wasm?url';
import type { SqlBuild } from './builds.ts';
import { livestoreApi } from './livestore.ts';
import { wasmAt } from './wasm.ts';

export interface Loaded {
  readonly module: object;
  readonly sqlite3: SQLiteAPI;
}

type SynchronousBuild = Extract<SqlBuild, `${string}mirror` | `${string}shared`>;

export async function loadSynchronous(build: SynchronousBuild): Promise<Loaded> {
  if (build.startsWith('livestore-')) {
    const module = await createLivestore(await wasmAt(livestoreWasm));
    return { module, sqlite3: livestoreApi(module) };
  }
  if (build.startsWith('legacy-')) {
    const module = await createLegacy(await wasmAt(legacyWasm));
    return { module, sqlite3: LegacySQLite.Factory(module) };
  }
  const module = await createCurrent(await wasmAt(currentWasm));
  return { module, sqlite3: SQLite.Factory(module) };
}
