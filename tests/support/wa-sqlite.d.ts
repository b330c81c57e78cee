/**
 * Types for the two lines of wa-sqlite under the names this repository installs them by: the types
 * the packages ship are declared for their own names only.
 */
/// <reference path="../../node_modules/wa-sqlite/src/types/index.d.ts" />

declare module 'wa-sqlite' {
  export * from '@journeyapps/wa-sqlite';
}

declare module 'wa-sqlite/src/sqlite-constants.js' {
  export * from '@journeyapps/wa-sqlite/src/sqlite-constants.js';
}

declare module 'wa-sqlite/dist/*.mjs' {
  /** Instantiates one WebAssembly build. */
  export default function createModule(config?: object): Promise<object>;
}

declare module 'wa-sqlite/src/examples/*.js' {
  interface ExampleVFS {
    create(name: string, module: object, options?: object): Promise<SQLiteVFS>;
  }
  export const AccessHandlePoolVFS: ExampleVFS;
  export const IDBBatchAtomicVFS: ExampleVFS;
  export const IDBMirrorVFS: ExampleVFS;
  export const MemoryVFS: ExampleVFS;
  export const MemoryAsyncVFS: ExampleVFS;
  export const OPFSCoopSyncVFS: ExampleVFS;
  export const OPFSWriteAheadVFS: ExampleVFS;
}

declare module 'wa-sqlite-legacy' {
  export * from '@journeyapps/wa-sqlite';
}

declare module 'wa-sqlite-legacy/dist/*.mjs' {
  /** Instantiates one WebAssembly build. */
  export default function createModule(config?: object): Promise<object>;
}

declare module 'wa-sqlite-legacy/src/examples/*.js' {
  export const IDBBatchAtomicVFS: new (name?: string, options?: object) => SQLiteVFS;
  export const MemoryVFS: new () => SQLiteVFS;
  export const MemoryAsyncVFS: new () => SQLiteVFS;
}

// The types that the package ships add to the global ones of the others.
declare module '@livestore/wa-sqlite/src/sqlite-api.js' {
  /** Its calls are synchronous, but for `open_v2`. */
  export function Factory(module: object): {
    statements(connection: number, sql: string, options: { unscoped: boolean }): Iterable<number>;
    finalize(statement: number): number;
  };
}

declare module '@livestore/wa-sqlite/dist/*.mjs' {
  /** Instantiates one WebAssembly build. */
  export default function createModule(config?: object): Promise<object>;
}

/** As this package itself imports them; the types declare only some. */
declare module '@journeyapps/wa-sqlite/dist/*.mjs' {
  /** Instantiates one WebAssembly build. */
  export default function createModule(config?: object): Promise<object>;
}
