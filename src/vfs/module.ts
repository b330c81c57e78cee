/**
 * Recognises the wa-sqlite build behind an Emscripten module.
 *
 * Current line (`@journeyapps/wa-sqlite`, git 1.x): `vfs_register`, methods with C's own arguments.
 * npm `wa-sqlite@1.0.0`: `registerVFS`, methods with prepared arguments.
 */
import { OptionError, UnsupportedError } from '../errors.js';

/** What this package uses of an Emscripten module. */
export interface SqliteModule {
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  UTF8ToString(address: number): string;
  readonly vfs_register?: unknown;
  readonly registerVFS?: unknown;
  /** 0 while the connection is inside a BEGIN. */
  readonly _sqlite3_get_autocommit?: (connection: number) => number;
  readonly handleAsync?: ((start: () => unknown) => unknown) | null;
  readonly ccall?: (
    name: string,
    returns: string,
    types: readonly string[],
    values: readonly unknown[],
    options?: { readonly async: boolean },
  ) => unknown;
}

export type Build = 'asyncify' | 'jspi' | 'legacy-asyncify';

/** A thenable that calls back at once: Asyncify then does not unwind the stack. */
export class SyncThenable {
  code = 0;
  // biome-ignore lint/suspicious/noThenProperty: being a thenable is this class's purpose.
  then(wake: (code: number) => void): void {
    wake(this.code);
  }
}

const SYNC_ADVICE =
  'this is the synchronous wa-sqlite build, which cannot wait for IndexedDB. ' +
  'Import wa-sqlite-async.mjs (Asyncify) or wa-sqlite-jspi.mjs instead.';

/**
 * @throws OptionError if it is no wa-sqlite module, UnsupportedError if its build is synchronous.
 */
export function recogniseBuild(module: unknown): Build {
  const candidate = (module ?? {}) as Partial<SqliteModule>;
  if (!(candidate.HEAPU8 instanceof Uint8Array)) {
    throw new OptionError('module', 'pass the module that the wa-sqlite factory resolved to');
  }
  if (typeof candidate.vfs_register === 'function') return recogniseCurrent(candidate);
  if (typeof candidate.registerVFS === 'function') {
    if (!isLegacyAsyncify(candidate)) throw new UnsupportedError('asynchronous build', SYNC_ADVICE);
    return 'legacy-asyncify';
  }
  throw new OptionError('module', 'it has neither vfs_register nor registerVFS');
}

/** Asyncify calls a synchronous thenable back at once; JSPI answers with a promise. */
function recogniseCurrent(module: Partial<SqliteModule>): Build {
  if (!module.handleAsync) throw new UnsupportedError('asynchronous build', SYNC_ADVICE);
  const answer = module.handleAsync(() => new SyncThenable());
  return typeof answer === 'number' ? 'asyncify' : 'jspi';
}

/** The old line does not say which it is: only its Asyncify build's `ccall` knows `async`. */
function isLegacyAsyncify(module: Partial<SqliteModule>): boolean {
  const answer = module.ccall?.('sqlite3_libversion_number', 'number', [], [], { async: true });
  return typeof answer === 'object';
}
