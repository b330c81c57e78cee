/** The VFS methods in the form that a build of wa-sqlite calls. */
import type { MethodCore } from './core.js';
import { currentMethods } from './methods-current.js';
import { type LegacyHost, legacyMethods } from './methods-legacy.js';
import type { Build, SqliteModule } from './module.js';

/** @param of `vfs`: the object that will be registered. */
export function methodsOf(
  core: MethodCore,
  module: SqliteModule,
  of: { readonly build: Build; readonly vfs: object },
): object {
  return of.build.startsWith('legacy')
    ? legacyMethods(core, module, of.vfs as LegacyHost)
    : currentMethods(core, module, of.build);
}
