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
  readonly _sqlite3_next_stmt?: (connection: number, after: number) => number;
  readonly _sqlite3_stmt_busy?: (statement: number) => number;
  readonly _sqlite3_stmt_readonly?: (statement: number) => number;
  readonly _sqlite3_sql?: (statement: number) => number;
  /** What the API awaits before it repeats a call, and before it returns from one. */
  readonly retryOps?: Promise<void>[];
  readonly pendingOps?: object[];
  /** Where `vfs_register` leaves what SQLite's calls go to. */
  setCallback?: (key: number, target: unknown) => void;
  readonly handleAsync?: ((start: () => unknown) => unknown) | null;
  readonly ccall?: (
    name: string,
    returns: string,
    types: readonly string[],
    values: readonly unknown[],
    options?: { readonly async: boolean },
  ) => unknown;
}

/** A wa-sqlite build, as it is recognised from its module; `legacy` is npm's 1.0.0. */
export type Build = 'asyncify' | 'jspi' | 'sync' | 'legacy-asyncify' | 'legacy-sync';

/** True for builds whose VFS methods cannot wait. */
export function isSynchronous(build: Build): boolean {
  return build === 'sync' || build === 'legacy-sync';
}

/** A thenable that calls back at once: Asyncify then does not unwind the stack. */
export class SyncThenable {
  code = 0;
  // biome-ignore lint/suspicious/noThenProperty: being a thenable is this class's purpose.
  then(wake: (code: number) => void): void {
    wake(this.code);
  }
}

/** @throws OptionError if it is no wa-sqlite module. */
export function recogniseBuild(module: unknown): Build {
  const candidate = (module ?? {}) as Partial<SqliteModule>;
  if (!(candidate.HEAPU8 instanceof Uint8Array)) {
    throw new OptionError('module', 'pass the module that the wa-sqlite factory resolved to');
  }
  if (typeof candidate.vfs_register === 'function') return recogniseCurrent(candidate);
  if (typeof candidate.registerVFS === 'function') {
    return isLegacyAsyncify(candidate) ? 'legacy-asyncify' : 'legacy-sync';
  }
  throw new OptionError('module', 'it has neither vfs_register nor registerVFS');
}

/** @throws OptionError, UnsupportedError if it is an asynchronous build, which `engine` does not take. */
export function recogniseSynchronous(module: unknown, engine: string): Build {
  const build = recogniseBuild(module);
  if (isSynchronous(build)) return build;
  throw new UnsupportedError(
    'synchronous build',
    `${engine} is for wa-sqlite.mjs, and this is an asynchronous build, which IDBBlockVFS takes.`,
  );
}

/** Asyncify calls a synchronous thenable back at once; JSPI answers with a promise. */
function recogniseCurrent(module: Partial<SqliteModule>): Build {
  if (!module.handleAsync) return 'sync';
  const answer = module.handleAsync(() => new SyncThenable());
  return typeof answer === 'number' ? 'asyncify' : 'jspi';
}

/** The old line does not say which it is: only its Asyncify build's `ccall` knows `async`. */
function isLegacyAsyncify(module: Partial<SqliteModule>): boolean {
  const answer = module.ccall?.('sqlite3_libversion_number', 'number', [], [], { async: true });
  return typeof answer === 'object';
}
